import { equal } from "../../tests/assert.ts";
import { firstNonFinite } from "./finite.ts";

Deno.test("firstNonFinite() finds the first value that is no number, wherever it stands", () => {
  for (const length of [1, 3, 4, 5, 65_535, 65_536, 65_537, 200_003]) {
    const values = new Float32Array(length).fill(-1);
    equal(firstNonFinite(values), -1);
    for (const at of new Set([0, 1, length >> 1, length - 1].filter((i) => i < length))) {
      for (const wrong of [NaN, Infinity, -Infinity]) {
        const spoiled = values.slice();
        spoiled[at] = wrong;
        spoiled[length - 1] = at === length - 1 ? wrong : NaN;
        equal(firstNonFinite(spoiled), at);
      }
    }
  }
});

Deno.test("firstNonFinite() takes the largest numbers as numbers, and infinities of both signs as none", () => {
  equal(firstNonFinite(new Float32Array(100_000).fill(3.4028234e38)), -1);
  equal(firstNonFinite(Float32Array.of(0, Infinity, -Infinity)), 1);
  equal(firstNonFinite(new Float32Array(0)), -1);
});
