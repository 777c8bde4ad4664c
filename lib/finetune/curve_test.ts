import { equal } from "../../tests/assert.ts";
import { CurveOf, sparkline } from "./curve.ts";

Deno.test("sparkline draws values between their least and largest, the last ones only", () => {
  equal(sparkline([3, 2, 1]), "█▅▁");
  equal(sparkline([1, 1]), "▁▁");
  equal(sparkline([NaN, 0, 7]), "▁█");
  equal(sparkline(Array.from({ length: 40 }, (_, i) => i)).length, 24);
});

Deno.test("a curve has at most as many rows as a page can draw, means of steps", () => {
  const curve = new CurveOf("lora", 3000);
  for (let step = 1; step <= 3000; step++) {
    curve.add({ step, epoch: 1, tokens: 10 * step, loss: step % 2, norm: 2, rate: 0.1 });
  }
  equal(curve.rows.length, 300);
  equal(curve.rows.at(-1)!.step, 3000);
  equal(curve.rows[5].loss, 0.5);
  equal(curve.rows[5].tokens, 600);
});
