/** Products of matrices on the CPU. */
import type { MatmulShape, MatmulVariant } from "./types.ts";

/**
 * c = a · b (+ bias), added up in the order of the shader, in double precision.
 *
 * a     f32[batch, M, K]
 * b     f32 or f16[batch, N, K] or, not transposed, [batch, K, N]
 * bias  f32[N]
 *
 * @returns f32[batch, M, N]
 */
export function matmul(
  a: Float32Array,
  b: Float32Array | Float16Array,
  bias: Float32Array | undefined,
  { batch, m, n, k }: MatmulShape,
  { transposed }: Pick<MatmulVariant, "transposed">,
): Float32Array {
  const c = new Float32Array(batch * m * n), row = new Float64Array(n);
  for (let e = 0; e < batch; e++) {
    for (let i = 0; i < m; i++) {
      row.fill(0);
      const left = a.subarray((e * m + i) * k, (e * m + i + 1) * k);
      if (transposed) {
        for (let j = 0; j < n; j++) {
          const right = (e * n + j) * k;
          let sum = 0;
          for (let q = 0; q < k; q++) sum += left[q] * b[right + q];
          row[j] = sum;
        }
      } else {
        for (let q = 0; q < k; q++) {
          const value = left[q], right = (e * k + q) * n;
          for (let j = 0; j < n; j++) row[j] += value * b[right + j];
        }
      }
      for (let j = 0; j < n; j++) c[(e * m + i) * n + j] = row[j] + (bias ? bias[j] : 0);
    }
  }
  return c;
}
