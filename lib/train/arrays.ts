/** Named arrays: the weights of a model, and whatever has their shape. */

/** Numbers of either precision. */
export type FloatArray = Float32Array | Float64Array;

/** Arrays by name. */
export type Arrays = Readonly<Record<string, FloatArray>>;

/** Arrays of zeros, of the same names, lengths and precisions. */
export function zerosLike<A extends Arrays>(arrays: A): A {
  const zeros = (like: FloatArray) =>
    like instanceof Float64Array ? new Float64Array(like.length) : new Float32Array(like.length);
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [name, zeros(array)]),
  ) as A;
}

/** Copies of arrays. */
export const copyOf = <Name extends string>(
  arrays: Readonly<Record<Name, Float32Array>>,
): Record<Name, Float32Array> =>
  Object.fromEntries(
    Object.entries<Float32Array>(arrays).map(([name, array]) => [name, array.slice()]),
  ) as Record<Name, Float32Array>;

/** Copies numbers into arrays from those of the same names. */
export function assign(
  to: Readonly<Record<string, Float32Array>>,
  from: Readonly<Record<string, Float32Array>>,
): void {
  for (const [name, array] of Object.entries(to)) array.set(from[name]);
}

/**
 * Shortens the vector of all arrays together to length `limit` where it is longer; returns its length before.
 *
 * @param epsilon added to the length before it divides, as torch adds 1e-6
 */
export function clipByGlobalNorm(gradients: Arrays, limit: number, epsilon = 0): number {
  const all = Object.values(gradients);
  let squares = 0;
  for (const g of all) {
    for (let i = 0; i < g.length; i++) squares += g[i] * g[i];
  }
  const length = Math.sqrt(squares), factor = limit / (length + epsilon);
  if (factor < 1) {
    for (const g of all) {
      for (let i = 0; i < g.length; i++) g[i] *= factor;
    }
  }
  return length;
}
