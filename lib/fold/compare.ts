/** How near two structures of one protein are: superposition, RMSD, TM-score, lDDT. All in double precision. */

/** Points f64[N, 3], Å. */
export type Points = Float64Array;

/** A rotation and translation that brings points onto others. */
export interface Superposition {
  /** f64[9], row-major. */
  readonly rotation: Float64Array;
  /** Å, after the rotation. */
  readonly translation: readonly [number, number, number];
  /** Root-mean-square distance after it, Å. */
  readonly rmsd: number;
}

/**
 * The rotation and translation of `mobile` nearest to `fixed` in the least squares (Kearsley 1989,
 * doi:10.1107/S0108767388010128: the quaternion of the least eigenvalue).
 *
 * @throws {RangeError} if they are not as many points, or none
 */
export function superpose(mobile: Points, fixed: Points): Superposition {
  const count = mobile.length / 3;
  if (count === 0 || fixed.length !== mobile.length) {
    throw new RangeError(
      `Cannot superpose as both structures must have as many points: current counts are ${count} and ` +
        `${fixed.length / 3}`,
    );
  }
  const a = centre(mobile), b = centre(fixed);
  // Of m = fixed − mobile and p = fixed + mobile, both about their centres.
  const k = new Float64Array(16);
  for (let i = 0; i < mobile.length; i += 3) {
    const [mx, my, mz] = [0, 1, 2].map((c) => fixed[i + c] - b[c] - (mobile[i + c] - a[c]));
    const [px, py, pz] = [0, 1, 2].map((c) => fixed[i + c] - b[c] + (mobile[i + c] - a[c]));
    k[0] += mx * mx + my * my + mz * mz;
    k[1] += py * mz - my * pz;
    k[2] += mx * pz - px * mz;
    k[3] += px * my - mx * py;
    k[5] += py * py + pz * pz + mx * mx;
    k[6] += mx * my - px * py;
    k[7] += mx * mz - px * pz;
    k[10] += px * px + pz * pz + my * my;
    k[11] += my * mz - py * pz;
    k[15] += px * px + py * py + mz * mz;
  }
  for (const [i, j] of [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]) {
    k[4 * j + i] = k[4 * i + j];
  }
  const { value, vector: [w, x, y, z] } = leastEigen(k);
  const rotation = Float64Array.of(
    ...[w * w + x * x - y * y - z * z, 2 * (x * y + w * z), 2 * (x * z - w * y)],
    ...[2 * (x * y - w * z), w * w - x * x + y * y - z * z, 2 * (y * z + w * x)],
    ...[2 * (x * z + w * y), 2 * (y * z - w * x), w * w - x * x - y * y + z * z],
  );
  const moved = turned(rotation, a);
  return {
    rotation,
    translation: [b[0] - moved[0], b[1] - moved[1], b[2] - moved[2]],
    rmsd: Math.sqrt(Math.max(0, value) / count),
  };
}

/** Points after a superposition, in a new array. */
export function moved(points: Points, { rotation, translation }: Superposition): Points {
  const out = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const p = turned(rotation, points.subarray(i, i + 3));
    for (let c = 0; c < 3; c++) out[i + c] = p[c] + translation[c];
  }
  return out;
}

/** Of points f64[N, 3] some, by their numbers. */
export const pick = (points: Points, numbers: readonly number[]): Points =>
  Float64Array.from(numbers.flatMap((i) => [...points.subarray(3 * i, 3 * i + 3)]));

/** A TM-score and the superposition that it is of. */
export interface TmScore {
  /** 0 to 1. */
  readonly score: number;
  /** Of the model onto the structure. */
  readonly superposition: Superposition;
}

/** Fewest residues of the pieces that the search for a TM-score begins with. */
const LEAST_PIECE = 4;
/** Superpositions that are tried from one piece. */
const MOST_ROUNDS = 20;

/** Distance, Å, at which a residue counts half in a TM-score of a protein of so many residues. */
export const tmDistance = (length: number): number =>
  Math.max(0.5, length > 21 ? 1.24 * Math.cbrt(length - 15) - 1.8 : 0.5);

/**
 * TM-score of a model against a structure, residue by residue (Zhang & Skolnick 2004, doi:10.1002/prot.20264):
 * the largest over superpositions, which are looked for as their program does, from pieces of the whole, a
 * half, a quarter … of the residues, each time from the residues that came near.
 *
 * @param length residues of the protein, which the score is divided by
 */
