/**
 * Attention contacts as part of a model graph, the path on the CPU: what one block adds to the map is a
 * weighted sum of its heads and, for the correction, the row and column sums of each.
 */
import { Graph, type Value } from "../../lib/onnx/graph.ts";
import * as op from "../../lib/onnx/ops.ts";
import type { PatternReduction } from "../../lib/onnx/reduction.ts";

/**
 * Parts of Σ w · APC(a + aᵀ) for a block.
 *
 * weighted  f32[B, 1, T·T]   Σ over heads of w·a
 * columns   f32[B, h, 1, T]  Σ over residues i of a[i, t]
 * rows      f32[B, h, T, 1]  Σ over residues j of a[t, j]; of a batch with padding only
 * ends      f32[B, h, T, 2]  a[t, 0] and a[t, T − 1], without padding: what is left of 1 is the row's sum,
 *                            as attention sums to 1 and only these two are no residues
 */
export function apcContactsReduction(
  { size, width, lengths }: { size: number; width: number; lengths: readonly number[] },
  { residues, weights, heads }: {
    /** f32[B, T]: 1 for residues, 0 for other tokens. */
    residues: Float32Array;
    /** f32[layers · H] */
    weights: Float32Array;
    /** H */
    heads: number;
  },
): PatternReduction {
  const padded = lengths.some((length) => length !== width);
  return {
    key: `apc contacts ${padded}`,
    // Each piece writes a map and adds it to the others'.
    fewestHeads: 4,
    inputs: {
      weights: {
        shape: (count) => [1, count],
        headAxis: 1,
        values: (layer, begin, end) => weights.slice(layer * heads + begin, layer * heads + end),
      },
      residue_rows: { shape: () => [size, 1, 1, "T"], values: () => residues },
      ...(padded && {
        residue_columns: { shape: () => [size, 1, "T", 1], values: () => residues },
      }),
    },
    outputs: {
      weighted: { shape: () => [size, 1, width * width], join: "sum" },
      columns: { shape: (count) => [size, count, 1, width], join: "heads" },
      ...(padded
        ? { rows: { shape: (count) => [size, count, width, 1], join: "heads" } }
        : { ends: { shape: (count) => [size, count, width, 2], join: "heads" } }),
    },
    build: (g, pattern, inputs) => apcContactsGraph(g, pattern, inputs, size),
  };
}

function apcContactsGraph(
  g: Graph,
  pattern: Value,
  { weights, residue_rows, residue_columns }: Readonly<Record<string, Value>>,
  batch: number,
): Record<string, Value> {
  g.symbols.define("T·T", ["T", "T"]);
  return g.scope("apc_contacts", () => {
    const flat = op.reshape(g, pattern, [batch, pattern.shape[1], "T·T"], "flat");
    return {
      weighted: op.matmul(g, weights, flat, "weighted"),
      columns: op.matmul(g, residue_rows, pattern, "columns"),
      ...(residue_columns
        ? { rows: op.matmul(g, pattern, residue_columns, "rows") }
        : { ends: firstAndLast(g, pattern) }),
    };
  });
}

/** Columns 0 and T − 1 of a pattern f32[B, h, T, T]: f32[B, h, T, 2]. */
function firstAndLast(g: Graph, pattern: Value): Value {
  return g.node({
    op: "Gather",
    inputs: [pattern, g.int64([0, -1])],
    dtype: pattern.dtype,
    shape: [...pattern.shape.slice(0, 3), 2],
    attributes: { axis: { kind: "int", value: 3 } },
    label: "ends",
  });
}

/**
 * What all blocks gave, put together: weighted + weightedᵀ + sumsᵀ · scaled, and its logistic function
 * where `logistic` is asked for.
 *
 * weighted   f32[T, T]
 * sums       f32[C, T]  row plus column sums of every head
 * scaled     f32[C, T]  the same, times −w / Σs
 * intercept  f32[1]     with `logistic` only
 * contacts   f32[T, T]
 */
export function contactsGraph(logistic: boolean): Graph {
  const g = new Graph("contacts");
  const weighted = g.input("weighted", "float32", ["T", "T"]);
  const sums = g.input("sums", "float32", ["C", "T"]);
  const scaled = g.input("scaled", "float32", ["C", "T"]);
  const correction = op.matmul(g, op.transpose(g, sums, [1, 0], "turned"), scaled, "correction");
  const both = op.add(g, weighted, op.transpose(g, weighted, [1, 0], "mirrored"), "both");
  const corrected = op.add(g, both, correction, "corrected");
  if (!logistic) {
    g.output("contacts", corrected);
    return g;
  }
  const logits = op.add(g, corrected, g.input("intercept", "float32", [1]), "logits");
  const { dtype, shape } = logits;
  g.output("contacts", g.node({ op: "Sigmoid", inputs: [logits], dtype, shape }));
  return g;
}
