import { allClose, equal, ok } from "../../tests/assert.ts";
import { lbfgs } from "./lbfgs.ts";

Deno.test("lbfgs() finds Rosenbrock's minimum", async () => {
  const found = await lbfgs(([x, y]) =>
    Promise.resolve({
      value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      gradient: Float64Array.of(
        -2 * (1 - x) - 400 * x * (y - x * x),
        200 * (y - x * x),
      ),
    }), Float64Array.of(-1.2, 1));
  ok(found.converged);
  allClose([...found.at], [1, 1], { atol: 1e-4 });
  ok(found.steps < 80, String(found.steps));
});

Deno.test("lbfgs() ends where values are no finer than single precision, and after the steps it may take", async () => {
  const scales = Float64Array.from({ length: 30 }, (_, i) => 10 ** (i / 10 - 2));
  const evaluate = (at: Float64Array) => {
    let value = 0;
    const gradient = at.map((x, i) => {
      value += scales[i] * (x - 1) ** 2 / 2;
      return scales[i] * (x - 1);
    });
    return Promise.resolve({ value: Math.fround(1 + value), gradient });
  };
  const found = await lbfgs(evaluate, new Float64Array(30));
  ok(found.converged);
  ok(found.value < 1 + 1e-5, String(found.value));
  const short = await lbfgs(evaluate, new Float64Array(30), { steps: 2 });
  equal(short.steps, 2);
  equal(short.converged, false);
});
