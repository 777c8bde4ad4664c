/** Which rows a run measures, from its options. */
import type { BackendName } from "../backend/mod.ts";
import type { BenchBackend } from "./backends.ts";
import type { HostCase, HostShape } from "./host_rows.ts";
import type { MemoryCase } from "./memory_rows.ts";
import type { ModelCase } from "./model_rows.ts";
import type { PeerCase } from "./peer_rows.ts";
import type { ShapeName } from "../checkpoint/random.ts";

export const SECTIONS = [
  "kernels",
  "models",
  "host",
  "memory",
  "analyses",
  "threads",
  "peers",
] as const;
export type Section = typeof SECTIONS[number];

export const WARM_ANALYSES = [
  "analyze",
  "analyze page",
  "analyze --mutant",
  "lens",
  "lens --unmasked",
  "score",
  "score marginals",
  "score intervals",
  "contacts",
  "contacts page",
  "jacobian",
  "embed",
  "probe",
  "sae encode",
  "sae patch",
  "sae ig",
  "mlm step",
  "mlm step 8M",
  "trunk block",
  "int8",
  "int8 batch",
  "int8 long",
] as const;
export type WarmAnalysis = typeof WARM_ANALYSES[number];

/** What only the cpu backend has; the models take seconds to open. */
const INT8_ANALYSES: readonly WarmAnalysis[] = ["int8", "int8 batch", "int8 long"];

/** Several seconds a sample. */
const SLOW_ANALYSES: readonly WarmAnalysis[] = [
  ...["jacobian", "analyze --mutant", "trunk block"] as const,
  ...INT8_ANALYSES,
];

/** Whether a backend can do it. */
export const isPossible = (analysis: WarmAnalysis, backend: BackendName): boolean =>
  backend === "cpu" || !INT8_ANALYSES.includes(analysis);

export interface BenchOptions {
  only?: readonly Section[];
  backend?: readonly BackendName[];
  shapes?: readonly ShapeName[];
  lengths?: readonly number[];
  batches?: readonly number[];
  threads?: readonly number[];
  /** Other programs beside the engine; nothing else without `only`. */
  peers?: boolean;
  quick: boolean;
}

export interface BenchPlan {
  sections: readonly Section[];
  backends: readonly BenchBackend[];
  /** Of every backend of that name. */
  models: Record<string, ModelCase[]>;
  host: readonly HostCase[];
  memory: readonly MemoryCase[];
  peers: readonly PeerCase[];
  /** Time for a kernel (GPU), for all twins, for a model case, for a question about settings. */
  budgetsMs: { kernel: number; twins: number; model: number; setting: number };
  coldRuns: number;
  warmAnalyses: readonly WarmAnalysis[];
  numpySamples: number;
  /** What was left out. */
  notes: string[];
}

export interface PlanMachine {
  cores: number;
  /** Whether a GPU that is no software renderer is there. */
  hasGpu: boolean;
}

/** Tokens of a batch that the defaults go up to, so that a run ends in minutes. */
const MOST_TOKENS = { gpu: 40_000, cpu: 2200, wasm: 420, software: 420 };

/** On a GPU, a length with next to no work: what is left is the host's own time. */
const SHORTEST: Record<keyof typeof MOST_TOKENS, number[]> = {
  gpu: [6],
  cpu: [],
  wasm: [],
  software: [],
};

/** A2A, the example of every command: the row that the README quotes. */
const EXAMPLE_RESIDUES = 412;

/**
 * Plans a run: what the options name exactly, else defaults that fit the machine.
 *
 * Without `only`, everything but the questions about threads and the peers.
 */
export function planBench(options: BenchOptions, machine: PlanMachine): BenchPlan {
  const { quick } = options, notes: string[] = [];
  const sections = planSections(options);
  const backends = planBackends(options, machine);
  const models: Record<string, ModelCase[]> = {};
  for (const { name } of backends) {
    models[name] ??= planModels(name, options, machine, sections.includes("models") ? notes : []);
  }
  return {
    sections,
    backends,
    models,
    host: planHost(options, machine),
    memory: backends.some(({ name }) => name === "cpu") ? planMemory(quick) : [],
    peers: planPeers(options, machine),
    budgetsMs: quick
      ? { kernel: 100, twins: 2500, model: 800, setting: 2000 }
      : { kernel: 500, twins: 10_000, model: 2500, setting: 8000 },
    coldRuns: quick ? 2 : 5,
    warmAnalyses: WARM_ANALYSES.filter((name) => !quick || !SLOW_ANALYSES.includes(name)),
    numpySamples: quick ? 3 : 7,
    notes,
  };
}

