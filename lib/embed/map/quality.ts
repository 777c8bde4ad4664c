/** How far a map can be believed. */

/** How many neighbours count. */
export const QUALITY_NEIGHBOURS = 15;

/** What a map keeps of the neighbours of N points. */
export interface MapQuality {
  /** Neighbours that count, k. */
  neighbours: number;
  /**
   * 1 where all neighbours on the map are neighbours of the vectors, less by how far away those are that
   * are none (Venna & Kaski 2001, as scikit-learn computes it).
   */
  trustworthiness: number;
  /** The same of neighbours of the vectors that are none on the map. */
  continuity: number;
  /** Mean share of a point's k neighbours that it keeps on the map. */
  preserved: number;
  /** What chance gives: k ÷ (N − 1). */
  preservedByChance: number;
}

/** Adds up a map's quality, point by point. */
export class QualitySum {
  readonly #neighbours: number;
  #intruders = 0;
  #missing = 0;
  #kept = 0;
  /** f64[N], share of its k neighbours that each point keeps. */
  readonly kept: Float64Array;
  /** u32[N], the nearest of each point on the map. */
  readonly nearest: Uint32Array;

  /** @param map f64[N, 2] */
  constructor(readonly map: Float64Array, neighbours: number = QUALITY_NEIGHBOURS) {
    const size = map.length / 2;
    // As in scikit-learn: beyond half of the points the measure is not defined.
    this.#neighbours = Math.min(neighbours, Math.max(1, Math.ceil(size / 2) - 1));
    this.kept = new Float64Array(size);
    this.nearest = new Uint32Array(size);
  }

  /** Takes the similarities of a point to all points; the higher, the nearer. */
  add(point: number, similarities: ArrayLike<number>): void {
    const k = this.#neighbours, { map } = this, size = map.length / 2;
    const nearness = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      nearness[i] =
        -((map[2 * i] - map[2 * point]) ** 2 + (map[2 * i + 1] - map[2 * point + 1]) ** 2);
    }
    const onMap = largest(nearness, k, point), inFull = largest(similarities, k, point);
    this.nearest[point] = onMap[0];
    let kept = 0;
    for (const i of onMap) {
      const rank = rankOf(similarities, i, point);
      if (rank > k) this.#intruders += rank - k;
      else kept++;
    }
    for (const i of inFull) this.#missing += Math.max(0, rankOf(nearness, i, point) - k);
    this.kept[point] = kept / k;
    this.#kept += kept / k;
  }

  /** Of all points. */
  result(): MapQuality {
    const k = this.#neighbours, size = this.kept.length;
    const scale = 2 / (size * k * (2 * size - 3 * k - 1));
    return {
      neighbours: k,
      trustworthiness: 1 - scale * this.#intruders,
      continuity: 1 - scale * this.#missing,
      preserved: this.#kept / size,
      preservedByChance: k / (size - 1),
    };
  }
}

/** Which k values are the largest; of equal ones the first; `except` is none. */
function largest(values: ArrayLike<number>, k: number, except: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (i === except || found.length === k && !(values[i] > values[found[k - 1]])) continue;
    let at = found.length === k ? k - 1 : found.length;
    for (; at > 0 && values[found[at - 1]] < values[i]; at--) found[at] = found[at - 1];
    found[at] = i;
  }
  return found;
}

/** From 1; of equal values the first is before the others; `except` is not among them. */
function rankOf(values: ArrayLike<number>, index: number, except: number): number {
  const own = values[index];
  let rank = 1;
  for (let i = 0; i < values.length; i++) {
    if (i !== except && (values[i] > own || values[i] === own && i < index)) rank++;
  }
  return rank;
}

/**
 * Share of points whose nearest neighbour has their label, and what chance gives: Σ n(n − 1) over labels
 * ÷ N(N − 1). Points without a label are left out as points, and are no agreement as neighbours.
 *
 * @param nearest u32[N, k], the nearest first
 */
export function labelAgreement(
  labels: readonly string[],
  nearest: ArrayLike<number>,
  each: number,
): { agreement: number; chance: number; labelled: number } {
  const counts = new Map<string, number>();
  let agreeing = 0, labelled = 0;
  labels.forEach((label, i) => {
    if (label === "") return;
    labelled++;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    if (labels[nearest[i * each]] === label) agreeing++;
  });
  let pairs = 0;
  for (const count of counts.values()) pairs += count * (count - 1);
  return {
    agreement: agreeing / labelled,
    chance: pairs / (labelled * (labels.length - 1)),
    labelled,
  };
}
