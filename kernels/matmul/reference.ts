/** Products of matrices as they are defined: double precision, no haste. */
import type { MatmulShape, MatmulVariant } from "./types.ts";

/** c[e, i, j] = Σ a[e, i, k] · b[e, k, j] (+ bias[j]); f64[batch, M, N]. */
export function matmulReference(
  a: Float32Array,
  b: Float32Array | Float16Array,
  bias: Float32Array | undefined,
  { batch, m, n, k }: MatmulShape,
  { transposed }: Pick<MatmulVariant, "transposed">,
): Float64Array {
  const c = new Float64Array(batch * m * n);
  for (let e = 0; e < batch; e++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = bias ? bias[j] : 0;
        for (let q = 0; q < k; q++) {
          const right = transposed ? (e * n + j) * k + q : (e * k + q) * n + j;
          sum += a[(e * m + i) * k + q] * b[right];
        }
        c[(e * m + i) * n + j] = sum;
      }
    }
  }
  return c;
}
