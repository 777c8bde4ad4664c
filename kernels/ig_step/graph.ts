/** Derivatives by every latent at once, as a graph of onnxruntime: the path on the CPU. */
import { Graph } from "../../lib/onnx/graph.ts";

/**
 * gradients = scaled · wDecᵀ, for paths that change which latents are active.
 *
 * scaled     f32["N", D]  dm/dhidden · std of the token
 * w_dec      f32[F, D]
 * gradients  f32["N", F]  dm/dz of all latents
 */
export function latentGradientsGraph(
  { dModel, latents }: { dModel: number; latents: number },
): Graph {
  const g = new Graph("latent_gradients");
  const scaled = g.input("scaled", "float32", ["N", dModel]);
  const wDec = g.input("w_dec", "float32", [latents, dModel]);
  g.output(
    "gradients",
    g.node({
      op: "Gemm",
      inputs: [scaled, wDec],
      dtype: "float32",
      shape: ["N", latents],
      attributes: { transB: { kind: "int", value: 1 } },
      label: "product",
    }),
  );
  return g;
}
