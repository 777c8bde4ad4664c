import { deepEqual } from "../../../tests/assert.ts";
import { fc } from "../../../tests/property.ts";
import { topK } from "./top_k.ts";

const coarse = fc.integer({ min: -4, max: 9 });

Deno.test("topK is the head of a stable descending sort of the values above the floor", () =>
  fc.assert(fc.property(
    fc.array(coarse, { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 1, max: 12 }),
    fc.option(fc.uniqueArray(fc.nat(39), { minLength: 1 })),
    fc.constantFrom(0, -Infinity),
    (list, k, some, floor) => {
      const among = some && Uint32Array.from(some.filter((f) => f < list.length)).sort();
      const expected = list.map((value, latent) => ({ value, latent }))
        .filter(({ value, latent }) => value > floor && (!among || among.includes(latent)))
        .sort((a, b) => b.value - a.value).slice(0, k);
      const indices = new Uint32Array(12), values = new Float64Array(12);
      const padded = Float32Array.from([99, ...list, 99]);
      const count = topK(padded, 1, list.length, k, indices, values, floor, among ?? undefined);
      deepEqual([...indices.subarray(0, count)], expected.map(({ latent }) => latent));
      deepEqual([...values.subarray(0, count)], expected.map(({ value }) => value));
    },
  )));
