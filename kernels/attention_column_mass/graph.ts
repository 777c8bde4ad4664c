/**
 * Attention column mass as part of a model graph: the path on the CPU, where it is cheaper than
 * handing the attention over. The native library copies every output, which alone takes as long as
 * these four operators; they also run on all threads while the attention is still in the cache.
 */
import type { Graph, Value } from "../../lib/onnx/graph.ts";
import * as op from "../../lib/onnx/ops.ts";
import type { PatternReduction } from "../../lib/onnx/reduction.ts";

/** The largest power of two in single precision. */
const STEEPEST = 2 ** 127;

/** The least normal number: what is above such a θ reaches 1 on the step. */
const GENTLEST = 2 ** -126;

/**
 * Adds the sums of `columnMass` for a pattern f32[B, h, T, T] to a graph.
 *
 * rows   f32[B, 1, 1, T]  1 for rows that count, 0 for the others
 * mass   f32[B, h, 1, T]  Σ over the rows of a·1[a > θ], in single precision
 * count  f32[B, h, 1, T]  number of the rows with a > θ, exact
 */
export function columnMassGraph(
  g: Graph,
  pattern: Value,
  rows: Value,
  theta: number,
): { mass: Value; count: Value } {
  const threshold = Math.fround(theta);
  return g.scope("column_mass", () => {
    const kept = threshold > 0 ? op.thresholdedRelu(g, pattern, threshold, "above") : pattern;
    return {
      mass: op.matmul(g, rows, kept, "mass"),
      count: op.matmul(g, rows, indicator(g, kept, threshold), "count"),
    };
  });
}

/** 1 where anything was kept, else 0: a step so steep that what is kept above θ reaches 1. */
function indicator(g: Graph, kept: Value, threshold: number): Value {
  const step = op.hardSigmoid(g, kept, STEEPEST, 0, "indicator");
  // Subnormal attention can stay below 1 even so.
  return threshold >= GENTLEST ? step : op.ceil(g, step, "whole");
}

/** Sums as a model's blocks give them: `mass` and `count`, f32[B, h, 1, T] each. */
export function columnMassReduction(
  { size }: { size: number },
  { threshold, rows }: {
    threshold: number;
    /** f32[B, T]: 1 for rows that count, 0 for the others. */
    rows: Float32Array;
  },
): PatternReduction {
  const sums = {
    shape: (heads: number, tokens: number) => [size, heads, 1, tokens],
    join: "heads" as const,
  };
  return {
    key: `column mass above ${threshold}`,
    inputs: { rows: { shape: () => [size, 1, 1, "T"], values: () => rows } },
    outputs: { mass: sums, count: sums },
    build: (g, pattern, inputs) => ({ ...columnMassGraph(g, pattern, inputs.rows, threshold) }),
  };
}
