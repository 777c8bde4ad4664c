/** The latents that fire most strongly in a protein. */
import type { ProteinLatents } from "./encode.ts";

export interface TopLatent {
  latent: number;
  /** Largest activation. */
  max: number;
  /** Residue of the largest activation, from 1; the first of equals. */
  maxResidue: number;
  /** Mean over all residues of the protein, with the zeros. */
  mean: number;
  /** Fraction of the residues where it is above zero. */
  activeFraction: number;
  /** Residues where it is above zero, from 1, ascending. */
  residues: number[];
}

/** The `count` latents of the largest activation, descending; of equals the lower latent first. */
export function topLatents(
  { latents: { rows, offsets, indices, values } }: ProteinLatents,
  count: number,
): TopLatent[] {
  const found = new Map<number, TopLatent & { sum: number }>();
  for (let n = 0; n < rows; n++) {
    for (let entry = offsets[n]; entry < offsets[n + 1]; entry++) {
      const latent = indices[entry], value = values[entry];
      let top = found.get(latent);
      if (!top) {
        top = { latent, max: 0, maxResidue: 0, mean: 0, activeFraction: 0, residues: [], sum: 0 };
        found.set(latent, top);
      }
      top.sum += value;
      top.residues.push(n + 1);
      if (value > top.max) {
        top.max = value;
        top.maxResidue = n + 1;
      }
    }
  }
  return [...found.values()]
    .sort((a, b) => b.max - a.max || a.latent - b.latent)
    .slice(0, count)
    .map(({ sum, ...top }) => ({
      ...top,
      mean: sum / rows,
      activeFraction: top.residues.length / rows,
    }));
}

/** Ascending numbers as ranges: `3-5 9`. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: string[] = [];
  for (let i = 0; i < numbers.length;) {
    let last = i;
    while (last + 1 < numbers.length && numbers[last + 1] === numbers[last] + 1) last++;
    ranges.push(last === i ? `${numbers[i]}` : `${numbers[i]}-${numbers[last]}`);
    i = last + 1;
  }
  return ranges.join(" ");
}

/** Letters at some residues with their counts, most frequent first: `L5 A3`. */
export function lettersText(letters: string, residues: readonly number[]): string {
  const counts = new Map<string, number>();
  for (const residue of residues) {
    const letter = letters[residue - 1];
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([letter, n]) => `${letter}${n}`)
    .join(" ");
}
