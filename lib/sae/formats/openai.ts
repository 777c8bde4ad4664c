/** OpenAI's autoencoders (openai/sparse_autoencoder, model.py). */
import { shown, UserError } from "../../errors.ts";
import { depthOfPath } from "../path_layer.ts";
import { matrixShape, readWeights } from "../stored.ts";
import { lastIsNormalised, type SaeFile, type SaeFormat } from "./format.ts";
import { transposed } from "./layers.ts";

export const openai: SaeFormat = {
  name: "openai",
  sign: "pre_bias (OpenAI)",
  recognises: ({ tensors }) => tensors.has("pre_bias") && tensors.has("latent_bias"),
  async read(stored, model): Promise<SaeFile> {
    const { values, label } = stored;
    const activation = values.get("activation") ?? "ReLU";
    const state = values.get("activation_state_dict");
    const k = state instanceof Map ? state.get("k") : undefined;
    if (activation !== "ReLU" && activation !== "TopK") {
      throw new UserError(
        `Cannot use ${label} as its activation must be ReLU or TopK: current value is ` +
          shown(activation),
      );
    }
    if (activation === "TopK" && !(typeof k === "number" && Number.isInteger(k) && k >= 1)) {
      throw new UserError(
        `Cannot read ${label} as its k must be a whole number from 1 on: current value is ` +
          shown(k),
      );
    }
    const [latents, dModel] = matrixShape(stored, "encoder.weight");
    const encoder = await readWeights(stored, "encoder.weight", [latents, dModel]);
    const decoder = await readWeights(stored, "decoder.weight", [dModel, latents]);
    return {
      wEnc: transposed(encoder, latents, dModel),
      bEnc: await readWeights(stored, "latent_bias", [latents]),
      wDec: transposed(decoder, dModel, latents),
      bPre: await readWeights(stored, "pre_bias", [dModel]),
      ...(activation === "TopK" && { k: { value: k as number, from: "file" } }),
      depth: depthOfPath(label),
      // Its LN divides by the unbiased standard deviation + 1e-5, and is undone after the decoder.
      normalisation: values.get("normalize") === true ? "zscore" : "none",
      afterFinalNorm: lastIsNormalised(model),
    };
  },
};
