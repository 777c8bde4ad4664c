import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { sampleIndices } from "./sample.ts";

Deno.test("sampleIndices draws distinct ascending numbers, the same for the same seed", () => {
  const drawn = sampleIndices(1000, 50, 42);
  equal(new Set(drawn).size, 50);
  deepEqual(drawn, drawn.toSorted((a, b) => a - b));
  deepEqual(drawn, sampleIndices(1000, 50, 42));
  ok(drawn.join() !== sampleIndices(1000, 50, 43).join());
  deepEqual(sampleIndices(3, 50, 1), [0, 1, 2]);
  deepEqual(sampleIndices(0, 5, 1), []);
});

Deno.test("sampleIndices draws every number equally often", () => {
  const counts = new Float64Array(6);
  const trials = 3000;
  for (let seed = 0; seed < trials; seed++) for (const i of sampleIndices(6, 2, seed)) counts[i]++;
  // Binomial with p = 1/3: standard deviation 26; five of them.
  ok(counts.every((c) => Math.abs(c - trials / 3) < 130), counts.join());
});
