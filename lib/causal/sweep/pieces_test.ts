import { deepEqual, equal } from "../../../tests/assert.ts";
import { fc } from "../../../tests/property.ts";
import { countOwn, cutPieces, isOwnPiece } from "./pieces.ts";

const proteins = fc.array(
  fc.record({
    variants: fc.integer({ min: 1, max: 40 }),
    together: fc.integer({ min: 1, max: 12 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const shards = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ index: i + 1, count }));

Deno.test("cutPieces numbers variants and pieces through all proteins", () => {
  deepEqual(cutPieces([{ variants: 7, together: 3 }, { variants: 2, together: 5 }], 2), [
    { variants: 7, size: 3, groups: 3, variantsBefore: 0, piecesBefore: 0 },
    { variants: 2, size: 5, groups: 1, variantsBefore: 7, piecesBefore: 6 },
  ]);
});

Deno.test("isOwnPiece gives every group of every autoencoder to exactly one shard", () => {
  fc.assert(fc.property(
    proteins,
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 9 }),
    (sizes, lenses, count) => {
      for (const protein of cutPieces(sizes, lenses)) {
        for (let piece = 0; piece < lenses * protein.groups; piece++) {
          const [lens, group] = [Math.floor(piece / protein.groups), piece % protein.groups];
          const owners = shards(count).filter((one) => isOwnPiece(protein, lens, group, one));
          equal(owners.length, 1);
        }
      }
    },
  ));
});

Deno.test("countOwn over the shards counts a variant once per shard that works on it", () => {
  fc.assert(fc.property(
    proteins,
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 9 }),
    (sizes, lenses, count) => {
      const pieces = cutPieces(sizes, lenses);
      const all = sum(sizes.map(({ variants }) => variants));
      equal(countOwn(pieces, lenses, undefined), all);
      equal(countOwn(pieces, lenses, { index: 1, count: 1 }), all);
      const counts = shards(count).map((shard) => countOwn(pieces, lenses, shard));
      if (lenses === 1) equal(sum(counts), all);
      // From variant to shard, the other way round.
      const touched = sizes.flatMap(({ variants, together }, p) =>
        Array.from({ length: variants }, (_, v) => {
          const group = Math.floor(v / together);
          return new Set(
            Array.from(
              { length: lenses },
              (_, l) =>
                (pieces[p].piecesBefore + l * Math.ceil(variants / together) + group) % count,
            ),
          ).size;
        })
      );
      equal(sum(counts), sum(touched));
    },
  ));
});
