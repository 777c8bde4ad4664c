/** Measures a trained SAE on sequences that it was not trained on. */
import { TOKENS } from "../../esm2/alphabet.ts";
import type { Esm2, Sequence } from "../../esm2/mod.ts";
import { SaeCoder } from "../coder.ts";
import { type Fidelity, measureFidelity } from "../fidelity.ts";
import type { Sae } from "../types.ts";
import { type ActivationOptions, readActivations } from "./activations.ts";
import type { Corpus } from "../../train/corpus.ts";
import type { Crop } from "../../train/feed.ts";
import { type HeldOutFigures, heldOutFigures } from "./held_out.ts";
import type { Trained } from "./train.ts";
import type { DenseProduct } from "./trainer.ts";

/** Residues whose letters are predicted from reconstructions: four forward passes each. */
const FIDELITY_RESIDUES = 20_000;

export interface Figures extends HeldOutFigures {
  readonly fidelity: Fidelity;
}

/** Figures over the crops; cross-entropies over the first 20,000 residues of them. */
export async function evaluate(
  { esm, dense, sae, trained: { state, unit } }: {
    esm: Esm2;
    dense: DenseProduct;
    sae: Sae & { config: { k: number } };
    trained: Trained;
  },
  corpus: Corpus,
  crops: readonly Crop[],
  reading: ActivationOptions,
): Promise<Figures> {
  const x = await readActivations(esm, corpus, crops, reading);
  const { k, normalisation } = sae.config;
  const figures = await heldOutFigures(x, state.weights, dense, { k, normalisation, unit });
  await using coder = await SaeCoder.open(sae, esm.backend);
  const proteins = await sequencesOf(corpus, crops);
  const { signal } = reading;
  return { ...figures, fidelity: await measureFidelity(esm, coder, proteins, { signal }) };
}

async function sequencesOf(corpus: Corpus, crops: readonly Crop[]): Promise<Sequence[]> {
  const found: Sequence[] = [];
  let left = FIDELITY_RESIDUES;
  for (const { sequence, from, residues } of crops) {
    if (left <= 0) break;
    left -= residues;
    const ids = await corpus.tokens(sequence, from, residues);
    const letters = Array.from(ids.subarray(1, -1), (id) => TOKENS[id]).join("");
    found.push({ id: `sequence ${sequence + 1}`, residues: letters });
  }
  return found;
}
