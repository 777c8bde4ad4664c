import { equal, throws } from "../../tests/assert.ts";
import { elementCount, paddedBytes } from "./tensor.ts";

Deno.test("paddedBytes() gives whole words and never none", () => {
  equal(paddedBytes(0), 4);
  equal(paddedBytes(4), 4);
  equal(paddedBytes(6), 8);
});

Deno.test("elementCount() multiplies extents and refuses what is no natural number", () => {
  equal(elementCount("x", [2, 3, 4]), 24);
  equal(elementCount("x", []), 1);
  equal(elementCount("x", [5, 0]), 0);
  throws(() => elementCount("x", [2, -1]), /"x" as extents must be natural numbers.*\[2, -1\]/);
  throws(() => elementCount("x", [1.5]), RangeError);
});
