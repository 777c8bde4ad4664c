/** What attention column mass takes and gives, on either processor. */

/** Extents of attention `pattern[batch, head, query, key]`: B items, H heads, T tokens. */
export interface PatternShape {
  /** B */
  batch: number;
  /** H */
  heads: number;
  /** T */
  tokens: number;
}

/** Softmaxed attention in memory, f32[B, H, T, T], non-negative; `data` may be a view. */
export interface Pattern extends PatternShape {
  /** f32[B, H, T, T] */
  data: Float32Array;
}

/** Attention that each column (attended token) receives. */
export interface ColumnMass {
  /** f32[B, H, T]: Σ over the item's rows of a·1[a > θ]. */
  mass: Float32Array;
  /** u32[B, H, T]: number of the item's rows with a > θ. */
  count: Uint32Array;
}

/** @throws {RangeError} unless θ, which is compared in single precision, is finite and ≥ 0 */
export function validateTheta(theta: number): void {
  if (Number.isFinite(theta) && theta >= 0) return;
  throw new RangeError(
    `Cannot sum attention as theta must be a finite number >= 0: current value is ${theta}`,
  );
}

/** @throws {RangeError} unless rows is u32[B, 2] with 0 <= begin <= end <= T */
export function validateRows(rows: Uint32Array, { batch, tokens }: PatternShape): void {
  if (rows.length !== 2 * batch) {
    throw new RangeError(
      `Cannot sum attention as rows must have ${
        2 * batch
      } elements: current value is ${rows.length}`,
    );
  }
  for (let b = 0; b < batch; b++) {
    const begin = rows[2 * b], end = rows[2 * b + 1];
    if (begin > end || end > tokens) {
      throw new RangeError(
        `Cannot sum attention as the rows of item ${b} must lie in 0..${tokens}: ` +
          `current value is ${begin}..${end}`,
      );
    }
  }
}
