/** Dense products of a model's shapes and nothing else: a yardstick that knows nothing of the block. */
import type { Backend, Program, Tensor } from "../backend/mod.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import { gemm } from "../onnx/ops.ts";

/** Weights of so many blocks are kept, in turn: more than a cache holds, less than a large model. */
const MOST_SETS = 6;

/** Outputs and inputs of a block's products, in multiples of the width, one after another. */
const CHAIN = [[1, 1], [1, 1], [1, 1], [1, 1], [4, 1], [1, 4]] as const;

/**
 * The six products of every block (query, key, value, output, and two of the feed-forward part) as one chain
 * on as many tokens. Whatever a block computes besides, or twice, is not in it.
 */
export class Products implements AsyncDisposable {
  private constructor(
    readonly owned: AsyncDisposableStack,
    readonly program: Program,
    readonly sets: readonly Record<string, Tensor>[],
    readonly x: Tensor,
    readonly layers: number,
  ) {}

  static async open(
    backend: Backend,
    { dModel, layers }: Pick<Esm2Config, "dModel" | "layers">,
    tokens: number,
  ): Promise<Products> {
    await using stack = new AsyncDisposableStack();
    const program = stack.use(await backend.compile(chainGraph(dModel)));
    const upload = (name: string, shape: number[], seed: number, size: number) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const data = Float32Array.from({ length: count }, (_, i) => size * Math.sin(seed + 1.7 * i));
      return stack.use(backend.upload(name, shape, data));
    };
    const sets = Array.from({ length: Math.min(layers, MOST_SETS) }, (_, set) =>
      Object.fromEntries(
        CHAIN.flatMap(([rows, columns], i) => {
          const out = rows * dModel, from = columns * dModel;
          return [
            // Values neither grow nor fade along the chain.
            [`w${i}`, upload(`w${i}`, [out, from], set + i, Math.sqrt(2 / from))],
            [`b${i}`, upload(`b${i}`, [out], set + i, 0.01)],
          ] as const;
        }),
      ));
    const x = upload("x", [tokens, dModel], 0.3, 1);
    return new Products(stack.move(), program, sets, x, layers);
  }

  /** Runs the chain for every block, to the end of the device's work. */
  async run(): Promise<void> {
    let { x } = this;
    for (let layer = 0; layer < this.layers; layer++) {
      const inputs = { x, ...this.sets[layer % this.sets.length] };
      const { y } = await this.program.run(inputs, { y: this.x.shape });
      if (x !== this.x) x[Symbol.dispose]();
      x = y;
    }
    if (!x.data) await x.read();
    if (x !== this.x) x[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned[Symbol.asyncDispose]();
  }
}

function chainGraph(dModel: number): Graph {
  const g = new Graph("products");
  let x: Value = g.input("x", "float32", ["N", dModel]);
  CHAIN.forEach(([rows, columns], i) => {
    const out = rows * dModel;
    const w = g.input(`w${i}`, "float32", [out, columns * dModel]);
    x = gemm(g, x, w, g.input(`b${i}`, "float32", [out]), `product ${i}`);
  });
  g.output("y", x);
  return g;
}