export function tmScore(model: Points, truth: Points, length = truth.length / 3): TmScore {
  const count = model.length / 3, d0 = tmDistance(length);
  const limit = Math.min(8, Math.max(4.5, d0));
  let best: TmScore | undefined;
  const distances = new Float64Array(count);
  const rate = (superposition: Superposition) => {
    const own = moved(model, superposition);
    let score = 0;
    for (let i = 0; i < count; i++) {
      let square = 0;
      for (let c = 0; c < 3; c++) square += (own[3 * i + c] - truth[3 * i + c]) ** 2;
      distances[i] = Math.sqrt(square);
      score += 1 / (1 + square / d0 ** 2);
    }
    score /= length;
    if (!best || score > best.score) best = { score, superposition };
  };
  const of = (indices: readonly number[]) => superpose(pick(model, indices), pick(truth, indices));
  for (let piece = count;; piece = Math.max(LEAST_PIECE, piece >> 1)) {
    for (
      let begin = 0;
      begin + piece <= count;
      begin += Math.max(1, count > 400 ? piece >> 2 : 1)
    ) {
      let chosen = Array.from({ length: piece }, (_, i) => begin + i);
      for (let round = 0; round < MOST_ROUNDS; round++) {
        rate(of(chosen));
        let cutoff = limit - (round === 0 ? 1 : -1);
        let next: number[] = [];
        while (next.length < Math.min(3, count)) {
          next = [...distances.keys()].filter((i) => distances[i] < cutoff);
          cutoff += 0.5;
        }
        if (next.length === chosen.length && next.every((i, n) => i === chosen[n])) break;
        chosen = next;
      }
    }
    if (piece <= LEAST_PIECE || count <= LEAST_PIECE) break;
  }
  return best!;
}

/** Distance, Å, up to which pairs of the structure count in lDDT, and how far they may be off. */
const RADIUS = 15, TOLERANCES = [0.5, 1, 2, 4];

/**
 * lDDT of points against true ones (Mariani et al. 2013, doi:10.1093/bioinformatics/btt473): for each residue the
 * share of its distances to points of other residues, up to 15 Å in the truth, that the model keeps within
 * 0.5, 1, 2 and 4 Å. Sterical checks are not made.
 *
 * @param groups the residue of each point: pairs within a residue do not count. @default each its own
 * @returns of each residue, NaN where it has no such pair; and of all pairs together
 */
export function lddt(
  model: Points,
  truth: Points,
  groups: ArrayLike<number> = Array.from({ length: truth.length / 3 }, (_, i) => i),
): { residues: Float64Array; all: number } {
  const points = truth.length / 3, count = Math.max(-1, ...Array.from(groups)) + 1;
  const kept = new Float64Array(count), pairs = new Float64Array(count);
  const distance = (of: Points, i: number, j: number) => {
    let square = 0;
    for (let c = 0; c < 3; c++) square += (of[3 * i + c] - of[3 * j + c]) ** 2;
    return Math.sqrt(square);
  };
  for (let i = 0; i < points; i++) {
    for (let j = 0; j < points; j++) {
      if (groups[i] === groups[j]) continue;
      const own = distance(truth, i, j);
      if (own >= RADIUS) continue;
      const off = Math.abs(distance(model, i, j) - own);
      pairs[groups[i]]++;
      kept[groups[i]] += TOLERANCES.filter((t) => off < t).length / TOLERANCES.length;
    }
  }
  const total = pairs.reduce((a, b) => a + b, 0);
  return {
    residues: kept.map((k, i) => k / pairs[i]),
    all: kept.reduce((a, b) => a + b, 0) / total,
  };
}

function centre(points: Points): number[] {
  const sum = [0, 0, 0];
  for (let i = 0; i < points.length; i++) sum[i % 3] += points[i];
  return sum.map((value) => value / (points.length / 3));
}

function turned(r: Float64Array, [x, y, z]: ArrayLike<number> & Iterable<number>): number[] {
  return [0, 3, 6].map((k) => r[k] * x + r[k + 1] * y + r[k + 2] * z);
}

/** Least eigenvalue of a symmetric matrix f64[4, 4] and its unit vector (cyclic Jacobi rotations). */
function leastEigen(symmetric: Float64Array): { value: number; vector: number[] } {
  const a = symmetric.slice(), v = new Float64Array(16);
  for (let i = 0; i < 4; i++) v[5 * i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < 4; p++) for (let q = p + 1; q < 4; q++) off += a[4 * p + q] ** 2;
    if (off < 1e-300) break;
    for (let p = 0; p < 4; p++) {
      for (let q = p + 1; q < 4; q++) {
        if (a[4 * p + q] === 0) continue;
        const theta = (a[5 * q] - a[5 * p]) / (2 * a[4 * p + q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1), s = t * c;
        for (let k = 0; k < 4; k++) {
          const [x, y] = [a[4 * k + p], a[4 * k + q]];
          a[4 * k + p] = c * x - s * y;
          a[4 * k + q] = s * x + c * y;
        }
        for (let k = 0; k < 4; k++) {
          const [x, y] = [a[4 * p + k], a[4 * q + k]];
          a[4 * p + k] = c * x - s * y;
          a[4 * q + k] = s * x + c * y;
          const [m, n] = [v[4 * k + p], v[4 * k + q]];
          v[4 * k + p] = c * m - s * n;
          v[4 * k + q] = s * m + c * n;
        }
      }
    }
  }
  let least = 0;
  for (let i = 1; i < 4; i++) if (a[5 * i] < a[5 * least]) least = i;
  return { value: a[5 * least], vector: [0, 1, 2, 3].map((k) => v[4 * k + least]) };
}
