/** How well a contact map ranks the true contacts. */
import { highestPairs } from "./highest.ts";
import { type HeadScore, type Range, RANGES, type RangeScores, type Truth } from "./types.ts";

/** Pairs i < j of a range whose contacts are known, by falling score; ties in order of (i, j). */
export interface RankedPairs {
  /** Number i · L + j of each pair. */
  pairs: Uint32Array;
  /** 1 where the pair of that rank is in contact. */
  hits: Uint8Array;
  /** How many there are of all, where only the highest are ranked. @default those that are */
  all?: { pairs: number; contacts: number };
}

/**
 * Ranks the pairs of a range.
 *
 * @param map f32[L, L]; pairs whose score is NaN are left out
 * @param others maps that it is compared with: pairs without a score there are left out too
 * @param most how many of the highest
 */
export function rankPairs(
  map: Float32Array,
  truth: Truth,
  range: Range,
  others: readonly Float32Array[] = [],
  most = Infinity,
): RankedPairs {
  return ranked(map, truth, pairsOf(map, truth, range, others), most);
}

/** Pairs with their hits, ascending. */
function pairsOf(
  map: Float32Array,
  truth: Truth,
  { min, max }: Range,
  others: readonly Float32Array[],
): RankedPairs {
  const length = truth.known.length;
  const pairs = new Uint32Array(knownPairs(truth, { min, max }));
  let count = 0;
  for (let i = 0; i < length; i++) {
    if (!truth.known[i]) continue;
    const end = Math.min(length - 1, i + max);
    for (let j = i + min; j <= end; j++) {
      const pair = i * length + j;
      if (!truth.known[j] || Number.isNaN(map[pair])) continue;
      if (others.every((other) => !Number.isNaN(other[pair]))) pairs[count++] = pair;
    }
  }
  const found = pairs.subarray(0, count);
  return { pairs: found, hits: hitsOf(found, truth) };
}

const hitsOf = (pairs: Uint32Array, { contacts }: Truth): Uint8Array =>
  Uint8Array.from(pairs, (pair) => contacts[pair]);

function ranked(
  map: Float32Array,
  truth: Truth,
  { pairs, hits }: RankedPairs,
  most: number,
): RankedPairs {
  const highest = highestPairs(map, pairs, most);
  return {
    pairs: highest,
    hits: hitsOf(highest, truth),
    all: { pairs: pairs.length, contacts: countOf(hits) },
  };
}

const countOf = (hits: Uint8Array): number => hits.reduce((sum, hit) => sum + hit, 0);

/**
 * Share of contacts among the `count` highest pairs. Where there are fewer pairs the missing ones count
 * as wrong (fair-esm, `examples/contact_prediction.ipynb`, `compute_precisions`). NaN where no pair is a
 * contact: nothing could have been found.
 */
export function precisionAt(
  { hits, all }: RankedPairs,
  count: number,
): number {
  if (all ? all.contacts === 0 : !hits.includes(1)) return NaN;
  let sum = 0;
  for (let k = 0; k < Math.min(count, hits.length); k++) sum += hits[k];
  return sum / count;
}

/** Area under the ROC curve; ties count half. NaN without both kinds of pairs. @param ranked all pairs, in any order */
export function areaUnderCurve({ pairs, hits }: RankedPairs, map: Float32Array): number {
  const positives = new Float32Array(countOf(hits));
  for (let k = 0, found = 0; k < pairs.length; k++) {
    if (hits[k]) positives[found++] = map[pairs[k]];
  }
  positives.sort();
  /** How many positives are below a score, or not above it. */
  const below = (score: number, orEqual: boolean) => {
    let from = 0, to = positives.length;
    while (from < to) {
      const middle = from + to >>> 1, value = positives[middle];
      if (value < score || orEqual && value === score) from = middle + 1;
      else to = middle;
    }
    return from;
  };
  let wins = 0;
  for (let k = 0; k < pairs.length; k++) {
    if (hits[k]) continue;
    const score = map[pairs[k]];
    wins += positives.length - (below(score, false) + below(score, true)) / 2;
  }
  return wins / (positives.length * (pairs.length - positives.length));
}

/**
 * Scores of a map in every range; L is the length of the sequence, known or not.
 *
 * @param others maps that it is compared with; all are scored on the pairs that every one predicts
 */
export function evaluate(
  map: Float32Array,
  truth: Truth,
  others: readonly Float32Array[] = [],
): RangeScores[] {
  const length = truth.known.length;
  return RANGES.map((range) => {
    const all = pairsOf(map, truth, range, others), highest = ranked(map, truth, all, length);
    return {
      range: range.name,
      pairs: all.pairs.length,
      notPredicted: knownPairs(truth, range) - all.pairs.length,
      contacts: highest.all!.contacts,
      precisionL: precisionAt(highest, length),
      precisionL2: precisionAt(highest, Math.max(1, Math.floor(length / 2))),
      precisionL5: precisionAt(highest, Math.max(1, Math.floor(length / 5))),
      auc: areaUnderCurve(all, map),
    };
  });
}

/** Pairs of a range whose contacts are known. */
function knownPairs({ known }: Truth, { min, max }: Pick<Range, "min" | "max">): number {
  let count = 0;
  for (let i = 0; i < known.length; i++) {
    if (!known[i]) continue;
    const end = Math.min(known.length - 1, i + max);
    for (let j = i + min; j <= end; j++) count += known[j];
  }
  return count;
}

/** Pairs at least as far apart as the shortest range, and how many of them have no score. */
export function countPredicted(map: Float32Array): { pairs: number; missing: number } {
  const length = Math.sqrt(map.length);
  let pairs = 0, missing = 0;
  for (let i = 0; i < length; i++) {
    for (let j = i + RANGES[0].min; j < length; j++) {
      pairs++;
      if (Number.isNaN(map[i * length + j])) missing++;
    }
  }
  return { pairs, missing };
}

/** Precision of every number of predictions in steps of L/10 up to 2 L, for a curve. */
export function precisionCurve(
  map: Float32Array,
  truth: Truth,
  range: Range,
  others: readonly Float32Array[] = [],
): [number, number][] {
  const length = truth.known.length, ranked = rankPairs(map, truth, range, others, 2 * length);
  return Array.from({ length: 20 }, (_, k): [number, number] => {
    const share = (k + 1) / 10;
    return [share, precisionAt(ranked, Math.max(1, Math.round(share * length)))];
  }).filter(([share, value]) =>
    !Number.isNaN(value) && share * length <= ranked.all!.pairs + length / 10
  );
}

/** Precision at L of one head's map in every range. */
export function headScore(
  map: Float32Array,
  truth: Truth,
  { layer, head }: { layer: number; head: number },
): HeadScore {
  const length = truth.known.length;
  const precisionL = RANGES.map((range) =>
    precisionAt(rankPairs(map, truth, range, [], length), length)
  );
  return { layer, head, precisionL };
}
