/** The result in a sentence. */
import { formatCount } from "../../../cli/units.ts";
import { counted } from "../../../display.ts";
import { fixed, percent, short } from "../../../report/client/numbers.js";
import type { Finding } from "../../../report/page.ts";
import type { JudgedFidelity } from "../../fidelity_text.ts";
import type { SaeConfig } from "../../types.ts";
import type { LatentSurvey } from "../survey.ts";
import { type Dot, type EncodedProtein, MOST_DOTS } from "./data.ts";

/** How well an autoencoder stands in for what it reads; undefined where that was not measured. */
export type Quality = JudgedFidelity | undefined;

/** An activation as sentences have it. */
export const level = (value: number) => value >= 0.1 ? fixed(value, 2) : short(value);

/** Which latent fires highest in a protein, and how many fire nearly everywhere. */
export function finding(
  { letters, top, seen, entries, wide }: EncodedProtein,
  config: Pick<SaeConfig, "depth" | "latents">,
  quality: Quality,
): Finding {
  const [best] = top;
  if (!best) {
    return {
      answer: `None of the ${formatCount(config.latents)} latents fires at any residue.`,
      method: fit(config, quality),
    };
  }
  const { latent, max, maxResidue, residues } = best;
  const letter = letters[maxResidue - 1];
  const same = residues.filter((residue) => letters[residue - 1] === letter).length;
  const share = [...letters].filter((each) => each === letter).length / letters.length;
  return {
    answer: `Latent ${latent} fires highest, ${level(max)} at ${letter}${maxResidue}; ` +
      `${
        wide === 0
          ? "no latent fires"
          : wide === 1
          ? "1 latent fires"
          : `${formatCount(wide)} latents fire`
      } at more than half of the residues.`,
    method:
      `It fires at ${counted(residues.length, "residue")}, ${
        same === residues.length ? "all" : same
      } of them ${letter} (${percent(share, 1)} of all residues are). ${formatCount(seen)} of ` +
      `${formatCount(config.latents)} latents fire, ${
        fixed(entries / letters.length, 1)
      } a residue on average. ${fit(config, quality)}`,
  };
}

/** In how many proteins latents fire, and what scattered residues would give. */
export function findingOverall(
  survey: LatentSurvey,
  dots: readonly Dot[],
  config: Pick<SaeConfig, "depth" | "latents">,
  quality: Quality,
): Finding {
  const { seen, count } = survey;
  if (seen === 0) {
    return {
      answer: `None of the ${
        formatCount(config.latents)
      } latents fires in any of ${count} proteins.`,
      method: fit(config, quality),
    };
  }
  let every = 0, alone = 0, once = 0;
  for (let latent = 0; latent < survey.latents; latent++) {
    if (survey.proteins[latent] === count) every++;
    if (survey.proteins[latent] !== 1) continue;
    alone++;
    if (survey.active[latent] === 1) once++;
  }
  const mean = (of: (dot: Dot) => number) =>
    dots.reduce((sum, dot) => sum + of(dot), 0) / dots.length;
  const which = dots.length < seen
    ? `Of the ${formatCount(MOST_DOTS)} strongest each fires`
    : "Each fires";
  return {
    answer: `${formatCount(seen)} of ${formatCount(config.latents)} latents fire in ${count} ` +
      `proteins: ${none(every)} in every one, ${none(alone)} in one alone.`,
    method:
      `${which} in ${fixed(mean((dot) => dot[2]), 1)} proteins on average; if its residues were ` +
      `scattered over all proteins, it would in ${fixed(mean((dot) => dot[3]), 1)}. ${
        once > 0
          ? `${formatCount(once)} of those in one protein fire${
            once === 1 ? "s" : ""
          } at a single residue. `
          : ""
      }${fit(config, quality)}`,
  };
}

const none = (count: number) => count === 0 ? "none" : formatCount(count);

/** How well the autoencoder stands in, as measured. */
export function fit({ depth }: Pick<SaeConfig, "depth">, quality: Quality): string {
  return quality
    ? `The autoencoder of layer ${depth} leaves ${percent(quality.fvu, 1)} of the variance ` +
      `unexplained and recovers ${
        fixed(quality.lossRecovered, 2)
      } of the loss (four other proteins).`
    : `How well the autoencoder of layer ${depth} fits was not measured.`;
}
