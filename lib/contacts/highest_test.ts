import { deepEqual, equal } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { highestPairs } from "./highest.ts";

const score = fc.oneof(
  fc.float({ noNaN: true }),
  // Ties, zeros of both signs, and neighbours that share their upper half.
  fc.constantFrom(0, -0, 0.5, -0.5),
  fc.nat(50).map((i) => 0.25 + i * 2 ** -26),
);

Deno.test("highestPairs() are the first of all sorted, ties in ascending order", () => {
  fc.assert(
    fc.property(fc.array(score, { maxLength: 60 }), fc.nat(70), fc.nat(3), (scores, most, skip) => {
      const map = Float32Array.from(scores);
      const pairs = Uint32Array.from(map.keys()).filter((pair) => pair % 4 !== skip);
      const sorted = [...pairs].sort((a, b) => map[b] - map[a] || a - b);
      deepEqual([...highestPairs(map, pairs, most)], sorted.slice(0, most));
    }),
  );
});

Deno.test("highestPairs() of equal scores alone are the first", () => {
  const map = new Float32Array(100).fill(0.1), pairs = Uint32Array.from(map.keys());
  deepEqual([...highestPairs(map, pairs, 3)], [0, 1, 2]);
  equal(highestPairs(map, pairs, 0).length, 0);
});
