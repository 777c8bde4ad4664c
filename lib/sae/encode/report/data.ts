/** What the page of encoded proteins draws. */
import { packed } from "../../../report/page.ts";
import type { Markup } from "../../../report/markup.ts";
import { expectedGroups } from "../../../stats/scattered.ts";
import type { Shape } from "../../../structure/shape.ts";
import type { ProteinLatents } from "../encode.ts";
import { type LatentSurvey, REACH } from "../survey.ts";
import { lettersText, type TopLatent, topLatents } from "../top_latents.ts";

/** Activations that the page has of a protein at most, the strongest latents first. */
const MOST_ACTIVATIONS = 80_000;
/** Latents whose places in other proteins the page has at most. */
const MOST_ELSEWHERE = 2000;
/** Latents that the picture over all proteins has at most. */
export const MOST_DOTS = 2000;
/** Latents that tracks and table begin with. */
export const ROWS = 14;

/** What is kept of a protein until its page is drawn. */
export interface EncodedProtein {
  id: string;
  letters: string;
  /** Strongest latents first. */
  top: TopLatent[];
  /** f32, of each latent in `top` its activations by residue. */
  values: Float32Array;
  /** Latents that fire, kept or not. */
  seen: number;
  /** Activations above zero, kept or not. */
  entries: number;
  /** Latents that fire at more than half of the residues. */
  wide: number;
  shape?: Shape;
}

/** The strongest latents of a protein, as many as the page has room for. */
export function encodedProtein(
  protein: ProteinLatents,
  shape?: Shape,
  most = MOST_ACTIVATIONS,
): EncodedProtein {
  const { id, letters, latents: { rows, offsets, indices, values } } = protein;
  const all = topLatents(protein, Infinity);
  let count = 0;
  const begins = new Map<number, number>();
  const top = all.filter(({ latent, residues }, rank) => {
    if (rank > 0 && count + residues.length > most) return false;
    begins.set(latent, count);
    count += residues.length;
    return true;
  });
  const kept = new Float32Array(count);
  for (let row = 0; row < rows; row++) {
    for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
      const at = begins.get(indices[entry]);
      if (at === undefined) continue;
      kept[at] = values[entry];
      begins.set(indices[entry], at + 1);
    }
  }
  return {
    ...{ id, letters, top, values: kept, seen: all.length, entries: values.length, shape },
    wide: all.filter(({ residues }) => residues.length > rows / 2).length,
  };
}

/** Numbers of a protein as the page's module takes them, and its arrays. */
export function proteinData({ top, values, seen }: EncodedProtein, index: number) {
  return {
    data: { index, seen, kept: top.length, rows: ROWS },
    arrays: [
      packed("latents", Uint32Array.from(top, ({ latent }) => latent)),
      packed("counts", Uint32Array.from(top, ({ residues }) => residues.length)),
      packed("residues", Uint32Array.from(top.flatMap(({ residues }) => residues))),
      packed("values", values),
    ],
  };
}

/** Letters where a latent fires, the most frequent first, a few of them. */
export function lettersOf({ letters }: Pick<EncodedProtein, "letters">, { residues }: TopLatent) {
  const all = lettersText(letters, residues).split(" ");
  return all.slice(0, 3).join(" ") + (all.length > 3 ? " …" : "");
}

/** A latent over all proteins: its number, residues, proteins, expected proteins, highest, and where. */
export type Dot = [
  latent: number,
  residues: number,
  proteins: number,
  expected: number,
  highest: number,
  id: string,
  place: string,
];

/** The strongest latents over all proteins, and the proteins that as many scattered residues would reach. */
export function surveyDots(survey: LatentSurvey, most = MOST_DOTS): Dot[] {
  const known = new Map<number, number>();
  return strongest(survey).slice(0, most).map((latent) => {
    const residues = survey.active[latent],
      [{ id, letters, residue, value }] = survey.places(latent);
    let expected = known.get(residues);
    if (expected === undefined) {
      known.set(residues, expected = expectedGroups(residues, survey.lengths));
    }
    const place = `${letters[REACH]}${residue}`;
    return [latent, residues, survey.proteins[latent], expected, value, id, place];
  });
}

const strongest = (survey: LatentSurvey) =>
  Array.from({ length: survey.latents }, (_, latent) => latent)
    .filter((latent) => survey.proteins[latent] > 0)
    .sort((a, b) => survey.highest(b) - survey.highest(a) || a - b);

/** Where the strongest latents of the drawn proteins fire elsewhere, for all their views. */
export function elsewhere(survey: LatentSurvey, drawn: readonly EncodedProtein[]): Markup {
  const wanted = new Set<number>();
  // Rank by rank, so that each protein has its strongest.
  const deepest = Math.max(0, ...drawn.map(({ top }) => top.length));
  for (let rank = 0; rank < deepest && wanted.size < MOST_ELSEWHERE; rank++) {
    for (const { top } of drawn) if (top[rank]) wanted.add(top[rank].latent);
  }
  const of = Object.fromEntries([...wanted].map((latent) => [latent, {
    proteins: survey.proteins[latent],
    places: survey.places(latent).map((
      { protein, id, residue, value, letters, steps },
    ) => [protein, id, residue, value, letters, [...steps]]),
  }]));
  const text = JSON.stringify({ count: survey.count, reach: REACH, of });
  return packed("elsewhere", new TextEncoder().encode(text));
}
