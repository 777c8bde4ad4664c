/** Rotations and translations of residues, in double precision: quaternions (w, x, y, z), row-major matrices. */

/** Frames of residues: x ↦ R x + t. */
export interface Rigids {
  /** f64[L, 4] unit quaternions. */
  readonly quaternions: Float64Array;
  /** f64[L, 3] */
  readonly translations: Float64Array;
}

/** Frames at the origin. */
export function identity(length: number): Rigids {
  const quaternions = new Float64Array(4 * length);
  for (let i = 0; i < length; i++) quaternions[4 * i] = 1;
  return { quaternions, translations: new Float64Array(3 * length) };
}

/** f64[L, 9] rotation matrices of unit quaternions f64[L, 4]. */
export function rotationsOf(quaternions: Float64Array): Float64Array {
  const out = new Float64Array(quaternions.length / 4 * 9);
  for (let i = 0; 4 * i < quaternions.length; i++) {
    const [w, x, y, z] = quaternions.subarray(4 * i, 4 * i + 4);
    out.set([
      ...[w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
      ...[2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
      ...[2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ], 9 * i);
  }
  return out;
}

/**
 * Frames after updates f64[L, 6]: the quaternion times (1, u₀, u₁, u₂) on its right, made a unit again, and the
 * translation moved by u₃…₅ along the old axes (openfold `compose_q_update_vec`).
 */
export function updated(
  { quaternions, translations }: Rigids,
  rotations: Float64Array,
  updates: Float64Array,
): Rigids {
  const length = translations.length / 3;
  const next = { quaternions: new Float64Array(4 * length), translations: translations.slice() };
  for (let i = 0; i < length; i++) {
    const [w, x, y, z] = quaternions.subarray(4 * i, 4 * i + 4);
    const [a, b, c] = updates.subarray(6 * i, 6 * i + 3);
    const q = [
      w - x * a - y * b - z * c,
      x + w * a + y * c - z * b,
      y + w * b + z * a - x * c,
      z + w * c + x * b - y * a,
    ];
    const norm = Math.hypot(...q);
    next.quaternions.set(q.map((value) => value / norm), 4 * i);
    const moved = updates.subarray(6 * i + 3, 6 * i + 6);
    for (let r = 0; r < 3; r++) {
      for (let k = 0; k < 3; k++) {
        next.translations[3 * i + r] += rotations[9 * i + 3 * r + k] * moved[k];
      }
    }
  }
  return next;
}

/** out = R p + t of one frame; `out` and `p` may be the same. */
export function apply(
  rotations: Float64Array,
  translations: Float64Array,
  frame: number,
  p: ArrayLike<number>,
  at: number,
  out: Float64Array,
  to: number,
): void {
  const [x, y, z] = [p[at], p[at + 1], p[at + 2]], r = 9 * frame, t = 3 * frame;
  for (let k = 0; k < 3; k++) {
    out[to + k] = rotations[r + 3 * k] * x + rotations[r + 3 * k + 1] * y +
      rotations[r + 3 * k + 2] * z + translations[t + k];
  }
}

/** out = Rᵀ (p − t) of one frame. */
export function applyInverse(
  rotations: Float64Array,
  translations: Float64Array,
  frame: number,
  p: ArrayLike<number>,
  at: number,
  out: Float64Array,
  to: number,
): void {
  const r = 9 * frame, t = 3 * frame;
  const [x, y, z] = [0, 1, 2].map((k) => p[at + k] - translations[t + k]);
  for (let k = 0; k < 3; k++) {
    out[to + k] = rotations[r + k] * x + rotations[r + 3 + k] * y + rotations[r + 6 + k] * z;
  }
}

/** The product of two matrices f64[9] at places of arrays, written to a third. */
export function multiply(
  a: Float64Array,
  atA: number,
  b: Float64Array,
  atB: number,
  out: Float64Array,
  to: number,
): void {
  const product = new Array<number>(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) sum += a[atA + 3 * i + k] * b[atB + 3 * k + j];
      product[3 * i + j] = sum;
    }
  }
  out.set(product, to);
}
