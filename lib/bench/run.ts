/** Measures what a plan asks for. */
import { GpuContext } from "../gpu/mod.ts";
import { coldRows, warmRow } from "./analysis_rows.ts";
import { openBenchBackend } from "./backends.ts";
import { warmBootstrapRow } from "./bootstrap_row.ts";
import { warmIgRow, warmPatchRow } from "./causal_rows.ts";
import { warmContactsRow, warmJacobianRow } from "./contacts_row.ts";
import { warmEmbedRow } from "./embed_row.ts";
import { warmLensRow, warmMutantRow, warmSeenLensRow } from "./lens_rows.ts";
import { hostRows } from "./host_rows.ts";
import { cpuKernelRows, withSpeedUp } from "./kernel_rows_cpu.ts";
import { gpuKernelRows } from "./kernel_rows_gpu.ts";
import { kernelBenches } from "./kernels/mod.ts";
import { describeMachine, describeVersions, loadNote } from "./machine.ts";
import { memoryRows } from "./memory_rows.ts";
import { modelRows } from "./model_rows.ts";
import { numpyRows } from "./numpy_rows.ts";
import { peerRows } from "./peer_rows.ts";
import {
  type BenchOptions,
  type BenchPlan,
  isPossible,
  planBench,
  type Section,
  type WarmAnalysis,
} from "./plan.ts";
import { warmContactReportRow, warmMarginalsRow, warmSiteReportRow } from "./report_rows.ts";
import { warmScoreRow } from "./score_row.ts";
import { warmTrunkRow } from "./fold_row.ts";
import { warmInt8Row } from "./precision_row.ts";
import { warmProbeRow } from "./probe_row.ts";
import { warmSaeEncodeRow } from "./sae_row.ts";
import { settingRows } from "./setting_rows.ts";
import { warmSmallStepRow, warmStepRow } from "./training_rows.ts";
import { type BenchReport, type PeerRow, SCHEMA } from "./types.ts";

export interface BenchEvents {
  /** Measuring begins; rows are added to this report as they are found. */
  onBegin?(report: BenchReport): void;
  /** A section is about to be measured. */
  onSection?(name: Section): void;
  /** What is being measured. */
  onStep?(text: string): void;
  /** A section's rows are in the report. */
  onRows?(name: Section, report: BenchReport): void;
}

/** @throws {UserError} if a backend asked for does not work here */
export async function runBench(
  options: BenchOptions,
  events: BenchEvents = {},
  signal?: AbortSignal,
): Promise<BenchReport> {
  const begin = performance.now();
  const adapter = await GpuContext.probe();
  const machine = describeMachine();
  const plan = planBench(options, {
    cores: machine.cores,
    hasGpu: adapter !== null && !adapter.isFallback,
  });
  const report: BenchReport = {
    schema: SCHEMA,
    date: new Date().toISOString(),
    versions: describeVersions(),
    machine,
    adapter,
    options: { ...options },
    elapsedSeconds: 0,
    ceilings: [],
    kernels: [],
    models: [],
    host: [],
    memory: [],
    analyses: [],
    settings: [],
    notes: [...[loadNote(machine)].filter((note) => note !== undefined), ...plan.notes],
  };
  const usesAdapter = plan.sections.includes("kernels") ||
    plan.backends.some(({ name }) => name === "webgpu");
  if (adapter?.isFallback && usesAdapter) {
    report.notes.push(
      `the adapter is a software one (${adapter.description || adapter.device}): its numbers say ` +
        "nothing about a GPU",
    );
  }
  events.onBegin?.(report);
  for (const name of ORDER.filter((section) => plan.sections.includes(section))) {
    signal?.throwIfAborted();
    events.onSection?.(name);
    await MEASURE[name](plan, report, events, signal);
    events.onRows?.(name, report);
  }
  report.elapsedSeconds = Math.round((performance.now() - begin) / 100) / 10;
  return report;
}

/** Memory first: a process inherits the peak of the one that starts it (see `memoryRows`). */
const ORDER: readonly Section[] = [
  "memory",
  "analyses",
  "kernels",
  "models",
  "host",
  "threads",
  "peers",
];

