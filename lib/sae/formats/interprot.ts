/** InterProt's tensors, which our own files have too (etowahadams/interprot, interprot/sae_model.py). */
import { basename } from "node:path";
import { depthOfPath, kOfPath } from "../path_layer.ts";
import { matrixShape, readWeights, type StoredSae } from "../stored.ts";
import type { SaeFile, SaeFormat } from "./format.ts";

export const interprot: SaeFormat = {
  name: "interprot",
  sign: "w_enc (InterProt)",
  recognises: ({ tensors }) => tensors.has("w_enc") || tensors.has("w_dec"),
  async read(stored): Promise<SaeFile> {
    const { label } = stored, named = kOfPath(label);
    return {
      ...await readInterprotWeights(stored),
      depth: depthOfPath(label),
      normalisation: "zscore",
      // Of names without k, the older files of 100,000 steps were trained with 128, all others with 64
      // (SAEConfigs.ts).
      k: named !== undefined
        ? { value: named, from: "name" }
        : { value: /_100k\b/.test(basename(label)) ? 128 : 64, from: "assumed" },
      // Its training looped over the blocks and left the final LayerNorm out (esm_wrapper.py).
      afterFinalNorm: () => false,
    };
  },
};

/** Reads w_enc [D, F], w_dec [F, D], b_enc [F] and b_pre [D]; training statistics are left out. */
export async function readInterprotWeights(
  stored: StoredSae,
): Promise<Pick<SaeFile, "wEnc" | "wDec" | "bEnc" | "bPre" | "threshold">> {
  const [dModel, latents] = matrixShape(stored, "w_enc");
  return {
    wEnc: await readWeights(stored, "w_enc", [dModel, latents]),
    wDec: await readWeights(stored, "w_dec", [latents, dModel]),
    bEnc: await readWeights(stored, "b_enc", [latents]),
    bPre: await readWeights(stored, "b_pre", [dModel]),
    ...(stored.tensors.has("threshold") && {
      threshold: await readWeights(stored, "threshold", [latents]),
    }),
  };
}
