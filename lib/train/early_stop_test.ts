import { deepEqual } from "../../tests/assert.ts";
import { EarlyStop } from "./early_stop.ts";

const verdicts = (stop: EarlyStop, values: number[]) => values.map((value) => stop.see(value));

Deno.test("EarlyStop says to stop after so many checks in a row without a better one", () => {
  const stop = new EarlyStop(2);
  deepEqual(verdicts(stop, [3, 2, 2, 1.5, 1.6, 1.5]), [
    ...["better", "better", "worse", "better", "worse", "stop"],
  ]);
  deepEqual(stop.standing, { best: 1.5, since: 2 });
});

Deno.test("EarlyStop takes what is higher for better where told so, and never NaN", () => {
  const stop = new EarlyStop(3, { isLower: false });
  deepEqual(verdicts(stop, [NaN, 0.1, NaN, 0.3, 0.2]), [
    ...["worse", "better", "worse", "better", "worse"],
  ]);
});

Deno.test("EarlyStop goes on from where an earlier run stood", () => {
  const whole = new EarlyStop(2), values = [3, 4, 2, 5];
  const expected = verdicts(whole, values);
  const first = new EarlyStop(2), begin = verdicts(first, values.slice(0, 2));
  const standing = JSON.parse(JSON.stringify(first.standing));
  const rest = verdicts(new EarlyStop(2, { standing }), values.slice(2));
  deepEqual([...begin, ...rest], expected);
});
