/**
 * Which proteins are alike by sequence, so that a split can keep them on one side.
 *
 * Two are linked where a local alignment covers at least half of the shorter one with at least so many
 * identical residues; a group is all that is linked, directly or by way of others, so that no two groups
 * hold a linked pair. Pairs are looked for by exact words of four residues, each extended without gaps
 * (BLOSUM62, X-drop); those with a segment that chance rarely gives are aligned with gaps (Smith–Waterman
 * with affine gaps, 11 and 1, in a band about the segment). Pairs whose alignment has no word of four in
 * common are missed, as in every search by words (CD-HIT, MMseqs2).
 */

/** How alike proteins are parted no more. */
export interface SimilarityOptions {
  /** Share of identical residues in the alignment. @default 0.3 */
  identity?: number;
  /** Share of the shorter protein that the alignment covers. @default 0.5 */
  coverage?: number;
  /** Hears how many proteins are done, and may throw to stop. */
  onProgress?(done: number): void | Promise<void>;
}

const LETTERS = "ARNDCQEGHILKMFPSTWYV";
const WORD = 4;
/** Words that more proteins have than this say little (repeats of a letter). */
const MOST_PLACES = 2000;
/** Words of fewer different letters stand in stretches of low complexity, which are no sign of descent. */
const LEAST_LETTERS = 3;
/** Score of an ungapped segment that of random pairs of 400 residues one in four hundred has. */
const LEAST_SEGMENT = 50;
/** How far a segment's score may fall before its extension ends. */
const X_DROP = 16;
/** Half the width of the band of the alignment with gaps. */
const BAND = 48;
const GAP_OPEN = 11, GAP_EXTEND = 1;

/** BLOSUM62 (Henikoff & Henikoff 1992, 10.1073/pnas.89.22.10915), lower triangle in the order of LETTERS. */
const BLOSUM62 = `4
-1 5
-2 0 6
-2 -2 1 6
0 -3 -3 -3 9
-1 1 0 0 -3 5
-1 0 0 2 -4 2 5
0 -2 0 -1 -3 -2 -2 6
-2 0 1 -1 -3 0 0 -2 8
-1 -3 -3 -3 -1 -3 -3 -4 -3 4
-1 -2 -3 -4 -1 -2 -3 -4 -3 2 4
-1 2 0 -1 -3 1 1 -2 -1 -3 -2 5
-1 -1 -2 -3 -1 0 -2 -3 -2 1 2 -1 5
-2 -3 -3 -3 -2 -3 -3 -3 -1 0 0 -3 0 6
-1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4 7
1 -1 1 0 -1 0 0 0 -1 -2 -2 0 -1 -2 -1 4
0 -1 0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1 1 5
-3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1 1 -4 -3 -2 11
-2 -2 -2 -3 -2 -1 -2 -3 2 -1 -1 -2 -1 3 -3 -2 -2 2 7
0 -3 -3 -3 -1 -2 -2 -3 -3 3 1 -2 1 -1 -2 -2 0 -3 -1 4`;

/** Side of the matrix: the letters and one for all others, which match nothing. */
const SIDE = LETTERS.length + 1, OTHER = LETTERS.length;
const SCORES = scores();

function scores(): Int8Array {
  const table = new Int8Array(SIDE * SIDE).fill(-1);
  BLOSUM62.split("\n").forEach((line, i) =>
    line.split(" ").forEach((score, j) => {
      table[i * SIDE + j] = table[j * SIDE + i] = Number(score);
    })
  );
  return table;
}

const encode = (residues: string): Uint8Array =>
  Uint8Array.from(residues.toUpperCase(), (letter) => {
    const at = LETTERS.indexOf(letter);
    return at < 0 ? OTHER : at;
  });

/**
 * The group of each sequence: the number of its first member.
 *
 * @throws what `onProgress` throws
 */