/** What is measured only when it is named. */
const ASKED_FOR: readonly Section[] = ["threads", "peers"];

function planSections({ only, peers }: BenchOptions): readonly Section[] {
  if (peers) return [...new Set([...only ?? [], "peers" as const])];
  return only ?? SECTIONS.filter((name) => !ASKED_FOR.includes(name));
}

/** From where a pass is mostly its start to the longest that ESM-2 was trained on. */
const PEER_TOKENS = [32, 66, 258, EXAMPLE_RESIDUES + 2, 1022];

function planPeers(options: BenchOptions, { cores }: PlanMachine): PeerCase[] {
  const { quick } = options, budgetMs = quick ? 1000 : 6000;
  const shapes: readonly ShapeName[] = options.shapes ?? (quick ? ["8M"] : ["8M", "35M", "150M"]);
  const tokens = options.lengths?.map((residues) => residues + 2) ??
    (quick ? [66, EXAMPLE_RESIDUES + 2] : PEER_TOKENS);
  const counts = [...new Set(options.threads ?? [1, cores])];
  return shapes.flatMap((shape) =>
    counts.map((threads): PeerCase => ({ shape, threads, tokens, budgetMs }))
  );
}

function planBackends(
  { backend, threads, quick }: BenchOptions,
  { cores, hasGpu }: PlanMachine,
): BenchBackend[] {
  const names: readonly BackendName[] = backend ??
    (hasGpu ? ["webgpu", "cpu"] : quick ? ["cpu"] : ["cpu", "wasm"]);
  return names.flatMap((name): BenchBackend[] =>
    name === "cpu"
      ? [...new Set(threads ?? [1, cores])].map((count) => ({ name, threads: count }))
      : [{ name }]
  );
}

function planModels(
  name: BackendName,
  options: BenchOptions,
  { hasGpu }: PlanMachine,
  notes: string[],
): ModelCase[] {
  const kind = name === "webgpu" ? (hasGpu ? "gpu" : "software") : name;
  const isSlow = kind === "wasm" || kind === "software";
  const { quick } = options;
  const shapes = options.shapes ?? (quick || isSlow ? ["8M"] as const : ["8M", "35M"] as const);
  const lengths = options.lengths ??
    (quick ? [64, EXAMPLE_RESIDUES] : [...SHORTEST[kind], 64, 256, EXAMPLE_RESIDUES, 1022]);
  const batches = options.batches ?? (quick ? [1, 8] : [1, 8, 32]);
  // Whoever names lengths or batches gets them.
  const most = options.lengths || options.batches
    ? Infinity
    : quick
    ? Math.min(600, MOST_TOKENS[kind])
    : MOST_TOKENS[kind];
  const cases = shapes.flatMap((shape) =>
    lengths.flatMap((residues) => batches.map((batch): ModelCase => ({ shape, residues, batch })))
  );
  const fits = cases.filter(({ shape, residues, batch }) =>
    batch * (residues + 2) <= (shape === "8M" ? most : most / 2)
  );
  if (fits.length < cases.length) {
    notes.push(
      `models on ${name}: ${cases.length - fits.length} of ${cases.length} cases of more than ` +
        `${most} tokens (half of it beyond 8M) are left out; --lengths and --batches ask for them`,
    );
  }
  return fits;
}

/** On a GPU the host's time matters next to the device's; elsewhere shapes differ in blocks only. */
function planHost(options: BenchOptions, { hasGpu }: PlanMachine): HostCase[] {
  const { quick } = options;
  const shapes: readonly HostShape[] = options.shapes ??
    (hasGpu ? (quick ? ["8M"] : ["8M", "35M"]) : ["8M", "33 blocks of 8M"]);
  const lengths = options.lengths ?? (quick || !hasGpu ? [64] : [64, EXAMPLE_RESIDUES]);
  const budgetMs = quick ? 1000 : 4000;
  return shapes.flatMap((shape) =>
    lengths.map((residues) => ({ shape, residues, batch: 1, hasGpu, budgetMs }))
  );
}

function planMemory(quick: boolean): MemoryCase[] {
  const common = { shape: "8M", backend: "cpu" } as const;
  const engine = { ...common, runner: "engine", attention: "reduced" } as const;
  const long: MemoryCase[] = [
    { ...engine, tokens: 3000 },
    { ...engine, runner: "engine, all sizes", tokens: 66 },
    { ...common, tokens: 1024, runner: "whole graph", attention: "none" },
    { ...common, tokens: 1024, runner: "whole graph", attention: "all" },
  ];
  return [{ ...engine, tokens: 1024 }, ...(quick ? [] : long)];
}
