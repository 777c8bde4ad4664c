/** sparsify: layers.N/sae.safetensors with cfg.json beside it (EleutherAI/sparsify, sparse_coder.py). */
import { shown, UserError } from "../../errors.ts";
import { depthOfPath } from "../path_layer.ts";
import { matrixShape, readWeights } from "../stored.ts";
import { lastIsNormalised, type SaeFile, type SaeFormat } from "./format.ts";
import { transposed } from "./layers.ts";

export const sparsify: SaeFormat = {
  name: "sparsify",
  sign: "encoder.weight with W_dec (sparsify)",
  recognises: ({ tensors }) => tensors.has("encoder.weight") && tensors.has("W_dec"),
  async read(stored, model): Promise<SaeFile> {
    const { label, config } = stored;
    const fail = (rule: string, value: unknown): never => {
      throw new UserError(`Cannot use ${label} as ${rule}: current value is ${shown(value)}`);
    };
    const { k, activation = "topk", transcode, skip_connection } = config ?? {};
    if (transcode || skip_connection || stored.tensors.has("W_skip")) {
      fail("it must be an autoencoder", "a transcoder");
    }
    if (activation !== "topk") fail("its activation must be topk", activation);
    if (typeof k !== "number" || !Number.isInteger(k) || k < 1) {
      return fail("k in the cfg.json beside it must be a whole number from 1 on", k);
    }
    const [latents, dModel] = matrixShape(stored, "encoder.weight");
    const encoder = await readWeights(stored, "encoder.weight", [latents, dModel]);
    return {
      wEnc: transposed(encoder, latents, dModel),
      bEnc: await readWeights(stored, "encoder.bias", [latents]),
      wDec: await readWeights(stored, "W_dec", [latents, dModel]),
      bPre: await readWeights(stored, "b_dec", [dModel]),
      depth: depthOfPath(label),
      normalisation: "none",
      k: { value: k, from: "file" },
      afterFinalNorm: lastIsNormalised(model),
    };
  },
};
