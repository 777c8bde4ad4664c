import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { isOwn } from "../run/shards.ts";
import { cutPieces } from "./survey.ts";

const proteins = fc.array(
  fc.record({
    variants: fc.integer({ min: 1, max: 40 }),
    together: fc.integer({ min: 1, max: 12 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

Deno.test("cutPieces numbers variants and pieces through all proteins", () => {
  deepEqual(
    cutPieces([{ variants: 7, together: 3 }, { variants: 2, together: 5 }], 2)
      .map(({ protein, lens, units }) => [protein, lens, units]),
    [
      ...[[0, 0, [0, 2, 4]], [0, 1, [1, 3, 5]]],
      ...[[0, 1, [7, 9, 11]], [0, 0, [6, 8, 10]]],
      ...[[0, 0, [12]], [0, 1, [13]]],
      ...[[1, 1, [15, 17]], [1, 0, [14, 16]]],
    ],
  );
});

Deno.test("cutPieces has every group of every autoencoder in exactly one piece", () => {
  fc.assert(fc.property(proteins, fc.integer({ min: 1, max: 4 }), (sizes, lenses) => {
    const pieces = cutPieces(sizes, lenses);
    const variants = sum(sizes.map(({ variants }) => variants));
    const units = pieces.flatMap(({ units }) => units).sort((a, b) => a - b);
    deepEqual(units, Array.from({ length: variants * lenses }, (_, unit) => unit));
    equal(
      pieces.length,
      lenses * sum(sizes.map(({ variants, together }) => Math.ceil(variants / together))),
    );
    for (const { protein, lens, variants, units } of pieces) {
      const before = sum(sizes.slice(0, protein).map(({ variants }) => variants));
      ok(variants.length <= sizes[protein].together);
      deepEqual(units, variants.map((v) => (before + v) * lenses + lens));
    }
  }));
});

Deno.test("shards of as many pieces as there are layers have pieces of every layer", () => {
  const pieces = cutPieces([{ variants: 40, together: 2 }], 4);
  for (const index of [1, 2, 3, 4]) {
    const own = pieces.filter((_, i) => isOwn(i, { index, count: 4 }));
    deepEqual(new Set(own.map(({ lens }) => lens)), new Set([0, 1, 2, 3]));
  }
});
