/** Comparison with an earlier report: ratios only, which a slow or busy machine leaves as they are. */
import type { BenchReport, KernelRow, ModelRow, Processor } from "./types.ts";

/** A number that grows when this project gets slower, whatever the machine. */
export interface Measure {
  name: string;
  /** Time over a yardstick of the same run. */
  cost: number;
}

export interface Change extends Measure {
  before: number;
  /** cost / before; above 1 it got slower. */
  ratio: number;
}

export interface Comparison {
  changes: Change[];
  /** Those past the factor. */
  slower: Change[];
  /** Names of rows that only one of the reports has. */
  missing: string[];
  added: string[];
  notes: string[];
}

/**
 * Compares the kernels' share of their run's own ceiling and the engine's time over the whole graph's.
 *
 * Kernel rows need the same adapter (or the same CPU) on both sides; those of a software adapter are
 * never compared, as they say nothing about a GPU.
 *
 * @param factor how many times a row's cost may grow
 */
export function compareReports(
  before: BenchReport,
  after: BenchReport,
  factor: number,
): Comparison {
  const notes: string[] = [], processors: Processor[] = [];
  const [cpuBefore, cpuAfter] = [before, after].map(({ machine }) =>
    `${machine.cpu}, ${machine.arch}`
  );
  if (cpuBefore === cpuAfter) processors.push("cpu");
  else notes.push(`kernels on the CPU are not compared: it was ${cpuBefore} and is ${cpuAfter}`);
  const [oldName, newName] = [before, after].map(adapterName);
  if (oldName !== newName) {
    notes.push(`kernels on the GPU are not compared: the adapter was ${oldName} and is ${newName}`);
  } else if (after.adapter?.isFallback) {
    notes.push("kernels on the GPU are not compared: the adapter is a software one");
  } else if (after.adapter) processors.push("gpu");

  const old = measuresOf(before, processors), now = measuresOf(after, processors);
  const changes: Change[] = [];
  for (const [name, cost] of now) {
    const then = old.get(name);
    if (then !== undefined) changes.push({ name, cost, before: then, ratio: cost / then });
  }
  const only = (a: Map<string, number>, b: Map<string, number>) =>
    [...a.keys()].filter((name) => !b.has(name));
  return {
    changes,
    slower: changes.filter(({ ratio }) => ratio > factor),
    missing: only(old, now),
    added: only(now, old),
    notes,
  };
}

function measuresOf(
  { kernels, models }: BenchReport,
  processors: readonly Processor[],
): Map<string, number> {
  const found = new Map<string, number>();
  for (const row of kernels) {
    if (row.share && processors.includes(row.processor) && !isCeiling(row)) {
      found.set(kernelName(row), 1 / row.share);
    }
  }
  for (const row of models) if (row.ratio) found.set(modelName(row), row.ratio.median);
  return found;
}

/** The yardsticks are their own share: always one. */
const isCeiling = ({ kernel }: KernelRow) => kernel === "copy" || kernel === "fma";

export const kernelName = ({ kernel, shape, implementation }: KernelRow): string =>
  `${kernel} ${shape}, ${implementation}`;

export const modelName = ({ shape, backend, threads, residues, batch, attention }: ModelRow) =>
  `${shape} on ${backend}${threads === undefined ? "" : ` ×${threads}`}, ${batch} × ${residues} ` +
  `residues, attention ${attention}`;

function adapterName({ adapter }: BenchReport): string {
  if (!adapter) return "none";
  const { vendor, architecture, device, description } = adapter;
  return [...new Set([description, device, architecture, vendor])].filter(Boolean).join(", ");
}
