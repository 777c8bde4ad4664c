/** InterPLM's state dicts (ElanaPearl/InterPLM, interplm/sae/dictionary.py: ReLUSAE). */
import { UserError } from "../errors.ts";
import type { Weights } from "./weights.ts";
import { matrixShape, readFlag, readWeights, type StoredSae } from "./stored.ts";

const RESCALE = "activation_rescale_factor";

/**
 * Reads bias [D], encoder.weight [F, D], encoder.bias [F] and decoder.weight [D, F].
 *
 * Newer files hold each latent's largest activation apart (`activation_rescale_factor`), by which it is
 * divided after ReLU. It is positive, so it may as well divide the encoder; it then multiplies the
 * decoder, and the reconstruction stays what it was. Latents that never fired have none and keep 1.
 *
 * @throws {UserError} if a tensor is absent, of another shape, or not finite, or the file is of another
 *   kind of autoencoder
 */
export async function readInterplm(stored: StoredSae): Promise<Weights> {
  refuseOtherKinds(stored);
  const [latents, dModel] = matrixShape(stored, "encoder.weight");
  const encoder = await readWeights(stored, "encoder.weight", [latents, dModel]);
  const bEnc = await readWeights(stored, "encoder.bias", [latents]);
  const decoder = await readWeights(stored, "decoder.weight", [dModel, latents]);
  const bPre = await readWeights(stored, "bias", [dModel]);
  // Inputs scaled to the length √D, that is divided by their root mean square.
  const normalisation = await readFlag(stored, "normalize_to_sqrt_d") ? "rms" : undefined;
  const scale = stored.tensors.has(RESCALE)
    ? await readWeights(stored, RESCALE, [latents])
    : new Float32Array(latents).fill(1);
  const bad = scale.findIndex((value) => value < 0);
  if (bad >= 0) {
    throw new UserError(
      `Cannot read ${stored.label} as ${RESCALE} must not be negative: element ${bad} is ` +
        scale[bad],
    );
  }
  const rescaled = scale.some((value) => value !== 0 && value !== 1);
  const wEnc = transposed(encoder, latents, dModel), wDec = transposed(decoder, dModel, latents);
  if (rescaled) rescale(wEnc, bEnc, wDec, scale);
  const notes = rescaled
    ? ["Activations are divided by each latent's largest, which the file holds."]
    : [];
  return { wEnc, bEnc, wDec, bPre, notes, ...(normalisation && { normalisation }) };
}

function refuseOtherKinds({ label, tensors }: StoredSae): void {
  const found = ["b_dec", "k", "threshold", "decoder.bias", "gate_bias", "r_mag"]
    .filter((name) => tensors.has(name));
  if (found.length === 0) return;
  throw new UserError(
    `Cannot use ${label} as a state dict must be of InterPLM's ReLU autoencoder: it has ` +
      found.join(", "),
  );
}

function rescale(
  wEnc: Float32Array,
  bEnc: Float32Array,
  wDec: Float32Array,
  scale: Float32Array,
): void {
  const latents = scale.length, dModel = wEnc.length / latents;
  for (let j = 0; j < latents; j++) {
    const s = scale[j] || 1;
    bEnc[j] /= s;
    for (let d = 0; d < dModel; d++) {
      wEnc[d * latents + j] /= s;
      wDec[j * dModel + d] *= s;
    }
  }
}

/** [rows, columns] → [columns, rows], in tiles that stay in the cache. */
function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length), tile = 32;
  for (let r = 0; r < rows; r += tile) {
    for (let c = 0; c < columns; c += tile) {
      for (let i = r; i < Math.min(r + tile, rows); i++) {
        for (let j = c; j < Math.min(c + tile, columns); j++) {
          out[j * rows + i] = matrix[i * columns + j];
        }
      }
    }
  }
  return out;
}
