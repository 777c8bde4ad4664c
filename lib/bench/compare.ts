/** Comparison with an earlier report: ratios only, which a slow or busy machine leaves as they are. */
import { loadNote } from "./machine.ts";
import type {
  AnalysisRow,
  BenchReport,
  HostRow,
  KernelRow,
  MemoryRow,
  ModelRow,
  PeerRow,
  Processor,
} from "./types.ts";

/** Time over a yardstick of the same run: it grows when this project gets slower, on any machine. */
interface Cost {
  median: number;
  p10: number;
  p90: number;
}

export interface Change {
  name: string;
  before: number;
  now: number;
  /** now / before; above 1 it got slower. */
  ratio: number;
  /** `scatter`: past the factor, but no further than the samples of both runs lie apart anyway. */
  verdict: "within" | "scatter" | "slower";
}

export interface Comparison {
  changes: Change[];
  /** Those past the factor and past the scatter. */
  slower: Change[];
  /** Names of rows that only one of the reports has. */
  missing: string[];
  added: string[];
  notes: string[];
}

/**
 * Compares what does not depend on the machine: the kernels' share of their run's own ceiling, the engine's time
 * over the whole graph's and over plain products of the same shapes (the whole graph is made of this project's
 * own blocks and grows with them), the host's time over onnxruntime's, analyses over their passes, over a
 * yardstick and over the ceiling of products, memory over what the sizes ask for, settings over the first of their question, and passes over those of
 * other programs.
 *
 * Kernel rows need the same adapter (or the same CPU) on both sides; those of a software adapter are
 * never compared, as they say nothing about a GPU.
 *
 * A row is slower if its median grew past the factor and even its fastest samples (p10) are above the
 * slowest of before (p90).
 *
 * @param factor how many times a row's cost may grow
 */
export function compareReports(
  before: BenchReport,
  after: BenchReport,
  factor: number,
): Comparison {
  const notes: string[] = [], processors: Processor[] = [];
  // Numbers decide only where both reports have them.
  const numbered = [before, after].every(({ machine: { cpuModel } }) => cpuModel !== undefined);
  const [cpuBefore, cpuAfter] = [before, after].map(({ machine }) => {
    const { cpu, arch, cpuFamily, cpuModel } = machine;
    return `${cpu}, ${arch}` + (numbered ? `, family ${cpuFamily}, model ${cpuModel}` : "");
  });
  if (cpuBefore === cpuAfter) processors.push("cpu");
  else notes.push(`kernels on the CPU are not compared: it was ${cpuBefore} and is ${cpuAfter}`);
  const [oldName, newName] = [before, after].map(adapterName);
  if (oldName !== newName) {
    notes.push(`kernels on the GPU are not compared: the adapter was ${oldName} and is ${newName}`);
  } else if (after.adapter?.isFallback) {
    notes.push("kernels on the GPU are not compared: the adapter is a software one");
  } else if (after.adapter) processors.push("gpu");

  for (const [which, { machine }] of [["earlier", before], ["present", after]] as const) {
    const busy = loadNote(machine);
    if (busy) notes.push(`in the ${which} run ${busy}`);
  }

  const old = measuresOf(before, processors), now = measuresOf(after, processors);
  const changes: Change[] = [];
  for (const [name, cost] of now) {
    const then = old.get(name);
    if (then) changes.push(changeOf(name, then, cost, factor));
  }
  const only = (a: Map<string, Cost>, b: Map<string, Cost>) =>
    [...a.keys()].filter((name) => !b.has(name));
  return {
    changes,
    slower: changes.filter(({ verdict }) => verdict === "slower"),
    missing: only(old, now),
    added: only(now, old),
    notes,
  };
}

function changeOf(name: string, then: Cost, cost: Cost, factor: number): Change {
  const ratio = cost.median / then.median;
  const verdict = ratio <= factor ? "within" : cost.p10 <= then.p90 ? "scatter" : "slower";
  return { name, before: then.median, now: cost.median, ratio, verdict };
}

function measuresOf(
  { kernels, models, host = [], analyses = [], memory = [], settings = [], peers = [] }:
    BenchReport,
  processors: readonly Processor[],
): Map<string, Cost> {
  const found = new Map<string, Cost>();
  const add = (name: string, cost: Cost | undefined) => cost && found.set(name, cost);
  for (const row of kernels) {
    if (row.share && processors.includes(row.processor) && !isCeiling(row)) {
      const { us: { median, p10, p90 } } = row, least = row.share * median;
      add(kernelName(row), { median: median / least, p10: p10 / least, p90: p90 / least });
    }
  }
  for (const row of models) {
    add(modelName(row), row.ratio);
    add(`${modelName(row)}, over plain products`, row.overProducts);
  }
  for (const row of host) {
    add(hostName(row), row.ratio);
    add(`${hostName(row)}, over empty commands`, row.overDispatches);
  }
  for (const row of analyses) {
    add(`${analysisName(row)}, over its passes`, row.overPlain);
    add(`${analysisName(row)}, over ${YARDSTICKS[row.start]}`, row.overYardstick);
    add(`${analysisName(row)}, over the ceiling of products`, row.overCeiling);
  }
  for (const row of memory) {
    const { beforeBytes, peakBytes, weightBytes, blockAttentionBytes } = row;
    add(`${memoryName(row)}: loaded, over its weights`, once(beforeBytes / weightBytes));
    const growth = (peakBytes - beforeBytes) / blockAttentionBytes;
    add(`${memoryName(row)}: of the pass, over one layer's attention`, once(growth));
  }
  for (const row of peers) {
    // The largest of theirs over ours is the least of ours over theirs.
    const { median, p10, p90 } = row.ratio;
    add(peerName(row), { median: 1 / median, p10: 1 / p90, p90: 1 / p10 });
  }
  for (const row of settings) if (!row.busy) add(`${row.question}: ${row.setting}`, row.ratio);
  return found;
}

const YARDSTICKS: Record<AnalysisRow["start"], string> = {
  warm: "plain products",
  cold: "a process of fixed work",
};

/** What is measured once. */
const once = (value: number): Cost => ({ median: value, p10: value, p90: value });

/** The yardsticks are their own share: always one. */
const isCeiling = ({ kernel }: KernelRow) => kernel === "copy" || kernel === "fma";

export const kernelName = ({ kernel, shape, implementation }: KernelRow): string =>
  `${kernel} ${shape}, ${implementation}`;

export const hostName = ({ shape, residues, batch, adapter }: HostRow): string =>
  `host time of ${shape} on ${adapter}, ${batch} × ${residues} residues`;

export const analysisName = ({ command, subject, backend, start }: AnalysisRow): string =>
  `${command} on ${backend}, ${start}, ${subject}`;

export const memoryName = ({ shape, backend, runner, attention, tokens }: MemoryRow): string =>
  `memory of ${shape} on ${backend}, ${runner}, attention ${attention}, ${tokens} tokens`;

export const peerName = ({ shape, threads, tokens, peer }: PeerRow): string =>
  `${shape} on cpu ×${threads}, ${tokens} tokens, over ${peer}`;

export const modelName = ({ shape, backend, threads, residues, batch, attention }: ModelRow) =>
  `${shape} on ${backend}${threads === undefined ? "" : ` ×${threads}`}, ${batch} × ${residues} ` +
  `residues, attention ${attention}`;

function adapterName({ adapter }: BenchReport): string {
  if (!adapter) return "none";
  const { vendor, architecture, device, description } = adapter;
  return [...new Set([description, device, architecture, vendor])].filter(Boolean).join(", ");
}
