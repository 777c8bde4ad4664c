/** Logits of chosen rows from a residual stream that has been through all blocks. */
import type { Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { head, type HeadWeight, headWeightShape, lmHead } from "../esm2/head.ts";
import type { Esm2 } from "../esm2/mod.ts";
import { ProgramCache } from "../esm2/programs.ts";
import { cotangentOf, gradientOf, vjpGraph } from "../onnx/gradient.ts";
import { Graph } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";

const VOCABULARY = 33;

/**
 * The language-model head as a program of its own: two streams of one shape take the same path through
 * it, which bit-for-bit comparisons need.
 */
export class HeadReader implements AsyncDisposable {
  readonly #programs: ProgramCache;

  /**
   * Builds nothing yet.
   *
   * @param afterFinalNorm whether the streams to be read are normalised already
   */
  constructor(readonly esm: Esm2, readonly afterFinalNorm = false) {
    this.#programs = new ProgramCache(esm.backend);
  }

  /**
   * Logits f32[R, 33] of some rows of f32[N, D].
   *
   * @param hidden f32[N, D] after the last block
   * @param rows of `hidden`, in 0..N − 1
   * @returns f32[rows, 33]
   */
  async read(hidden: Tensor, rows: readonly number[]): Promise<Float32Array> {
    const { esm: { backend, config, weights: source }, afterFinalNorm } = this;
    const program = await this.#programs.get("head", () => readerGraph(config, afterFinalNorm));
    using numbers = backend.upload("rows", [rows.length], Float32Array.from(rows));
    using weights = await source.head();
    const { logits } = await program.run(
      { ...weights.tensors, x: hidden, rows: numbers },
      { logits: [rows.length, VOCABULARY] },
    );
    using _ = logits;
    return await logits.read();
  }

  /**
   * From dS/d(logits of the rows), f32[rows, 33], to dS/d(hidden); the caller disposes of it.
   */
  async gradient(
    hidden: Tensor,
    rows: readonly number[],
    cotangent: Float32Array,
  ): Promise<Tensor> {
    const { esm: { backend, config, weights: source }, afterFinalNorm } = this;
    const program = await this.#programs.get(
      "head backward",
      () => vjpGraph(readerGraph(config, afterFinalNorm), ["logits"], ["x"]),
    );
    using numbers = backend.upload("rows", [rows.length], Float32Array.from(rows));
    using slope = backend.upload("cotangent", [rows.length, VOCABULARY], cotangent);
    using weights = await source.head();
    const found = await program.run(
      { ...weights.tensors, x: hidden, rows: numbers, [cotangentOf("logits")]: slope },
      { [gradientOf("x")]: hidden.shape },
    );
    return found[gradientOf("x")];
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs[Symbol.asyncDispose]();
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
