/** The kernels' twins in TypeScript, with the ceilings of the same run. */
import { interleave } from "./interleave.ts";
import { copyBench, fmaBench, type KernelBench } from "./kernels/mod.ts";
import { standing } from "./roof.ts";
import { median, spreadOf } from "./statistics.ts";
import type { Ceilings, KernelRow } from "./types.ts";

/** Inputs are spread over more than the last-level cache of most processors. */
const ROTATED_BYTES = 96 * 2 ** 20;

/** Until then a twin of some microseconds can still run uncompiled, at half its speed. */
const WARMUP_MS = 100;

export interface CpuRowOptions {
  benches: readonly KernelBench[];
  /** Time for all kernels together. */
  budgetMs: number;
  signal?: AbortSignal;
}

/** Verifies and times every twin in turn with a copy and multiply-adds in TypeScript. */
export async function cpuKernelRows(
  { benches, budgetMs, signal }: CpuRowOptions,
): Promise<{ rows: KernelRow[]; ceilings: Ceilings }> {
  const all = [
    copyBench("large"),
    fmaBench("small"),
    ...benches.filter(({ needsGpu }) => !needsGpu),
  ];
  const variants = all.map((bench, i) => {
    const sets = Math.max(1, Math.min(16, Math.ceil(ROTATED_BYTES / bench.setBytes)));
    return { name: String(i), ...bench.cpu({ sets }) };
  });
  const times = await interleave(variants, { budgetMs, warmup: 2, warmupMs: WARMUP_MS, signal });
  const us = all.map((_, i) => times[i].map((ms) => ms * 1e3));
  const ceilings: Ceilings = {
    processor: "cpu",
    copyGBps: all[0].bytes / median(us[0]) / 1e3,
    fmaGflops: all[1].flops / median(us[1]) / 1e3,
    launchUs: 0,
  };
  const rows = all.map(({ kernel, shape, dtype, bytes, flops }, i): KernelRow => {
    const spread = spreadOf(us[i]);
    return {
      kernel,
      shape,
      dtype,
      implementation: "twin",
      processor: "cpu",
      clock: "wall",
      us: spread,
      bytes,
      flops,
      ...standing({ bytes, flops }, spread, ceilings),
    };
  });
  return { rows, ceilings };
}

/** Adds to every row how many times as long its twin takes. */
export function withSpeedUp(rows: readonly KernelRow[]): KernelRow[] {
  const twins = new Map(
    rows.filter((row) => row.implementation === "twin").map((row) => [keyOf(row), row.us.median]),
  );
  return rows.map((row) => {
    const twin = twins.get(keyOf(row));
    return row.implementation === "twin" || twin === undefined || isCeiling(row)
      ? row
      : { ...row, speedUp: twin / row.us.median };
  });
}

/** Copy and FMA have other shapes on each processor, and are yardsticks themselves. */
const isCeiling = ({ kernel }: KernelRow) => kernel === "copy" || kernel === "fma";

const keyOf = ({ kernel, shape }: KernelRow) => `${kernel} ${shape}`;
