/** Rules that average a function over the path from 0 to 1. */

export const RULES = ["gauss-legendre", "midpoint", "left"] as const;
/** One of {@linkcode RULES}. */
export type Rule = typeof RULES[number];

/** Points in 0..1 and their weights, which sum to 1. */
export interface Quadrature {
  /** Points within 0..1. */
  readonly nodes: Float64Array;
  /** Their weights, which sum to 1. */
  readonly weights: Float64Array;
}

/**
 * A rule with `count` points: Gauss–Legendre is exact for polynomials up to degree 2·count − 1, midpoint
 * up to degree 1; `left` is the left Riemann sum of published tools.
 *
 * @throws {RangeError} if count is not a positive whole number
 */
export function quadrature(rule: Rule, count: number): Quadrature {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot make a quadrature as its points must be a positive whole number: current value is ${count}`,
    );
  }
  if (rule === "gauss-legendre") return gaussLegendre(count);
  const offset = rule === "midpoint" ? 0.5 : 0;
  return {
    nodes: Float64Array.from({ length: count }, (_, i) => (i + offset) / count),
    weights: new Float64Array(count).fill(1 / count),
  };
}

/** Roots of the Legendre polynomial by Newton's method from Chebyshev-like starts, moved to 0..1. */
function gaussLegendre(count: number): Quadrature {
  const nodes = new Float64Array(count), weights = new Float64Array(count);
  for (let i = 0; i < Math.ceil(count / 2); i++) {
    let x = Math.cos(Math.PI * (i + 0.75) / (count + 0.5));
    let slope = 0;
    // Four steps reach machine precision from these starts; more do no harm.
    for (let step = 0; step < 100; step++) {
      const { value, derivative } = legendre(count, x);
      slope = derivative;
      const change = value / derivative;
      x -= change;
      if (Math.abs(change) < 1e-16) break;
    }
    slope = legendre(count, x).derivative;
    const weight = 1 / ((1 - x * x) * slope * slope);
    nodes[i] = (1 - x) / 2;
    nodes[count - 1 - i] = (1 + x) / 2;
    weights[i] = weights[count - 1 - i] = weight;
  }
  if (count % 2 === 1) nodes[(count - 1) / 2] = 0.5;
  return { nodes, weights };
}

/** P_n and its derivative at x, by the three-term recurrence. */
function legendre(n: number, x: number): { value: number; derivative: number } {
  let before = 1, value = x;
  for (let k = 2; k <= n; k++) {
    [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  }
  return { value, derivative: n * (x * value - before) / (x * x - 1) };
}
