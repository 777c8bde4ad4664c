/** The result in a sentence. */
import { formatCount } from "../../../cli/units.ts";
import { fixed, percent } from "../../../report/client/numbers.js";
import type { Finding } from "../../../report/page.ts";
import { AMINO_ACIDS } from "../../../variants/letters.ts";
import type { LatentProfile, LetterTotals } from "../detectors.ts";

/** F1 above which a latent is said to tell a letter. */
export const TELLS = 0.5;

/** What was counted of all latents. */
export interface Counted {
  latents: number;
  residues: number;
  proteins: number;
  threshold: number;
  profiles: readonly LatentProfile[];
  totals: LetterTotals;
}

/** How many latents tell a letter, against what latents that are active anywhere would reach. */
export function finding(
  { latents, profiles, residues, proteins, threshold, totals }: Counted,
): Finding {
  const where = `among ${formatCount(residues)} residues of ${formatCount(proteins)} protein${
    proteins === 1 ? "" : "s"
  }`;
  if (profiles.length === 0) {
    return {
      answer: `None of ${formatCount(latents)} latents is active above ${threshold} ${where}.`,
    };
  }
  const own = profiles.filter(({ letter }) => letter.f1 > TELLS);
  const beside = profiles.filter(({ neighbour }) => (neighbour?.f1 ?? 0) > TELLS);
  const ends = profiles.filter(({ firstShare, lastShare }) =>
    Math.max(firstShare, lastShare) > TELLS
  );
  const { letter, share, f1 } = chance(totals);
  const enrichments = own.map((one) => one.letter.enrichment).sort((a, b) => a - b);
  const median = enrichments.length === 0
    ? NaN
    : (enrichments[(enrichments.length - 1) >> 1] + enrichments[enrichments.length >> 1]) / 2;
  return {
    answer:
      `${own.length === 0 ? "None" : formatCount(own.length)} of ${
        formatCount(profiles.length)
      } active latents tell${
        own.length > 1 ? "" : "s"
      } a letter with F1 above ${TELLS}; active at random, ` +
      `a latent would reach ${fixed(f1, 2)} at most.`,
    method: [
      `At random: on average, and with the commonest letter (${letter}, ${
        percent(share, 1)
      } of residues).`,
      own.length > 0 &&
      `That letter is ${
        fixed(median, 1)
      } times as frequent where they are active as among all residues (median).`,
      `${beside.length === 0 ? "None" : formatCount(beside.length)} ${
        beside.length > 1 ? "tell" : "tells"
      } a neighbour's letter (F1 above ${TELLS}); ${
        ends.length === 0 ? "none" : formatCount(ends.length)
      } ${ends.length > 1 ? "are" : "is"} mostly active at a protein's first or last residue.`,
      `${formatCount(profiles.length)} of ${formatCount(latents)} latents are active ${where}.`,
    ].filter(Boolean).join(" "),
  };
}

/**
 * The largest F1 that a latent expects which is active at random: precision is the letter's share f, recall
 * the share p of active residues, and 2 f p / (f + p) is largest where it is active everywhere.
 */
export function chance(
  { letters, residues }: LetterTotals,
): { letter: string; share: number; f1: number } {
  const size = AMINO_ACIDS.length, middle = (letters.length / size - 1) / 2;
  const own = [...letters.subarray(middle * size, (middle + 1) * size)];
  const most = Math.max(...own), share = most / (residues[middle] || 1);
  return { letter: AMINO_ACIDS[own.indexOf(most)], share, f1: 2 * share / (1 + share) };
}
