import { deepEqual, equal } from "../../tests/assert.ts";
import { spreadOf } from "./spread.ts";

Deno.test("spreadOf leaves out what is not a number", () => {
  const { mean, median, low, high, count } = spreadOf([1, NaN, 2, 3, 4]);
  deepEqual([mean, median, low, high, count], [2.5, 2.5, 1.75, 3.25, 4]);
  equal(spreadOf([NaN]).count, 0);
});