/** Analyses on top of a warm forward pass, in the order of the table. */
const WARM: Record<WarmAnalysis, typeof warmRow> = {
  analyze: warmRow,
  "analyze page": warmSiteReportRow,
  "analyze --mutant": warmMutantRow,
  lens: warmLensRow,
  "lens --unmasked": warmSeenLensRow,
  score: warmScoreRow,
  "score marginals": warmMarginalsRow,
  "score intervals": warmBootstrapRow,
  contacts: warmContactsRow,
  "contacts page": warmContactReportRow,
  jacobian: warmJacobianRow,
  embed: warmEmbedRow,
  probe: warmProbeRow,
  "sae encode": warmSaeEncodeRow,
  "sae patch": warmPatchRow,
  "sae ig": warmIgRow,
  "mlm step": warmSmallStepRow,
  "mlm step 8M": warmStepRow,
  "trunk block": warmTrunkRow,
  int8: warmInt8Row(64, 1),
  "int8 batch": warmInt8Row(64, 15),
  "int8 long": warmInt8Row(412, 1),
};

type Measure = (
  plan: BenchPlan,
  report: BenchReport,
  events: BenchEvents,
  signal?: AbortSignal,
) => Promise<void>;

const MEASURE: Record<Section, Measure> = {
  async memory({ memory }, report, { onStep }, signal) {
    const { rows, notes } = await memoryRows(memory, {
      signal,
      onCase: ({ runner, tokens }) => onStep?.(`${runner}, T = ${tokens}`),
    });
    report.memory = rows;
    report.notes.push(...notes);
  },

  async analyses({ backends, budgetsMs, coldRuns, warmAnalyses }, report, { onStep }, signal) {
    for (const name of new Set(backends.map(({ name }) => name))) {
      onStep?.(`cold start on ${name}`);
      report.analyses.push(...await coldRows({ backend: name, runs: coldRuns, signal }));
    }
    for (const one of backends) {
      onStep?.(`analysis over forward pass on ${label(one)}`);
      await using backend = await openBenchBackend(one);
      for (const name of warmAnalyses.filter((name) => isPossible(name, one.name))) {
        const row = await WARM[name](backend, { budgetMs: budgetsMs.model, signal });
        report.analyses.push({ ...row, backend: label(one) });
      }
    }
  },

  async kernels({ budgetsMs, numpySamples }, report, { onStep }, signal) {
    const benches = kernelBenches;
    onStep?.("twins");
    const cpu = await cpuKernelRows({ benches, budgetMs: budgetsMs.twins, signal });
    const found = [...cpu.rows];
    report.ceilings.push(cpu.ceilings);
    if (report.adapter) {
      onStep?.("WGSL");
      using ctx = await GpuContext.open();
      const gpu = await gpuKernelRows(ctx, { benches, budgetMs: budgetsMs.kernel, signal });
      report.ceilings.push(gpu.ceilings);
      found.unshift(...gpu.rows);
    } else report.notes.push("no WGSL rows: no GPU adapter was found");
    onStep?.("NumPy");
    const numpy = await numpyRows(numpySamples, signal);
    if (numpy.note) report.notes.push(numpy.note);
    report.kernels = withSpeedUp([...found, ...numpy.rows]);
  },

  async models({ backends, models, budgetsMs }, report, { onStep }, signal) {
    for (const one of backends) {
      await using backend = await openBenchBackend(one);
      report.versions.onnxruntime ??= /onnxruntime-\w+ ([\d.]+)/.exec(backend.detail)?.[1];
      await modelRows({
        backend,
        threads: one.threads,
        cases: models[one.name],
        budgetMs: budgetsMs.model,
        signal,
        onRows: (rows, { shape, residues, batch }) => {
          report.models.push(...rows);
          onStep?.(`${shape} on ${label(one)}, ${batch} × ${residues} residues`);
        },
      });
    }
  },

  async host({ host }, report, { onStep }, signal) {
    if (report.adapter) {
      report.host = await hostRows(host, {
        signal,
        onCase: ({ shape, residues }) => onStep?.(`${shape}, ${residues} residues`),
      });
    } else report.notes.push("no rows of the host's time: no GPU adapter was found");
  },

  async threads({ budgetsMs }, report, { onStep }, signal) {
    const options = { shape: "8M", budgetMs: budgetsMs.setting, signal } as const;
    report.settings = await settingRows({ ...options, onQuestion: onStep });
  },

  async peers({ peers }, report, { onStep }, signal) {
    const rows = report.peers = [] as PeerRow[];
    const { notes } = await peerRows(peers, {
      signal,
      onRows: (found) => {
        rows.push(...found);
        const [{ shape, threads, tokens }] = found;
        onStep?.(`${shape} on ${label({ name: "cpu", threads })}, T = ${tokens}`);
      },
    });
    report.notes.push(...notes);
  },
};

const label = ({ name, threads }: { name: string; threads?: number }) =>
  threads === undefined ? name : `${name} ×${threads}`;
