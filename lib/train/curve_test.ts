import { equal } from "../../tests/assert.ts";
import { sparkline, TrainingCurve } from "./curve.ts";

Deno.test("sparkline draws values between their least and largest, the last ones only", () => {
  equal(sparkline([3, 2, 1]), "█▅▁");
  equal(sparkline([1, 1]), "▁▁");
  equal(sparkline([NaN, 0, 7]), "▁█");
  equal(sparkline(Array.from({ length: 40 }, (_, i) => i)).length, 24);
});

Deno.test("a curve has at most as many rows as a page can draw, means of steps", () => {
  const curve = new TrainingCurve<{ step: number; tokens: number; loss: number; norm: number }>(
    300,
    ({ step }) => step / 3000,
  );
  for (let step = 1; step <= 3000; step++) {
    curve.add({ step, tokens: 10 * step, loss: step % 2, norm: 2 });
  }
  equal(curve.rows.length, 300);
  equal(curve.rows.at(-1)!.step, 3000);
  equal(curve.rows[5].loss, 0.5);
  equal(curve.rows[5].tokens, 600);
});
