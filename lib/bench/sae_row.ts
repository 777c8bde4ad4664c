/** Encoding with a sparse autoencoder on top of the product that it cannot do without. */
import {
  randomEncoder,
  randomValues,
} from "../../kernels/topk_sae_encode/topk_sae_encode_cases.ts";
import type { Backend } from "../backend/mod.ts";
import { Graph } from "../onnx/graph.ts";
import { matmul } from "../onnx/ops.ts";
import { SaeCoder } from "../sae/coder.ts";
import { interleave } from "./interleave.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";
import type { AnalysisRow } from "./types.ts";

/** InterProt's autoencoders of 650M, and tokens of a middling protein. */
const TOKENS = 256, WIDTH = 1280, LATENTS = 4096, K = 64;

/** Normalisation, pre-activations and the sparse rows, against onnxruntime's product alone. */
export async function warmSaeEncodeRow(
  backend: Backend,
  { budgetMs, signal }: { budgetMs: number; signal?: AbortSignal },
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
  const ms = await interleave([
    {
      name: "plain",
      async run() {
        const { result } = await product.run({ hidden, w_enc: wEnc }, {
          result: [TOKENS, LATENTS],
        });
        // A device works on after `run` has returned.
        if (!result.data) await result.read();
        result[Symbol.dispose]();
      },
    },
    { name: "encode", run: async () => void await coder.encode(hidden) },
  ], { budgetMs, signal });
  return {
    command: "SAE encode over MatMul",
    subject: `${TOKENS} tokens, ${WIDTH} → ${LATENTS}, k = ${K}`,
    backend: backend.name,
    start: "warm",
    ms: spreadOf(ms.encode),
    overPlain: pairedRatio(ms.encode, ms.plain),
  };
}

function productGraph(): Graph {
  const g = new Graph("product");
  const hidden = g.input("hidden", "float32", ["N", WIDTH]);
  const wEnc = g.input("w_enc", "float32", [WIDTH, LATENTS]);
  g.output("result", matmul(g, hidden, wEnc, "product"));
  return g;
}
