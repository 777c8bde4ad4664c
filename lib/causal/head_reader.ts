/** Logits of chosen rows from a residual stream that has been through all blocks. */
import type { Program, Tensor } from "../backend/types.ts";
import { headGraph } from "../esm2/head.ts";
import type { Esm2 } from "../esm2/mod.ts";

const VOCABULARY = 33;

/**
 * The language-model head as a program of its own: two streams of one shape take the same path through
 * it, which bit-for-bit comparisons need.
 */
export class HeadReader implements AsyncDisposable {
  private constructor(readonly esm: Esm2, readonly program: Program) {}

  static async open(esm: Esm2): Promise<HeadReader> {
    return new HeadReader(esm, await esm.backend.compile(headGraph(esm.config, true)));
  }

  /**
   * @param hidden f32[N, D] after the last block
   * @param rows of `hidden`, in 0..N − 1
   * @returns f32[rows, 33]
   */
  async read(hidden: Tensor, rows: readonly number[]): Promise<Float32Array> {
    const { esm: { backend, config, weights: source } } = this;
    using numbers = backend.upload("rows", [rows.length], Float32Array.from(rows));
    using weights = await source.head();
    const { logits, normalised } = await this.program.run(
      { ...weights.tensors, x: hidden, rows: numbers },
      { logits: [rows.length, VOCABULARY], normalised: [rows.length, config.dModel] },
    );
    try {
      return await logits.read();
    } finally {
      logits[Symbol.dispose]();
      normalised[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
