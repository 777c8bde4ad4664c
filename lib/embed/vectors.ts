/** Vectors of proteins side by side. */

/** One vector for each protein. */
export interface VectorTable {
  /** Their ids. */
  readonly ids: readonly string[];
  /** D */
  readonly width: number;
  /** f32[N, D] */
  readonly values: Float32Array;
}

/** Vector i of a table, without a copy. */
export const vectorOf = ({ values, width }: Pick<VectorTable, "values" | "width">, i: number) =>
  values.subarray(i * width, (i + 1) * width);

/**
 * The same directions with length 1, f32[N, D], so that a product is a cosine; a vector of zeros stays
 * what it is, and its cosine to all others is 0.
 */
export function unitVectors(table: Pick<VectorTable, "values" | "width">): Float32Array {
  const { values, width } = table, unit = new Float32Array(values.length);
  for (let i = 0; i * width < values.length; i++) {
    const vector = vectorOf(table, i);
    let squares = 0;
    for (const x of vector) squares += x * x;
    if (squares === 0) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let d = 0; d < width; d++) unit[i * width + d] = vector[d] * scale;
  }
  return unit;
}

/** The cosine of two vectors f32[D], summed in double precision; 0 where one has no direction. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let product = 0, first = 0, second = 0;
  for (let d = 0; d < a.length; d++) {
    product += a[d] * b[d];
    first += a[d] * a[d];
    second += b[d] * b[d];
  }
  return first === 0 || second === 0 ? 0 : product / Math.sqrt(first * second);
}
