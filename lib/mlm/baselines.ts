/** What simple statistics say of hidden residues: what a model must beat to have learnt anything. */

/** Letters that are counted: the 20 amino acids and B, J, O, U, X, Z … as they come. */
const LETTERS = "ACDEFGHIKLMNPQRSTVWYXBUZO";
const COUNT = LETTERS.length;
/** Stands before the first residue and after the last. */
const END = COUNT;

/** Pseudocounts of a distribution behind another. */
const PRIOR = 20;

const indexOf = new Map([...LETTERS].map((letter, i) => [letter, i]));
const codes = (residues: string): Int32Array =>
  Int32Array.from(residues, (letter) => indexOf.get(letter) ?? LETTERS.indexOf("X"));

/** −log p of a hidden residue in nats, by baseline. */
export interface BaselineLosses {
  /** By the letter's frequency in all other proteins. */
  readonly unigram: number;
  /** By the letters beside it, of all other proteins. */
  readonly neighbours: number;
  /** By the frequency in the rest of the same protein. */
  readonly composition: number;
}

/**
 * Counts of letters and of letters between letters over some proteins. A protein is asked of what the
 * others say: its own counts are taken off first.
 *
 * Each distribution has 20 pseudocounts of a wider one behind it: letters between letters that of
 * letters, a protein's composition too, and letters the even one.
 */
export class Baselines {
  readonly #letters = new Float64Array(COUNT);
  readonly #between = new Float64Array((COUNT + 1) ** 2 * COUNT);

  /** Counts a protein. */
  add(residues: string, sign: 1 | -1 = 1): void {
    const row = codes(residues);
    row.forEach((letter, i) => {
      this.#letters[letter] += sign;
      this.#between[this.#at(row, i) + letter] += sign;
    });
  }

  /**
   * Losses of hidden residues (0-based) of a protein that was counted.
   *
   * The neighbours are those of the sequence, though the model may not see them either.
   */
  losses(residues: string, hidden: readonly number[]): BaselineLosses[] {
    this.add(residues, -1);
    const row = codes(residues), isHidden = new Set(hidden);
    const all = this.#letters.reduce((a, b) => a + b, 0), seen = new Float64Array(COUNT);
    row.forEach((letter, i) => {
      if (!isHidden.has(i)) seen[letter]++;
    });
    const visible = row.length - hidden.length;
    const unigram = (letter: number) => (this.#letters[letter] + PRIOR / COUNT) / (all + PRIOR);
    const found = hidden.map((i) => {
      const letter = row[i], at = this.#at(row, i);
      const between = this.#between.subarray(at, at + COUNT).reduce((a, b) => a + b, 0);
      const p = unigram(letter);
      return {
        unigram: -Math.log(p),
        neighbours: -Math.log((this.#between[at + letter] + PRIOR * p) / (between + PRIOR)),
        composition: -Math.log((seen[letter] + PRIOR * p) / (visible + PRIOR)),
      };
    });
    this.add(residues);
    return found;
  }

  #at(row: Int32Array, i: number): number {
    const left = i > 0 ? row[i - 1] : END, right = i + 1 < row.length ? row[i + 1] : END;
    return (left * (COUNT + 1) + right) * COUNT;
  }
}
