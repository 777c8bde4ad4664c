/** What a block's graph can make of its attention, so that the attention itself is not handed over. */
import type { Tensor } from "../backend/types.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { Shape } from "../onnx/shape.ts";
import type { TokenBatch } from "./tokenize.ts";

/** An array that a reduction reads besides the attention. */
export interface ReductionInput {
  /** Extents in the graph for a number of heads; the number of tokens is "T". */
  shape(heads: number): Shape;
  /** The axis that runs over heads, where there is one. */
  headAxis?: number;
  /** Values for heads `begin` to `end` (exclusive) of a layer. */
  values(layer: number, begin: number, end: number): Float32Array;
}

export interface ReductionOutput {
  /** Extents for a number of heads and of tokens. */
  shape(heads: number, tokens: number): number[];
  /** How the outputs of groups of heads become one: as a sum, or one after the other on axis 1. */
  join: "sum" | "heads";
}

/** Results for heads `begin` to `end` (exclusive) of a block. */
export interface ReducedPiece {
  /** Block, 0-based. */
  readonly layer: number;
  readonly begin: number;
  readonly end: number;
  /** By name of the output; valid until the visitor returns. */
  readonly values: Readonly<Record<string, Tensor>>;
  readonly batch: TokenBatch;
}

/**
 * Operators that a block's graph applies to its attention f32[B, h, T, T], some heads h at a time. The
 * attention does not leave the graph, which on the CPU costs more than most of what is done with it.
 */
export interface AttentionReduction {
  /** What the graph computes: reductions of equal keys build equal graphs. */
  readonly key: string;
  readonly inputs: Readonly<Record<string, ReductionInput>>;
  readonly outputs: Readonly<Record<string, ReductionOutput>>;
  build(g: Graph, pattern: Value, inputs: Readonly<Record<string, Value>>): Record<string, Value>;
  /** Heads that a piece should have at least, where each piece costs something of its own. @default 1 */
  readonly fewestHeads?: number;
  wants(layer: number): boolean;
  /** Sees the pieces of a block in ascending order of heads; most often there is one. */
  visit(piece: ReducedPiece): void | Promise<void>;
}