export async function similarityGroups(
  sequences: readonly string[],
  { identity = 0.3, coverage = 0.5, onProgress }: SimilarityOptions = {},
): Promise<Uint32Array> {
  const codes = sequences.map(encode), parent = Uint32Array.from(sequences, (_, i) => i);
  const root = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  const words = new WordIndex(codes);
  // The best segment of each earlier sequence with the one in hand, and its diagonal.
  const best = new Int32Array(sequences.length), diagonal = new Int32Array(sequences.length);
  const seen = new SeenDiagonals(), aligner = new BandAligner();
  for (let i = 0; i < codes.length; i++) {
    const touched: number[] = [], own = root(i);
    seen.clear();
    words.visit(i, (j, at, there) => {
      if (root(j) === own || seen.end(j, there - at) >= at) return;
      const { score, end } = extend(codes[i], at, codes[j], there);
      seen.set(j, there - at, end);
      if (score < LEAST_SEGMENT || score <= best[j]) return;
      if (best[j] === 0) touched.push(j);
      best[j] = score;
      diagonal[j] = there - at;
    });
    // The likeliest first: who is linked by it needs no other.
    touched.sort((a, b) => best[b] - best[a] || a - b);
    for (const j of touched) {
      if (root(j) !== root(i)) {
        const { identical, columns, shorter } = aligner.align(codes[i], codes[j], diagonal[j]);
        if (identical >= identity * columns && shorter >= coverage) {
          const [low, high] = [root(i), root(j)].sort((a, b) => a - b);
          parent[high] = low;
        }
      }
      best[j] = 0;
    }
    if (i % 32 === 31) await onProgress?.(i + 1);
  }
  return parent.map((_, i) => root(i));
}

/** Where words stand in sequences before the one in hand. */
class WordIndex {
  /** Of each word the places, and of each sequence's place the next earlier of the same word. */
  readonly #begin: Uint32Array;
  readonly #sequence: Uint32Array;
  readonly #place: Uint32Array;

  constructor(readonly codes: readonly Uint8Array[]) {
    const counts = new Uint32Array(LETTERS.length ** WORD + 1);
    this.#each((word) => counts[word + 1]++);
    for (let w = 1; w < counts.length; w++) counts[w] += counts[w - 1];
    this.#begin = counts;
    const next = counts.slice(), total = counts.at(-1)!;
    this.#sequence = new Uint32Array(total);
    this.#place = new Uint32Array(total);
    this.#each((word, sequence, place) => {
      this.#sequence[next[word]] = sequence;
      this.#place[next[word]++] = place;
    });
  }

  #each(use: (word: number, sequence: number, place: number) => void): void {
    this.codes.forEach((code, i) => eachWord(code, (word, at) => use(word, i, at)));
  }

  /** Places of the words of sequence `i` in sequences before it. */
  visit(i: number, use: (other: number, at: number, there: number) => void): void {
    eachWord(this.codes[i], (word, at) => {
      const begin = this.#begin[word], end = this.#begin[word + 1];
      if (end - begin > MOST_PLACES) return;
      for (let k = begin; k < end && this.#sequence[k] < i; k++) {
        use(this.#sequence[k], at, this.#place[k]);
      }
    });
  }
}

function eachWord(code: Uint8Array, use: (word: number, at: number) => void): void {
  let word = 0, known = 0;
  for (let end = 0; end < code.length; end++) {
    const letter = code[end];
    if (letter === OTHER) {
      known = word = 0;
      continue;
    }
    word = (word * LETTERS.length + letter) % LETTERS.length ** WORD;
    if (++known >= WORD && isVaried(code, end - WORD + 1)) use(word, end - WORD + 1);
  }
}

function isVaried(code: Uint8Array, begin: number): boolean {
  let found = 0;
  for (let i = begin; i < begin + WORD; i++) found |= 1 << code[i];
  let letters = 0;
  for (; found !== 0; found &= found - 1) letters++;
  return letters >= LEAST_LETTERS;
}

/**
 * How far a diagonal has been looked at, so that its segments are not extended for each of their words;
 * what has been forgotten is looked at again, which changes nothing.
 */
class SeenDiagonals {
  readonly #sequence = new Int32Array(1 << 16);
  readonly #diagonal = new Int32Array(1 << 16);
  readonly #end = new Int32Array(1 << 16);

  clear(): void {
    this.#sequence.fill(-1);
  }

  #at(sequence: number, diagonal: number): number {
    return Math.imul(Math.imul(sequence, 0x9e3779b1) + diagonal, 0x85ebca6b) >>> 16;
  }

  /** Last place that was looked at, −1 for none. */
  end(sequence: number, diagonal: number): number {
    const at = this.#at(sequence, diagonal);
    return this.#sequence[at] === sequence && this.#diagonal[at] === diagonal ? this.#end[at] : -1;
  }

  set(sequence: number, diagonal: number, end: number): void {
    const at = this.#at(sequence, diagonal);
    this.#sequence[at] = sequence;
    this.#diagonal[at] = diagonal;
    this.#end[at] = end;
  }
}

