/** The encoder's product as a graph of onnxruntime: the path on the CPU. */
import { Graph } from "../../lib/onnx/graph.ts";
import type { Encoder } from "./types.ts";

/**
 * preActs = centred · wEnc + bEnc.
 *
 * centred   f32["N", D]  of `centreTokens`
 * w_enc     f32[D, F]    an input, unless `weights` are given
 * b_enc     f32[F]       an input, unless `weights` are given
 * pre_acts  f32["N", F]
 *
 * @param weights stored in the graph: onnxruntime then keeps a copy laid out for its product, which a
 *   long-lived session pays for once
 */
export function saeEncodeGraph(
  { dModel, latents }: { dModel: number; latents: number },
  weights?: Pick<Encoder, "wEnc" | "bEnc">,
): Graph {
  const g = new Graph("sae_encode");
  const centred = g.input("centred", "float32", ["N", dModel]);
  const wEnc = weights
    ? g.initializer("w_enc", [dModel, latents], weights.wEnc)
    : g.input("w_enc", "float32", [dModel, latents]);
  const bEnc = weights
    ? g.initializer("b_enc", [latents], weights.bEnc)
    : g.input("b_enc", "float32", [latents]);
  // Not `gemm` of ops.ts, whose weights are [out, in]: as stored, these need no transposing.
  g.output(
    "pre_acts",
    g.node({
      op: "Gemm",
      inputs: [centred, wEnc, bEnc],
      dtype: "float32",
      shape: ["N", latents],
      label: "product",
    }),
  );
  return g;
}
