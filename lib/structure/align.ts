/** Matching a chain's residues to a query sequence. */
import { type Chain, chainLetters } from "./chain.ts";

const MATCH = 5, MISMATCH = -4, GAP_OPEN = -11, GAP_EXTEND = -0.2, UNKNOWN = 0;
/** Opening a gap in the chain where its numbering jumps: there residues are missing. */
const BREAK_OPEN = -2;

/** Which residue of a chain is which of a query. */
export interface Alignment {
  /** For each query residue (0-based) the index of the chain's residue, or −1. */
  toChain: Int32Array;
  /** Query residues that have a partner. */
  aligned: number;
  /** Of these, those whose letters agree. */
  identical: number;
  /** Of the alignment, in the unit of its matches (5) and mismatches (−4). */
  score: number;
}

/**
 * Aligns a chain to a query by sequence: global with free ends (Gotoh 1982,
 * 10.1016/0022-2836(82)90398-9), matches by identity. Gaps in the chain are cheap where the authors'
 * numbers jump, so that residues next to a missing loop stay on their side of it.
 */
export function alignChain(query: string, chain: Chain): Alignment {
  const letters = chainLetters(chain), { residues } = chain;
  // What the file does not number says nothing.
  const isJump = (a: number, b: number) => b !== a && b !== a + 1 && !Number.isNaN(b - a);
  const jumps = residues.map(({ number }, i) => i > 0 && isJump(residues[i - 1].number, number));
  return alignLetters(query, letters, (j) => jumps[j] ?? false);
}

/**
 * Aligns two sequences as {@linkcode alignChain} does.
 *
 * @param jumps whether residues of `other` are missing before its residue j
 * @param mismatch score of two letters that differ
 */
export function alignLetters(
  query: string,
  other: string,
  jumps: (j: number) => boolean = () => false,
  mismatch = MISMATCH,
): Alignment {
  const n = query.length, m = other.length, width = m + 1;
  // Three states: residues paired, query residue without partner, other's residue without partner.
  const size = (n + 1) * width;
  const paired = new Float32Array(size).fill(-Infinity);
  const queryOnly = new Float32Array(size).fill(-Infinity);
  const otherOnly = new Float32Array(size).fill(-Infinity);
  const from = new Uint8Array(3 * size);
  paired[0] = 0;
  for (let i = 1; i <= n; i++) queryOnly[i * width] = 0;
  for (let j = 1; j <= m; j++) otherOnly[j] = 0;
  for (let i = 1; i <= n; i++) from[size + i * width] = i === 1 ? 0 : 1;
  for (let j = 1; j <= m; j++) from[2 * size + j] = j === 1 ? 0 : 2;
  const best = (a: number, b: number, c: number): [number, number] =>
    a >= b && a >= c ? [a, 0] : b >= c ? [b, 1] : [c, 2];
  for (let i = 1; i <= n; i++) {
    for (let j = 1; j <= m; j++) {
      const at = i * width + j, diagonal = at - width - 1, up = at - width, left = at - 1;
      const [p, fp] = best(paired[diagonal], queryOnly[diagonal], otherOnly[diagonal]);
      paired[at] = p + similarity(query[i - 1], other[j - 1], mismatch);
      from[at] = fp;
      // Residues beyond the other's end cost nothing.
      const open = j === m ? 0 : jumps(j) ? BREAK_OPEN : GAP_OPEN;
      const extend = j === m ? 0 : GAP_EXTEND;
      const [q, fq] = best(paired[up] + open, queryOnly[up] + extend, otherOnly[up] + open);
      queryOnly[at] = q;
      from[size + at] = fq;
      const openOther = i === n ? 0 : GAP_OPEN, extendOther = i === n ? 0 : GAP_EXTEND;
      const [o, fo] = best(
        paired[left] + openOther,
        queryOnly[left] + openOther,
        otherOnly[left] + extendOther,
      );
      otherOnly[at] = o;
      from[2 * size + at] = fo;
    }
  }
  const last = size - 1;
  const [score, end] = best(paired[last], queryOnly[last], otherOnly[last]);
  let state = end;
  const toChain = new Int32Array(n).fill(-1);
  let aligned = 0, identical = 0;
  for (let i = n, j = m; i > 0 || j > 0;) {
    const previous = from[state * size + i * width + j];
    if (state === 0) {
      toChain[--i] = --j;
      aligned++;
      if (query[i] === other[j]) identical++;
    } else if (state === 1) i--;
    else j--;
    state = previous;
  }
  return { toChain, aligned, identical, score };
}

function similarity(a: string, b: string, mismatch: number): number {
  if (a === "X" || b === "X") return UNKNOWN;
  return a === b ? MATCH : mismatch;
}
