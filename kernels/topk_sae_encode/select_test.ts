import { deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { reluToSparse, selectSparse, selectTopK, toSparse } from "./mod.ts";
import { selectReference } from "./reference.ts";

/** Rows of numbers: of any size, of few kinds, so that there are ties, or all below zero. */
const rows = fc.integer({ min: 1, max: 90 }).chain((latents) =>
  fc.record({
    latents: fc.constant(latents),
    k: fc.integer({ min: 1, max: latents }),
    values: fc.oneof(
      ...[
        fc.float({ noNaN: true }),
        fc.constantFrom(-2, -1, -0, 0, 1, 2),
        fc.float({ noNaN: true, noDefaultInfinity: true, max: Math.fround(-1e-30) }),
      ].map((value) =>
        fc.integer({ min: 1, max: 6 }).chain((tokens) =>
          fc.array(value, { minLength: tokens * latents, maxLength: tokens * latents })
        )
      ),
    ),
  })
);

Deno.test("selectTopK() equals the sorted prefix, ties to the lower index", () => {
  fc.assert(fc.property(rows, ({ latents, k, values }) => {
    const preActs = Float32Array.from(values);
    const { topActs, topIndices } = selectTopK(preActs, values.length / latents, latents, k);
    const order = selectReference(preActs, latents, k);
    deepEqual([...topIndices], order.flat());
    const acts = order.flatMap((row, n) => row.map((j) => preActs[n * latents + j]));
    deepEqual([...topActs], acts.map((x) => x > 0 ? x : 0));
  }));
});

Deno.test("selectSparse() equals toSparse() of selectTopK()", () => {
  fc.assert(fc.property(rows, ({ latents, k, values }) => {
    const preActs = Float32Array.from(values), tokens = values.length / latents;
    const top = selectTopK(preActs, tokens, latents, k);
    deepEqual(selectSparse(preActs, tokens, latents, k), toSparse(top, tokens, latents));
  }));
});

Deno.test("selectTopK() finds the largest where rows differ in scale and are ordered", () => {
  const latents = 5000, k = 40, scales = [1, 1e-3, 1e3, -1, 0, 1e-30, 7];
  const preActs = Float32Array.from(
    { length: scales.length * latents },
    // Ascending, so that every value is a candidate when it comes.
    (_, i) => scales[Math.floor(i / latents)] * (i % latents - 2000),
  );
  const { topIndices } = selectTopK(preActs, scales.length, latents, k);
  deepEqual([...topIndices], selectReference(preActs, latents, k).flat());
});

Deno.test("selectTopK() refuses k and sizes that do not fit", () => {
  throws(() => selectTopK(new Float32Array(8), 2, 4, 0), /k must be in 1\.\.4: current value is 0/);
  throws(() => selectTopK(new Float32Array(8), 2, 4, 5), /current value is 5/);
  throws(() => selectTopK(new Float32Array(8), 2, 5, 1), /\[2, 5\], 10 elements/);
});

Deno.test("toSparse() of all latents and reluToSparse() keep the same positive values", () => {
  fc.assert(fc.property(rows, ({ latents, values }) => {
    const preActs = Float32Array.from(values), tokens = values.length / latents;
    const all = toSparse(selectTopK(preActs, tokens, latents, latents), tokens, latents);
    deepEqual(reluToSparse(preActs, tokens, latents), all);
    equal(all.offsets[tokens], values.filter((x) => x > 0).length);
    const dense = new Float32Array(values.length);
    for (let n = 0; n < tokens; n++) {
      for (let i = all.offsets[n]; i < all.offsets[n + 1]; i++) {
        ok(i === all.offsets[n] || all.indices[i] > all.indices[i - 1], "indices ascend");
        dense[n * latents + all.indices[i]] = all.values[i];
      }
    }
    deepEqual([...dense], [...preActs].map((x) => x > 0 ? x : 0));
  }));
});

Deno.test("toSparse(), selectSparse() and reluToSparse() of no tokens are empty", () => {
  const none = selectTopK(new Float32Array(0), 0, 4, 2);
  const empty = new Float32Array(0);
  const all = [toSparse(none, 0, 4), selectSparse(empty, 0, 4, 2), reluToSparse(empty, 0, 4)];
  for (const sparse of all) {
    deepEqual([...sparse.offsets], [0]);
    equal(sparse.values.length, 0);
  }
});
