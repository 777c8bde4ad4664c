/** The embedding of tokens as a graph: looked up and differentiated where the backend computes. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { cotangentOf } from "../onnx/gradient.ts";
import { Graph } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { TOKENS } from "./alphabet.ts";
import { embed, tokenShares } from "./inputs.ts";
import type { ProgramCache } from "./programs.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { WeightSource } from "./weights.ts";

const VOCABULARY = TOKENS.length;

/** shares f32[N, 33] → x f32[N, D]: each row one of the table's, times its share; rows without are zero. */
export function embeddingGraph({ dModel }: Esm2Config): Graph {
  const g = new Graph("embedding");
  const shares = g.input("shares", "float32", ["N", VOCABULARY]);
  const table = g.input("table", "float32", [VOCABULARY, dModel]);
  g.output("x", op.matmul(g, shares, table, "lookup"));
  return g;
}

/** Looks tokens up. */
export class EmbeddingRunner {
  constructor(
    readonly engine: {
      readonly config: Esm2Config;
      readonly backend: Backend;
      readonly programs: ProgramCache;
      readonly embedding: Float32Array;
      readonly weights: WeightSource;
    },
  ) {}

  /**
   * The residual stream f32[B·T, D] before the first block; a table on the device does not leave it.
   */
  async run(
    batch: TokenBatch,
    dropout: boolean = this.engine.config.tokenDropout,
  ): Promise<Tensor> {
    const { config, config: { dModel }, backend, programs, embedding, weights } = this.engine;
    const shape = [batch.size * batch.width, dModel], table = weights.embedding?.();
    const values = table ? table.peek() : embedding;
    if (values) return backend.upload("embedding", shape, embed(batch, values, dModel, dropout));
    using shares = this.#shares(batch, dropout);
    const program = await programs.get(embeddingGraph, config);
    return (await program.run({ shares, table: table! }, { x: shape })).x;
  }

  /**
   * dS/d(table) f32[33, D] of what was looked up, from dS/dx: `<pad>`, and `<mask>` under token dropout, are
   * looked up as zeros and have none.
   */
  async backward(batch: TokenBatch, slope: Tensor): Promise<Tensor> {
    const { config, config: { dModel, tokenDropout }, programs } = this.engine;
    using shares = this.#shares(batch, tokenDropout);
    // The table's values do not matter, only its shape.
    const table = { shape: [VOCABULARY, dModel] } as unknown as Tensor;
    const program = await programs.vjp(embeddingGraph, [config], ["x"], ["table"]);
    const values = { shares, table, [cotangentOf("x")]: slope };
    return (await program.gradients(values, ["table"])).table;
  }

  #shares(batch: TokenBatch, dropout: boolean): Tensor {
    const rows = batch.size * batch.width, shares = tokenShares(batch, dropout);
    return this.engine.backend.upload("shares", [rows, VOCABULARY], shares);
  }
}
