/** Fidelity in words. */
import type { Fidelity } from "./fidelity.ts";
import type { OpenedSae } from "./open.ts";
import type { EmbedScale, LayerOption } from "./options.ts";

/** Below this an autoencoder is most likely used in another way than it was trained for. */
export const POOR_LOSS_RECOVERED = 0.5;

/** One line of figures. */
export function fidelityText(name: string, fidelity: Fidelity): string {
  const { residues, fvu, meanActive, lossRecovered } = fidelity;
  const { crossEntropy: own, crossEntropyReconstructed, crossEntropyZero } = fidelity;
  return `${name}: loss recovered ${lossRecovered.toFixed(3)}, variance unexplained ` +
    `${fvu.toFixed(3)}, ${meanActive.toFixed(1)} latents per residue; cross-entropy ` +
    `${own.toFixed(3)}, reconstructed ${crossEntropyReconstructed.toFixed(3)}, zeros ` +
    `${crossEntropyZero.toFixed(3)} nats (${residues} residues).`;
}

/** A line that names what is most likely wrong, where the reconstruction is poor. */
export function fidelityWarning(
  { lossRecovered }: Fidelity,
  { sae: { config: { depth, k } }, layout }: Pick<OpenedSae, "sae" | "layout">,
  scale: EmbedScale,
  layerOption: LayerOption = "--layer",
): string | undefined {
  // Not "<": a loss that is not a number is no good either.
  if (lossRecovered >= POOR_LOSS_RECOVERED) return undefined;
  const other = scale === "hf" ? "train" : "hf";
  const causes = [
    `the layer (now ${depth}; ${layerOption})`,
    ...(k === undefined ? [] : [`k (now ${k}; --k)`]),
    ...(layout === "interprot"
      ? [`the embedding scale (now ${scale}; --embed-scale ${other})`]
      : []),
    "or the model",
  ];
  return `Warning: only ${lossRecovered.toFixed(2)} of the loss is recovered: ` +
    `${causes.join(", ")} may not be what the autoencoder was trained with.`;
}
