import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import type { Tensor } from "../backend/types.ts";
import { embed, paddingBias, RotaryCache, rotaryTables } from "./inputs.ts";
import { padBatch } from "./tokenize.ts";

const table = Float32Array.from({ length: 33 * 2 }, (_, i) => i + 1);

Deno.test("embed applies token dropout: 0.88/(1 − m), <mask> and <pad> rows zero", () => {
  // Row 0 has one <mask> among 4 tokens, row 1 none among 3 and one <pad>.
  const batch = padBatch([Int32Array.of(0, 4, 32, 2), Int32Array.of(0, 4, 2)]);
  const x = embed(batch, table, 2, true);
  const a = 0.88 / (1 - 1 / 4), b = 0.88;
  allClose(
    x,
    [
      1 * a,
      2 * a,
      9 * a,
      10 * a,
      0,
      0,
      5 * a,
      6 * a,
      1 * b,
      2 * b,
      9 * b,
      10 * b,
      5 * b,
      6 * b,
      0,
      0,
    ],
    { rtol: 1e-7 },
  );
});

Deno.test("embed without token dropout keeps <mask> and the scale", () => {
  const x = embed(padBatch([Int32Array.of(0, 32, 2)]), table, 2, false);
  allClose(x, [1, 2, 65, 66, 5, 6], {});
});

Deno.test("rotaryTables hold cos and sin of t·inv_freq, queries scaled by d^-½", () => {
  const invFreq = Float32Array.of(1, 0.125);
  const t = rotaryTables(invFreq, 2, 3);
  for (let b = 0; b < 2; b++) {
    for (let i = 0; i < 3; i++) {
      for (let k = 0; k < 2; k++) {
        const at = (b * 3 + i) * 2 + k, angle = i * invFreq[k];
        allClose([t.keyCos[at], t.keySin[at]], [Math.cos(angle), Math.sin(angle)], { atol: 1e-7 });
        allClose([t.queryCos[at], t.querySin[at]], [Math.cos(angle) / 2, Math.sin(angle) / 2], {
          atol: 1e-7,
        });
      }
    }
  }
});

Deno.test("paddingBias hides padding with a finite number", () => {
  const bias = paddingBias(padBatch([Int32Array.of(0, 2), Int32Array.of(0, 4, 2)]));
  ok(bias[2] < -3e38 && Number.isFinite(bias[2]));
  allClose([bias[0], bias[1], bias[3], bias[4], bias[5]], [0, 0, 0, 0, 0], {});
});

Deno.test("RotaryCache remembers the tables of the last sizes, and only these", () => {
  const live = new Map<Tensor, Float32Array>();
  const uploadSpare = (_label: string, _shape: readonly number[], data: Float32Array) => {
    const tensor = { [Symbol.dispose]: () => live.delete(tensor) } as unknown as Tensor;
    live.set(tensor, data);
    return tensor;
  };
  const invFreq = Float32Array.of(1, 0.1), cache = new RotaryCache(invFreq, { uploadSpare });
  const first = cache.of(2, 5);
  equal(cache.of(2, 5), first);
  for (let width = 6; width < 20; width++) {
    const found = cache.of(2, width), expected = rotaryTables(invFreq, 2, width);
    deepEqual(live.get(found.query_cos), expected.queryCos);
    deepEqual(live.get(found.query_sin), expected.querySin);
    deepEqual(live.get(found.key_cos), expected.keyCos);
    deepEqual(live.get(found.key_sin), expected.keySin);
    equal(cache.of(2, 5), first, "what is in use stays");
  }
  equal(cache.count, 4);
  equal(live.size, 16, "what is forgotten is freed");
  cache[Symbol.dispose]();
  equal(live.size, 0);
});