/** The best segment without gaps that holds a word, and where it ends in `a`. */
function extend(
  a: Uint8Array,
  at: number,
  b: Uint8Array,
  there: number,
): { score: number; end: number } {
  let score = 0;
  for (let k = 0; k < WORD; k++) score += SCORES[a[at + k] * SIDE + b[there + k]];
  let end = at + WORD - 1;
  for (let i = at + WORD, j = there + WORD, run = score; i < a.length && j < b.length; i++, j++) {
    run += SCORES[a[i] * SIDE + b[j]];
    if (run > score) [score, end] = [run, i];
    else if (run < score - X_DROP) break;
  }
  for (let i = at - 1, j = there - 1, run = score; i >= 0 && j >= 0; i--, j--) {
    run += SCORES[a[i] * SIDE + b[j]];
    if (run > score) score = run;
    else if (run < score - X_DROP) break;
  }
  return { score, end };
}

/** The best local alignment of two sequences. */
interface Aligned {
  /** Columns with the same letter. */
  identical: number;
  /** All columns, those with a gap too. */
  columns: number;
  /** Share of the shorter sequence's residues in it. */
  shorter: number;
}

/** Where a state of the alignment came from, as bits: of pairs two, of each gap one. */
const START = 0, FROM_PAIR = 1, FROM_A = 2, FROM_B = 3, EXTENDS_A = 4, EXTENDS_B = 8;
/** Less than any score. */
const NEVER = -1e9;

/** Smith–Waterman in a band, with affine gaps (Gotoh 1982, 10.1016/0022-2836(82)90398-9). */
class BandAligner {
  readonly #width = 2 * BAND + 1;
  /** Of the row above: best score that ends in a pair, in a residue of `a` alone, in one of `b` alone. */
  readonly #pair = new Int32Array(this.#width + 1);
  readonly #onlyA = new Int32Array(this.#width + 1);
  readonly #onlyB = new Int32Array(this.#width + 1);
  #ways = new Uint8Array(0);

  /** @param shift place in `b` minus place in `a` of the band's middle */
  align(a: Uint8Array, b: Uint8Array, shift: number): Aligned {
    const width = this.#width, pair = this.#pair, onlyA = this.#onlyA, onlyB = this.#onlyB;
    if (this.#ways.length < a.length * width) this.#ways = new Uint8Array(a.length * width);
    const ways = this.#ways;
    for (const scores of [pair, onlyA, onlyB]) scores.fill(NEVER);
    let best = 0, bestI = -1, bestAt = -1;
    for (let i = 0; i < a.length; i++) {
      const begin = i + shift - BAND, row = i * width, scores = a[i] * SIDE;
      const from = Math.max(0, -begin), to = Math.min(width, b.length - begin);
      let leftPair = NEVER, leftB = NEVER;
      // Outside of the other sequence nothing can be reached.
      pair.fill(NEVER, 0, Math.min(from, width));
      onlyA.fill(NEVER, 0, Math.min(from, width));
      for (let at = from; at < to; at++) {
        // What stood on the same diagonal has the same place in the row above.
        let before = pair[at], way = FROM_PAIR;
        if (onlyA[at] > before) [before, way] = [onlyA[at], FROM_A];
        if (onlyB[at] > before) [before, way] = [onlyB[at], FROM_B];
        if (before <= 0) [before, way] = [0, START];
        const here = before + SCORES[scores + b[begin + at]];
        const openA = pair[at + 1] - GAP_OPEN, moreA = onlyA[at + 1] - GAP_EXTEND;
        const openB = leftPair - GAP_OPEN, moreB = leftB - GAP_EXTEND;
        if (moreA > openA) way |= EXTENDS_A;
        if (moreB > openB) way |= EXTENDS_B;
        ways[row + at] = way;
        pair[at] = leftPair = here;
        onlyA[at] = Math.max(openA, moreA);
        onlyB[at] = leftB = Math.max(openB, moreB);
        if (here > best) [best, bestI, bestAt] = [here, i, at];
      }
      if (to < width) {
        pair.fill(NEVER, Math.max(0, to));
        onlyA.fill(NEVER, Math.max(0, to));
        onlyB.fill(NEVER, Math.max(0, to));
      }
    }
    let identical = 0, columns = 0, ofA = 0, ofB = 0;
    for (let i = bestI, at = bestAt, state = FROM_PAIR; i >= 0;) {
      const way = ways[i * width + at];
      columns++;
      if (state === FROM_PAIR) {
        const letter = a[i];
        if (letter === b[i + shift - BAND + at] && letter !== OTHER) identical++;
        ofA++;
        ofB++;
        state = way & 3;
        i--;
        if (state === START) break;
      } else if (state === FROM_A) {
        ofA++;
        state = way & EXTENDS_A ? FROM_A : FROM_PAIR;
        i--;
        at++;
      } else {
        ofB++;
        state = way & EXTENDS_B ? FROM_B : FROM_PAIR;
        at--;
      }
    }
    const shorter = (a.length <= b.length ? ofA : ofB) / Math.min(a.length, b.length);
    return { identical, columns, shorter };
  }
}
