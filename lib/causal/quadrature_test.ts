import { allClose, equal, ok, throws } from "../../tests/assert.ts";
import { quadrature, RULES } from "./quadrature.ts";

Deno.test("quadrature gives the closed forms of Gauss-Legendre with 1, 2 and 3 points", () => {
  const near = { atol: 1e-15 };
  allClose(quadrature("gauss-legendre", 1).nodes, [0.5], near);
  const two = quadrature("gauss-legendre", 2);
  allClose(two.nodes, [0.5 - 0.5 / Math.sqrt(3), 0.5 + 0.5 / Math.sqrt(3)], near);
  allClose(two.weights, [0.5, 0.5], near);
  const three = quadrature("gauss-legendre", 3);
  allClose(three.nodes, [0.5 - Math.sqrt(0.15), 0.5, 0.5 + Math.sqrt(0.15)], near);
  allClose(three.weights, [5 / 18, 8 / 18, 5 / 18], near);
});

Deno.test("quadrature with n Gauss-Legendre points integrates x^(2n - 1) exactly and x^(2n) not", () => {
  const integral = (count: number, power: number) => {
    const { nodes, weights } = quadrature("gauss-legendre", count);
    return nodes.reduce((sum, x, i) => sum + weights[i] * x ** power, 0);
  };
  for (const count of [1, 2, 5, 32, 64]) {
    for (const power of [0, 1, count, 2 * count - 1]) {
      // Rounding of 64 terms of at most 1 each.
      allClose([integral(count, power)], [1 / (power + 1)], { atol: 1e-14 });
    }
  }
  ok(Math.abs(integral(2, 4) - 1 / 5) > 1e-3);
});

Deno.test("quadrature nodes ascend within 0..1 and weights are positive and sum to 1", () => {
  for (const rule of RULES) {
    for (const count of [1, 2, 7, 32, 513]) {
      const { nodes, weights } = quadrature(rule, count);
      ok(nodes.every((x, i) => x >= 0 && x < 1 && (i === 0 || x > nodes[i - 1])));
      ok(weights.every((w) => w > 0));
      allClose([weights.reduce((a, b) => a + b)], [1], { atol: 1e-13 });
    }
  }
});

Deno.test("quadrature knows the midpoint and the left Riemann points", () => {
  allClose(quadrature("midpoint", 4).nodes, [0.125, 0.375, 0.625, 0.875], {});
  allClose(quadrature("left", 4).nodes, [0, 0.25, 0.5, 0.75], {});
  equal(quadrature("left", 4).weights[3], 0.25);
});

Deno.test("quadrature refuses a count that is no positive whole number", () => {
  for (const count of [0, -1, 2.5, NaN]) {
    throws(() => quadrature("midpoint", count), /positive whole/);
  }
});
