/**
 * Matryoshka and other files of dictionary_learning whose matrices are not linear layers
 * (saprmarks/dictionary_learning; johnyang101/reticular-sae in a checkpoint of Lightning).
 */
import { depthOfPath } from "../path_layer.ts";
import { matrixShape, readWeights } from "../stored.ts";
import { lastIsNormalised, type SaeFile, type SaeFormat } from "./format.ts";
import { readActivation } from "./threshold.ts";

export const dictionaryLearning: SaeFormat = {
  name: "dictionary_learning",
  sign: "W_enc (dictionary_learning; SAELens with its cfg.json)",
  recognises: ({ tensors }) => tensors.has("W_enc"),
  async read(stored, model): Promise<SaeFile> {
    const [dModel, latents] = matrixShape(stored, "W_enc");
    return {
      wEnc: await readWeights(stored, "W_enc", [dModel, latents]),
      bEnc: await readWeights(stored, "b_enc", [latents]),
      wDec: await readWeights(stored, "W_dec", [latents, dModel]),
      bPre: await readWeights(stored, "b_dec", [dModel]),
      ...await readActivation(stored, latents),
      depth: depthOfPath(stored.label),
      normalisation: "none",
      afterFinalNorm: lastIsNormalised(model),
    };
  },
};
