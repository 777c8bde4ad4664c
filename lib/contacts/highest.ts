/** The highest of very many pairs, found by selection: to sort them all takes longer than to predict them. */

/**
 * Pairs by falling score, equal ones in ascending order, at most `most` of them.
 *
 * @param map f32[L, L]
 * @param pairs numbers i · L + j, ascending, of pairs that have a score
 */
export function highestPairs(
  map: Float32Array,
  pairs: Uint32Array,
  most: number,
): Uint32Array<ArrayBuffer> {
  const byScore = (a: number, b: number) => map[b] - map[a] || a - b;
  if (most >= pairs.length) return pairs.slice().sort(byScore);
  if (most <= 0) return new Uint32Array();
  const least = nthHighest(map, pairs, most), found = new Uint32Array(most);
  let above = 0;
  for (let k = 0; k < pairs.length; k++) if (map[pairs[k]] > least) found[above++] = pairs[k];
  found.subarray(0, above).sort(byScore);
  // Those as high as the last are in order already, however many they are.
  for (let k = 0, at = above; at < most; k++) if (map[pairs[k]] === least) found[at++] = pairs[k];
  return found;
}

/** Upper halves of numbers, by which they are counted. */
const HALVES = 2 ** 16;

/** The n-th highest score of pairs, n from 1: only numbers that share its upper half are sorted. */
export function nthHighest(map: Float32Array, pairs: Uint32Array, n: number): number {
  const bits = new Int32Array(map.buffer, map.byteOffset, map.length);
  /** Ascends as the numbers do. */
  const half = (pair: number) => {
    const word = bits[pair];
    return word >= 0 ? word >>> 16 | HALVES / 2 : ~word >>> 16;
  };
  const counts = new Uint32Array(HALVES);
  for (let k = 0; k < pairs.length; k++) counts[half(pairs[k])]++;
  let at = HALVES - 1, above = 0;
  for (; above + counts[at] < n; at--) above += counts[at];
  const scores = new Float32Array(counts[at]);
  for (let k = 0, found = 0; k < pairs.length; k++) {
    if (half(pairs[k]) === at) scores[found++] = map[pairs[k]];
  }
  return scores.sort()[scores.length - (n - above)];
}
