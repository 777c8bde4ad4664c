/** The products of features with each other, and equations in them. */
import type { Products } from "./products.ts";
import type { Design } from "./rows.ts";

/** xᵀ · x of all rows, f64[D, D]; blocks are summed in double precision. */
export async function gramOf(design: Design, products: Products): Promise<Float64Array> {
  const { width } = design.rows, gram = new Float64Array(width * width);
  await design.each(async (x) => {
    const part = await products.gram(x);
    for (let i = 0; i < gram.length; i++) gram[i] += part[i];
  });
  return gram;
}

/** The lower triangle l of a · share + add · I = l · lᵀ. */
export class Cholesky {
  readonly #l: Float64Array;

  /** @param a f64[n, n], symmetric and not negative */
  constructor(a: Float64Array, readonly n: number, share: number, add: number) {
    const l = this.#l = a.map((value) => share * value);
    for (let j = 0; j < n; j++) {
      l[j * n + j] += add;
      for (let i = j; i < n; i++) {
        let sum = l[i * n + j];
        for (let k = 0, p = i * n, q = j * n; k < j; k++, p++, q++) sum -= l[p] * l[q];
        // Rounding may leave less than is added.
        l[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-3 * add)) : sum / l[j * n + j];
      }
    }
  }

  /** l⁻¹ · x in place. */
  forward(x: Float64Array): Float64Array {
    const l = this.#l, { n } = this;
    for (let i = 0; i < n; i++) {
      let sum = x[i];
      for (let k = 0, p = i * n; k < i; k++, p++) sum -= l[p] * x[k];
      x[i] = sum / l[i * n + i];
    }
    return x;
  }

  /** l⁻ᵀ · x in place. */
  backward(x: Float64Array): Float64Array {
    const l = this.#l, { n } = this;
    for (let i = n - 1; i >= 0; i--) {
      const value = x[i] /= l[i * n + i];
      for (let k = 0, p = i * n; k < i; k++, p++) x[k] -= l[p] * value;
    }
    return x;
  }

  /** lᵀ · x in place. */
  times(x: Float64Array): Float64Array {
    const l = this.#l, { n } = this;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += l[k * n + i] * x[k];
      x[i] = sum;
    }
    return x;
  }
}
