/**
 * InterPLM's state dicts (ElanaPearl/InterPLM, interplm/sae/dictionary.py), whose linear layers those of
 * dictionary_learning (saprmarks/dictionary_learning) are too: ReLU, tied, TopK, BatchTopK, JumpReLU.
 */
import { UserError } from "../../errors.ts";
import { depthOfPath } from "../path_layer.ts";
import { matrixShape, readScalar, readWeights, type StoredSae } from "../stored.ts";
import { lastIsNormalised, type SaeFile, type SaeFormat } from "./format.ts";
import { rescale, transposed, unshifted } from "./layers.ts";
import { readActivation } from "./threshold.ts";

const RESCALE = "activation_rescale_factor";
/** The bias that the decoder adds, and whether it is subtracted before the encoder. */
const BIASES: readonly [name: string, subtracted: boolean][] = [
  ["bias", true],
  ["b_dec", true],
  // ReLUSAE_Tied, and JumpReLUSAE with its `apply_b_dec_to_input = False`.
  ["decoder.bias", false],
];

/**
 * Reads encoder.weight [F, D], encoder.bias [F], decoder.weight [D, F], a bias [D], and k or a threshold.
 *
 * Newer files hold each latent's largest activation apart (`activation_rescale_factor`), by which it is
 * divided after ReLU. It is positive, so it may as well divide the encoder; it then multiplies the
 * decoder, and the reconstruction stays what it was. Latents that never fired have none and keep 1.
 * Where the k largest stay it cannot: they are chosen before the division, which is then left out.
 */
export const interplm: SaeFormat = {
  name: "interplm",
  sign: "encoder.weight (InterPLM)",
  recognises: ({ tensors }) => tensors.has("encoder.weight") || tensors.has("decoder.weight"),
  async read(stored, model): Promise<SaeFile> {
    refuseOtherKinds(stored);
    const [latents, dModel] = matrixShape(stored, "encoder.weight");
    const encoder = await readWeights(stored, "encoder.weight", [latents, dModel]);
    const bias = await readWeights(stored, "encoder.bias", [latents]);
    const decoder = await readWeights(stored, "decoder.weight", [dModel, latents]);
    const [biasName, subtracted] = BIASES.find(([name]) => stored.tensors.has(name)) ?? BIASES[0];
    const bPre = await readWeights(stored, biasName, [dModel]);
    const wEnc = transposed(encoder, latents, dModel);
    const bEnc = subtracted ? bias : unshifted(wEnc, bias, bPre);
    const weights = { wEnc, bEnc, wDec: transposed(decoder, dModel, latents), bPre };
    const activation = await readActivation(stored, latents);
    const notes = [...activation.notes];
    const factors = await readFactors(stored, latents);
    if (factors) {
      if (activation.k) notes.push("Activations are as they are, not divided by their largest.");
      else {
        rescale({ ...weights, threshold: activation.threshold }, factors);
        notes.push("Activations are divided by each latent's largest, which the file holds.");
      }
    }
    return {
      ...weights,
      ...activation,
      notes,
      depth: depthOfPath(stored.label),
      // Inputs scaled to the length √D, that is divided by their root mean square.
      normalisation: await readScalar(stored, "normalize_to_sqrt_d") ? "rms" : "none",
      afterFinalNorm: lastIsNormalised(model),
    };
  },
};

/** What activations are divided by, or undefined if that changes nothing. */
async function readFactors(
  stored: StoredSae,
  latents: number,
): Promise<Float32Array | undefined> {
  if (!stored.tensors.has(RESCALE)) return undefined;
  const factors = await readWeights(stored, RESCALE, [latents]);
  const bad = factors.findIndex((value) => value < 0);
  if (bad >= 0) {
    throw new UserError(
      `Cannot read ${stored.label} as ${RESCALE} must not be negative: element ${bad} is ` +
        factors[bad],
    );
  }
  const used = factors.map((value) => value || 1);
  return used.some((value) => value !== 1) ? used : undefined;
}

function refuseOtherKinds({ label, tensors }: StoredSae): void {
  const found = ["gate_bias", "r_mag", "mag_bias"].filter((name) => tensors.has(name));
  if (found.length === 0) return;
  throw new UserError(
    `Cannot use ${label} as an autoencoder must choose latents by ReLU, k or a threshold: ` +
      `it is gated, with ${found.join(", ")}`,
  );
}
