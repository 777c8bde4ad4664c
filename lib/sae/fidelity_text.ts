/** Fidelity in words. */
import type { Fidelity } from "./fidelity.ts";
import type { OpenedSae } from "./open.ts";
import type { EmbedScale, LayerOption } from "./options.ts";

/**
 * From where on an autoencoder is most likely not trained, or used in another way than it was trained for.
 *
 * Measured on the embedded model and this panel. Trained autoencoders: 0.02 to 0.06 of the variance
 * unexplained (up to 0.26 with a wrong k), loss recovered 0.95 and more, masked 0.96 and more. Random weights
 * (a decoder that is the encoder's transpose; 512 to 4096 latents, k 8 to 128): 0.78 to 15 unexplained, loss
 * recovered 0.34 to 0.98: the variance tells them apart, where the loss does not. On a wrong layer: 0.08 to
 * 0.53 unexplained, and less on the layer nearer to the right one, by a quarter or more.
 */
const POOR = { fvu: 0.5, lossRecovered: 0.8, neighbour: 0.8 } as const;

/** One line of figures. */
export function fidelityText(name: string, fidelity: Fidelity): string {
  const { residues, fvu, meanActive, lossRecovered, masked } = fidelity;
  const { crossEntropy: own, crossEntropyReconstructed, crossEntropyZero } = fidelity;
  return `${name}: loss recovered ${lossRecovered.toFixed(3)}` +
    (masked ? ` (${masked.lossRecovered.toFixed(3)} of masked residues)` : "") +
    `, variance unexplained ${fvu.toFixed(3)}, ${meanActive.toFixed(1)} latents per residue; ` +
    `cross-entropy ${own.toFixed(3)}, reconstructed ${
      crossEntropyReconstructed.toFixed(3)
    }, zeros ` +
    `${crossEntropyZero.toFixed(3)} nats (${residues} residues).`;
}

/** The figures that a report needs to judge an autoencoder, too. */
export type JudgedFidelity =
  & Pick<Fidelity, "fvu" | "lossRecovered" | "neighbours">
  & { readonly masked?: { readonly lossRecovered: number } };

/** What of the figures is poor, in words; none where the autoencoder stands in well. */
export function fidelityFaults(
  { fvu, lossRecovered, masked, neighbours = [] }: JudgedFidelity,
  depth: number,
): string[] {
  // Not "<": figures that are not numbers are no good either.
  const isPoor = (recovered: number) => !(recovered >= POOR.lossRecovered);
  const better = neighbours.filter((near) => near.fvu < POOR.neighbour * fvu)
    .sort((a, b) => a.fvu - b.fvu)[0];
  return [
    !(fvu < POOR.fvu) && `${fvu.toFixed(2)} of the variance is unexplained`,
    isPoor(lossRecovered) && `only ${lossRecovered.toFixed(2)} of the loss is recovered`,
    masked && isPoor(masked.lossRecovered) &&
    `only ${masked.lossRecovered.toFixed(2)} of the loss of masked residues is recovered`,
    better && `layer ${better.depth} is reconstructed better (${better.fvu.toFixed(2)} of its ` +
      `variance unexplained) than layer ${depth} (${fvu.toFixed(2)})`,
  ].filter((fault) => typeof fault === "string");
}

/** What the reader of a page must know of an autoencoder that does not stand in well. */
export function fitCautions(quality: JudgedFidelity | undefined, depth: number): string[] {
  const faults = quality ? fidelityFaults(quality, depth) : [];
  if (faults.length === 0) return [];
  return [
    `The autoencoder of layer ${depth}: ${
      faults.join(", ")
    }: layer, k, embedding scale or model may ` +
    "not be what it was trained with, or it may not be trained at all, and then its latents say little " +
    "about the model.",
  ];
}

/** A line that names what is most likely wrong, where the reconstruction is poor. */
export function fidelityWarning(
  fidelity: Fidelity,
  { sae: { config: { depth, k } }, layout }: Pick<OpenedSae, "sae" | "layout">,
  scale: EmbedScale,
  layerOption: LayerOption = "--layer",
): string | undefined {
  const faults = fidelityFaults(fidelity, depth);
  if (faults.length === 0) return undefined;
  const other = scale === "hf" ? "train" : "hf";
  const causes = [
    `the layer (now ${depth}; ${layerOption})`,
    ...(k === undefined ? [] : [`k (now ${k}; --k)`]),
    ...(layout === "interprot"
      ? [`the embedding scale (now ${scale}; --embed-scale ${other})`]
      : []),
    "or the model",
  ];
  return `Warning: ${faults.join(", ")}: ${
    causes.join(", ")
  } may not be what the autoencoder was ` +
    "trained with, or it may not be trained at all.";
}
