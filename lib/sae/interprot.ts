/** InterProt's tensors, which our own files have too (etowahadams/interprot, interprot/sae_model.py). */
import type { Weights } from "./weights.ts";
import { matrixShape, readWeights, type StoredSae } from "./stored.ts";

/**
 * Reads w_enc [D, F], w_dec [F, D], b_enc [F] and b_pre [D]; training statistics are left out.
 *
 * @throws {UserError} if a tensor is absent, of another shape, or not finite
 */
export async function readInterprot(stored: StoredSae): Promise<Weights> {
  const [dModel, latents] = matrixShape(stored, "w_enc");
  return {
    wEnc: await readWeights(stored, "w_enc", [dModel, latents]),
    wDec: await readWeights(stored, "w_dec", [latents, dModel]),
    bEnc: await readWeights(stored, "b_enc", [latents]),
    bPre: await readWeights(stored, "b_pre", [dModel]),
  };
}
