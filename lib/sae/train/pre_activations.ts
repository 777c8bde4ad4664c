/** The one dense product of a training step, on the backend. */
import type { Backend, Program } from "../../backend/types.ts";
import { Graph } from "../../onnx/graph.ts";
import { gemm } from "../../onnx/ops.ts";
import type { Parameters } from "./parameters.ts";

export class PreActivations implements AsyncDisposable {
  private constructor(readonly backend: Backend, readonly program: Program) {}

  static async open(backend: Backend, dModel: number, latents: number): Promise<PreActivations> {
    const graph = new Graph("pre_activations");
    const x = graph.input("x", "float32", ["N", dModel]);
    const w = graph.input("w", "float32", [latents, dModel]);
    const b = graph.input("b", "float32", [latents]);
    graph.output("pre_acts", gemm(graph, x, w, b));
    return new PreActivations(backend, await backend.compile(graph));
  }

  /**
   * Calls `use` with f32[N, F] = centred · encoderᵀ + latentBias, valid until it returns.
   *
   * @param centred f32[N, D]
   */
  async with<R>(
    centred: Float32Array,
    { encoder, latentBias, inputBias }: Parameters,
    use: (preActs: Float32Array) => R,
  ): Promise<R> {
    const dModel = inputBias.length, latents = latentBias.length, rows = centred.length / dModel;
    using x = this.backend.upload("centred", [rows, dModel], centred);
    using w = this.backend.upload("encoder", [latents, dModel], encoder);
    using b = this.backend.upload("latent_bias", [latents], latentBias);
    const { pre_acts } = await this.program.run({ x, w, b }, { pre_acts: [rows, latents] });
    using preActs = pre_acts;
    return use(preActs.peek() ?? await preActs.read());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
