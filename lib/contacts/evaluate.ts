/** How well a contact map ranks the true contacts. */
import { type HeadScore, type Range, RANGES, type RangeScores, type Truth } from "./types.ts";

/** Pairs i < j of a range whose contacts are known, by falling score; ties in order of (i, j). */
export interface RankedPairs {
  /** Number i · L + j of each pair. */
  pairs: Uint32Array;
  /** 1 where the pair of that rank is in contact. */
  hits: Uint8Array;
}

/**
 * Ranks the pairs of a range.
 *
 * @param map f32[L, L]; pairs whose score is NaN are left out
 * @param others maps that it is compared with: pairs without a score there are left out too
 */
export function rankPairs(
  map: Float32Array,
  truth: Truth,
  { min, max }: Range,
  others: readonly Float32Array[] = [],
): RankedPairs {
  const length = truth.known.length;
  const found: number[] = [];
  for (let i = 0; i < length; i++) {
    if (!truth.known[i]) continue;
    const end = Math.min(length - 1, i + max);
    for (let j = i + min; j <= end; j++) {
      const pair = i * length + j;
      if (!truth.known[j] || Number.isNaN(map[pair])) continue;
      if (others.every((other) => !Number.isNaN(other[pair]))) found.push(pair);
    }
  }
  const pairs = Uint32Array.from(found).sort((a, b) => map[b] - map[a] || a - b);
  return { pairs, hits: Uint8Array.from(pairs, (pair) => truth.contacts[pair]) };
}

/**
 * Share of contacts among the `count` highest pairs. Where there are fewer pairs the missing ones count
 * as wrong (fair-esm, `examples/contact_prediction.ipynb`, `compute_precisions`). NaN where no pair is a
 * contact: nothing could have been found.
 */
export function precisionAt({ hits }: RankedPairs, count: number): number {
  if (!hits.includes(1)) return NaN;
  let sum = 0;
  for (let k = 0; k < Math.min(count, hits.length); k++) sum += hits[k];
  return sum / count;
}

/** Area under the ROC curve; ties count half. NaN without both kinds of pairs. */
export function areaUnderCurve({ pairs, hits }: RankedPairs, map: Float32Array): number {
  let wins = 0, positives = 0, negatives = 0;
  // From the lowest score up: each contact beats the others below it.
  for (let end = pairs.length; end > 0;) {
    let begin = end - 1;
    while (begin > 0 && map[pairs[begin - 1]] === map[pairs[end - 1]]) begin--;
    let tied = 0;
    for (let k = begin; k < end; k++) tied += hits[k];
    wins += tied * (negatives + (end - begin - tied) / 2);
    positives += tied;
    negatives += end - begin - tied;
    end = begin;
  }
  return wins / (positives * negatives);
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
    const ranked = rankPairs(map, truth, range, others);
    return {
      range: range.name,
      pairs: ranked.pairs.length,
      notPredicted: knownPairs(truth, range) - ranked.pairs.length,
      contacts: ranked.hits.reduce((sum, hit) => sum + hit, 0),
      precisionL: precisionAt(ranked, length),
      precisionL2: precisionAt(ranked, Math.max(1, Math.floor(length / 2))),
      precisionL5: precisionAt(ranked, Math.max(1, Math.floor(length / 5))),
      auc: areaUnderCurve(ranked, map),
    };
  });
}

/** Pairs of a range whose contacts are known. */
function knownPairs({ known }: Truth, { min, max }: Range): number {
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
  const length = truth.known.length, ranked = rankPairs(map, truth, range, others);
  return Array.from({ length: 20 }, (_, k): [number, number] => {
    const share = (k + 1) / 10;
    return [share, precisionAt(ranked, Math.max(1, Math.round(share * length)))];
  }).filter(([share, value]) =>
    !Number.isNaN(value) && share * length <= ranked.pairs.length + length / 10
  );
}

/** Precision at L of one head's map in every range. */
export function headScore(
  map: Float32Array,
  truth: Truth,
  { layer, head }: { layer: number; head: number },
): HeadScore {
  const length = truth.known.length;
  const precisionL = RANGES.map((range) => precisionAt(rankPairs(map, truth, range), length));
  return { layer, head, precisionL };
}
