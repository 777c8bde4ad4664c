/** What a block's graph can make of its attention, so that the attention itself is not handed over. */
import type { Tensor } from "../backend/types.ts";
import type { PatternReduction } from "../onnx/reduction.ts";
import type { TokenBatch } from "./tokenize.ts";

export type { PatternReduction, ReductionInput, ReductionOutput } from "../onnx/reduction.ts";

/** Results for heads `begin` to `end` (exclusive) of a block. */
export interface ReducedPiece {
  /** Block, 0-based. */
  readonly layer: number;
  /** First head. */
  readonly begin: number;
  /** Head after the last. */
  readonly end: number;
  /** By name of the output; valid until the visitor returns. */
  readonly values: Readonly<Record<string, Tensor>>;
  /** What ran. */
  readonly batch: TokenBatch;
}

/**
 * Operators that a block's graph applies to its attention f32[B, h, T, T], some heads h at a time. The
 * attention does not leave the graph, which on the CPU costs more than most of what is done with it.
 */
export interface AttentionReduction extends PatternReduction {
  /** Whether a block's attention is wanted. */
  wants(layer: number): boolean;
  /** Sees the pieces of a block in ascending order of heads; most often there is one. */
  visit(piece: ReducedPiece): void | Promise<void>;
}

/** Two reductions as one, each shown its own; of a layer that only one wants both are computed. */
export function joinReductions(a: AttentionReduction, b: AttentionReduction): AttentionReduction {
  const named = <T>(one: Readonly<Record<string, T>>, letter: string) =>
    Object.entries(one).map(([name, value]) => [`${letter}_${name}`, value] as const);
  const own = <T>(all: Readonly<Record<string, T>>, letter: string) =>
    Object.fromEntries(
      Object.entries(all).filter(([name]) => name.startsWith(`${letter}_`))
        .map(([name, value]) => [name.slice(letter.length + 1), value]),
    );
  return {
    key: `${a.key} and ${b.key}`,
    inputs: Object.fromEntries([...named(a.inputs, "a"), ...named(b.inputs, "b")]),
    outputs: Object.fromEntries([...named(a.outputs, "a"), ...named(b.outputs, "b")]),
    build: (g, pattern, inputs) =>
      Object.fromEntries([
        ...named(a.build(g, pattern, own(inputs, "a")), "a"),
        ...named(b.build(g, pattern, own(inputs, "b")), "b"),
      ]),
    fewestHeads: Math.max(a.fewestHeads ?? 1, b.fewestHeads ?? 1),
    wants: (layer) => a.wants(layer) || b.wants(layer),
    async visit(piece) {
      if (a.wants(piece.layer)) await a.visit({ ...piece, values: own(piece.values, "a") });
      if (b.wants(piece.layer)) await b.visit({ ...piece, values: own(piece.values, "b") });
    },
  };
}
