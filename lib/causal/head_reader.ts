/** Logits of chosen rows from a residual stream that has been through all blocks. */
import type { Program, Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { head, HEAD_WEIGHTS, headWeightShape, LM_HEAD_WEIGHTS, lmHead } from "../esm2/head.ts";
import type { HeadWeight } from "../esm2/head.ts";
import type { Esm2 } from "../esm2/mod.ts";
import { Graph } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";

const VOCABULARY = 33;

/**
 * The language-model head as a program of its own: two streams of one shape take the same path through
 * it, which bit-for-bit comparisons need.
 */
export class HeadReader implements AsyncDisposable {
  private constructor(
    readonly esm: Esm2,
    readonly afterFinalNorm: boolean,
    readonly program: Program,
  ) {}

  /** @param afterFinalNorm whether the streams to be read are normalised already */
  static async open(esm: Esm2, afterFinalNorm = false): Promise<HeadReader> {
    const program = await esm.backend.compile(readerGraph(esm.config, afterFinalNorm));
    return new HeadReader(esm, afterFinalNorm, program);
  }

  /**
   * @param hidden f32[N, D] after the last block
   * @param rows of `hidden`, in 0..N − 1
   * @returns f32[rows, 33]
   */
  async read(hidden: Tensor, rows: readonly number[]): Promise<Float32Array> {
    const { esm: { backend, weights: source }, afterFinalNorm } = this;
    using numbers = backend.upload("rows", [rows.length], Float32Array.from(rows));
    using weights = await source.head();
    const names = afterFinalNorm ? LM_HEAD_WEIGHTS : HEAD_WEIGHTS;
    const own = Object.fromEntries(names.map((name) => [name, weights.tensors[name]]));
    const { logits } = await this.program.run(
      { ...own, x: hidden, rows: numbers },
      { logits: [rows.length, VOCABULARY] },
    );
    using _ = logits;
    return await logits.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

/** x f32[N, D], rows f32[R], weights → logits f32[R, 33]. */
function readerGraph(config: Esm2Config, afterFinalNorm: boolean): Graph {
  const g = new Graph("head_reader");
  const x = g.input("x", "float32", ["N", config.dModel]);
  const chosen = op.gatherRows(g, x, g.input("rows", "float32", ["R"]));
  const weight = (name: HeadWeight) => g.input(name, "float32", headWeightShape(name, config));
  g.output(
    "logits",
    afterFinalNorm ? lmHead(g, chosen, weight) : head(g, chosen, weight).logits,
  );
  return g;
}
