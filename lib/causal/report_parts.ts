/** What the reports of all sae commands say of autoencoders. */
import type { AutoencoderView, QualityView } from "../report/sae_types.ts";
import { POOR_LOSS_RECOVERED } from "../sae/fidelity_text.ts";
import type { SaeConfig } from "../sae/types.ts";

/** @param quality where it was measured */
export function autoencoderView(
  { depth: layer, name, latents, k, normalisation }: SaeConfig,
  quality?: QualityView,
): AutoencoderView {
  return { name, layer, latents, k, normalisation, quality };
}

/** A warning of an autoencoder whose latents say little about the model. */
export function qualityNote({ layer, quality }: AutoencoderView): string[] {
  if (!quality || quality.lossRecovered >= POOR_LOSS_RECOVERED) return [];
  return [
    `The autoencoder of layer ${layer} recovers only ${
      quality.lossRecovered.toFixed(2)
    } of the loss: ` +
    "layer, k, embedding scale or model may not be what it was trained with, and then its latents say " +
    "little about the model.",
  ];
}
