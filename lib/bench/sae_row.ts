/** Encoding with a sparse autoencoder on top of the product that it cannot do without. */
import {
  randomEncoder,
  randomValues,
} from "../../kernels/topk_sae_encode/topk_sae_encode_cases.ts";
import type { Backend } from "../backend/mod.ts";
import { Graph } from "../onnx/graph.ts";
import { matmul } from "../onnx/ops.ts";
import { SaeCoder } from "../sae/coder.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** InterProt's autoencoders of 650M, and tokens of a middling protein. */
const TOKENS = 256, WIDTH = 1280, LATENTS = 4096, K = 64;

/** Normalisation, pre-activations and the sparse rows, against onnxruntime's product alone. */
export async function warmSaeEncodeRow(
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> {
  const weights = randomEncoder({ tokens: TOKENS, dModel: WIDTH, latents: LATENTS }, 1);
  await using coder = await SaeCoder.open({
    ...weights,
    wDec: new Float32Array(LATENTS * WIDTH),
    config: {
      name: "random",
      dModel: WIDTH,
      latents: LATENTS,
      depth: 1,
      afterFinalNorm: false,
      normalisation: "zscore",
      k: K,
    },
  }, backend);
  await using product = await backend.compile(productGraph());
  using hidden = backend.upload("hidden", [TOKENS, WIDTH], randomValues(TOKENS * WIDTH, 2, 20));
  using wEnc = backend.upload("w_enc", [WIDTH, LATENTS], weights.wEnc);
  return await warmAnalysis(backend, {
    command: "SAE encode over MatMul",
    subject: `${TOKENS} tokens, ${WIDTH} → ${LATENTS}, k = ${K}`,
    yardstick: { config: { dModel: WIDTH, layers: 1 }, tokens: TOKENS },
    async plain() {
      const { result } = await product.run({ hidden, w_enc: wEnc }, { result: [TOKENS, LATENTS] });
      // A device works on after `run` has returned.
      if (!result.data) await result.read();
      result[Symbol.dispose]();
    },
    analysis: () => coder.encode(hidden),
  }, options);
}

function productGraph(): Graph {
  const g = new Graph("product");
  const hidden = g.input("hidden", "float32", ["N", WIDTH]);
  const wEnc = g.input("w_enc", "float32", [WIDTH, LATENTS]);
  g.output("result", matmul(g, hidden, wEnc, "product"));
  return g;
}
