/** What dense products reach at best: one that is large, square and multiplied by weights that stay. */
import type { Backend, Program, Tensor } from "../backend/mod.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { TOKENS } from "../esm2/mod.ts";
import { Graph } from "../onnx/graph.ts";
import { gemm } from "../onnx/ops.ts";

/** Rows, columns and depth: a tenth of a second would be too long, a millisecond says little. */
const SIDE = 1024;

/** One product; its rate is the ceiling of all that a model computes. */
export class GemmCeiling implements AsyncDisposable {
  /** Operations of a run. */
  readonly flops = 2 * SIDE ** 3;

  private constructor(readonly program: Program, readonly x: Tensor) {}

  static async open(backend: Backend): Promise<GemmCeiling> {
    const data = Float32Array.from({ length: SIDE ** 2 }, (_, i) => Math.sin(1.7 * i));
    const g = new Graph("gemm ceiling");
    const x = g.input("x", "float32", [SIDE, SIDE]);
    g.output("y", gemm(g, x, g.initializer("w", [SIDE, SIDE], data), undefined));
    const program = await backend.compile(g);
    return new GemmCeiling(program, backend.upload("x", [SIDE, SIDE], data));
  }

  /** To the end of the device's work. */
  async run(): Promise<void> {
    const { y } = await this.program.run({ x: this.x }, { y: [SIDE, SIDE] });
    using _ = y;
    if (!y.data) await y.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.x[Symbol.dispose]();
    await this.program[Symbol.asyncDispose]();
  }
}

/**
 * Operations of the dense products of a forward pass, attention's included, where logits of `rows` of a
 * sequence's `tokens` are wanted: the last block needs keys and values of all of them, the rest of these rows.
 */
export function passFlops(
  { dModel, layers }: Pick<Esm2Config, "dModel" | "layers">,
  tokens: number,
  rows = tokens,
): number {
  // Query and output, two of the feed-forward part with four times the width; scores and mixing.
  const ofRow = 2 * (2 + 8) * dModel ** 2 + 2 * 2 * tokens * dModel;
  const keysAndValues = tokens * 2 * 2 * dModel ** 2;
  const head = rows * 2 * dModel * (dModel + TOKENS.length);
  return layers * keysAndValues + ((layers - 1) * tokens + rows) * ofRow + head;
}
