/** The products of matrices that training a probe takes, on a backend. */
import type { Backend, Program, Tensor } from "../backend/types.ts";
import { Graph } from "../onnx/graph.ts";
import { gemm, matmul, transpose } from "../onnx/ops.ts";

/** Programs for rows of some width and some outputs of a probe. */
export class Products implements AsyncDisposable {
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(readonly backend: Backend) {}

  #program(kind: "logits" | "gradient", width: number, outputs: number): Promise<Program> {
    const key = `${kind} ${width} ${outputs}`;
    const known = this.#programs.get(key) ??
      this.backend.compile(
        kind === "logits" ? logitsGraph(width, outputs) : gradientGraph(width, outputs),
      );
    this.#programs.set(key, known);
    return known;
  }

  /**
   * x · wᵀ + b, f32[n, K].
   *
   * @param x f32[n, D] @param w f64[K, D] @param b f64[K]
   */
  async logits(x: Tensor, w: Float64Array, b: Float64Array): Promise<Float32Array> {
    const [rows, width] = x.shape, outputs = b.length;
    const program = await this.#program("logits", width, outputs);
    using weights = this.backend.upload("weights", [outputs, width], Float32Array.from(w));
    using bias = this.backend.upload("bias", [outputs], Float32Array.from(b));
    const { y } = await program.run({ x, w: weights, b: bias }, { y: [rows, outputs] });
    using logits = y;
    return await logits.read();
  }

  /** rᵀ · x, f32[K, D]. @param r f32[n, K] @param x f32[n, D] */
  async gradient(r: Float32Array, x: Tensor): Promise<Float32Array> {
    const [rows, width] = x.shape, outputs = r.length / rows;
    using residuals = this.backend.upload("residuals", [rows, outputs], r);
    return await this.#product(residuals, x, outputs, width);
  }

  /** xᵀ · x, f32[D, D]. @param x f32[n, D] */
  async gram(x: Tensor): Promise<Float32Array> {
    const [, width] = x.shape;
    return await this.#product(x, x, width, width);
  }

  async #product(r: Tensor, x: Tensor, outputs: number, width: number): Promise<Float32Array> {
    const program = await this.#program("gradient", width, outputs);
    const { g } = await program.run({ r, x }, { g: [outputs, width] });
    using product = g;
    return await product.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await (await program)[Symbol.asyncDispose]();
  }
}

function logitsGraph(width: number, outputs: number): Graph {
  const graph = new Graph("probe_logits");
  const x = graph.input("x", "float32", ["N", width]);
  const w = graph.input("w", "float32", [outputs, width]);
  const b = graph.input("b", "float32", [outputs]);
  graph.output("y", gemm(graph, x, w, b));
  return graph;
}

function gradientGraph(width: number, outputs: number): Graph {
  const graph = new Graph("probe_gradient");
  const r = graph.input("r", "float32", ["N", outputs]);
  const x = graph.input("x", "float32", ["N", width]);
  graph.output("g", matmul(graph, transpose(graph, r, [1, 0]), x));
  return graph;
}
