import { deepEqual, equal } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { joinRows, joinScales, sliceRows } from "./rows.ts";
import { densify } from "./testing/dense.ts";
import type { SparseLatents } from "./types.ts";

const LATENTS = 6;

const sparse: fc.Arbitrary<SparseLatents> = fc.array(
  fc.uniqueArray(fc.nat(LATENTS - 1)).map((list) => list.sort((a, b) => a - b)),
  { maxLength: 5 },
).map((rows) => {
  const offsets = Uint32Array.from([0, ...rows]);
  rows.forEach((row, n) => offsets[n + 1] = offsets[n] + row.length);
  const indices = Uint32Array.from(rows.flat());
  return {
    rows: rows.length,
    latents: LATENTS,
    offsets,
    indices,
    values: Float32Array.from(indices, (index, i) => index + i + 1),
  };
});

Deno.test("joinRows puts lists one after another, and sliceRows takes them apart again", () => {
  fc.assert(
    fc.property(fc.array(sparse, { minLength: 1, maxLength: 4 }), (parts) => {
      const joined = joinRows(parts, LATENTS);
      deepEqual([...densify(joined)], parts.flatMap((part) => [...densify(part)]));
      let row = 0;
      for (const part of parts) {
        deepEqual(densify(sliceRows(joined, row, row + part.rows)), densify(part));
        row += part.rows;
      }
      equal(row, joined.rows);
    }),
  );
});

Deno.test("joinScales keeps the order of the tokens", () => {
  const scale = (...mean: number[]) => ({
    mean: Float32Array.from(mean),
    std: Float32Array.from(mean, (value) => 2 * value),
  });
  deepEqual(joinScales([scale(1, 2), scale(), scale(3)]), scale(1, 2, 3));
});
