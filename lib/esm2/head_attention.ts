/** Attention of one head of one sequence, from the state before its block. */
import type { Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { Graph, inputsOnDemand } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import {
  attentionInput,
  attentionPattern,
  type BlockWeight,
  type BlockWeights,
  blockWeightShape,
  projectHeads,
} from "./block.ts";
import { rotaryTables } from "./inputs.ts";
import type { Engine } from "./pass.ts";
import type { TokenBatch } from "./tokenize.ts";

/** Which head of which sequence. */
export interface HeadOfSequence {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Number of the sequence in its batch. */
  member: number;
}

/**
 * Graph of one head: x f32[N, D], numbers of the sequence's rows in it and of the head's rows in the
 * projections, weights, tables → attention f32[1, 1, T, T].
 */
export function headAttentionGraph(config: Esm2Config): Graph {
  const { dModel, headDim } = config, g = new Graph("head_attention");
  const x = g.input("x", "float32", ["N", dModel]);
  const own = op.gatherRows(g, x, g.input("rows", "float32", ["T"]), "sequence");
  const whole = inputsOnDemand(g, (name: BlockWeight) => blockWeightShape(name, config));
  const units = g.input("units", "float32", [headDim]);
  const w = ((name: BlockWeight) => {
    const value = whole(name);
    if (name.includes("layer_norm")) return value;
    if (name.endsWith("weight")) return op.gatherRows(g, value, units, `${name}/rows`);
    const column = op.reshape(g, value, [dModel, 1], `${name}/column`);
    return op.reshape(g, op.gatherRows(g, column, units, `${name}/rows`), [headDim], `${name}/own`);
  }) as BlockWeights;
  const y = attentionInput(g, own, w);
  const variant = { config: { ...config, heads: 1 }, batch: 1, padded: false };
  const rotated = (part: "q" | "k", name: "query" | "key") => {
    const table = (of: string) => g.input(`${name}_${of}`, "float32", [1, "T", headDim / 2]);
    const z = projectHeads(g, y, part, w, variant);
    return op.rotaryEmbedding(g, z, table("cos"), table("sin"), `${part}_rotary`);
  };
  const q = rotated("q", "query"), k = rotated("k", "key");
  g.output("attention", attentionPattern(g, q, k, undefined));
  return g;
}

/** Runs it. */
export class HeadAttentionRunner {
  constructor(readonly engine: Engine) {}

  async run(
    { width, lengths }: TokenBatch,
    x: Tensor,
    { layer, head, member }: HeadOfSequence,
  ): Promise<Tensor> {
    const { config, backend, invFreq, programs, weights } = this.engine, { headDim } = config;
    if (weights.adapters?.(layer)) {
      throw new RangeError(
        `Cannot give the attention of one head as block ${layer} must have no adapters beside its ` +
          "weights: run the block",
      );
    }
    using owned = new DisposableStack();
    const set = owned.use(await weights.block(layer)), length = lengths[member];
    const upload = (name: string, shape: number[], data: Float32Array) =>
      owned.use(backend.upload(name, shape, data));
    const numbers = (name: string, begin: number, count: number) =>
      upload(name, [count], Float32Array.from({ length: count }, (_, i) => begin + i));
    const tables = rotaryTables(invFreq, 1, length), shape = [1, length, invFreq.length];
    const program = await programs.get(headAttentionGraph, config);
    const { attention } = await program.run({
      ...set.tensors,
      x,
      rows: numbers("rows", member * width, length),
      units: numbers("units", head * headDim, headDim),
      query_cos: upload("query_cos", shape, tables.queryCos),
      query_sin: upload("query_sin", shape, tables.querySin),
      key_cos: upload("key_cos", shape, tables.keyCos),
      key_sin: upload("key_sin", shape, tables.keySin),
    }, { attention: [1, 1, length, length] });
    return attention;
  }
}
