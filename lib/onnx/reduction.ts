/** What a graph can make of a block's attention, so that the attention itself is not handed over. */
import type { Graph, Value } from "./graph.ts";
import type { Shape } from "./shape.ts";

/** An array that a reduction reads besides the attention. */
export interface ReductionInput {
  /** Extents in the graph for a number of heads; the number of tokens is "T". */
  shape(heads: number): Shape;
  /** The axis that runs over heads, where there is one. */
  headAxis?: number;
  /** Values for heads `begin` to `end` (exclusive) of a layer. */
  values(layer: number, begin: number, end: number): Float32Array;
}

/** An array that a reduction makes. */
export interface ReductionOutput {
  /** Extents for a number of heads and of tokens. */
  shape(heads: number, tokens: number): number[];
  /** How the outputs of groups of heads become one: as a sum, or one after the other on axis 1. */
  join: "sum" | "heads";
}

/** Operators for attention f32[B, h, T, T], some heads h at a time, as part of a larger graph. */
export interface PatternReduction {
  /** What the graph computes: reductions of equal keys build equal graphs. */
  readonly key: string;
  /** Arrays that are fed besides the attention, by name. */
  readonly inputs: Readonly<Record<string, ReductionInput>>;
  /** Arrays that are made, by name. */
  readonly outputs: Readonly<Record<string, ReductionOutput>>;
  /** Adds the operators for attention f32[B, h, T, T] and gives the outputs by name. */
  build(g: Graph, pattern: Value, inputs: Readonly<Record<string, Value>>): Record<string, Value>;
  /** Heads that a piece should have at least, where each piece costs something of its own. @default 1 */
  readonly fewestHeads?: number;
}
