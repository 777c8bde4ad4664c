import { deepEqual, equal } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { packUnit, unpackUnit } from "./codec.ts";

Deno.test("unpackUnit() gives back what packUnit() took, bit for bit", () => {
  const value = {
    id: "é ⟨1⟩",
    rows: [{ z: NaN, snr: Infinity, impact: -Infinity, p: 0.1, exact: 5e-324 }],
    maps: [Float32Array.of(1, NaN, -0, 3e38), new Float32Array(0), Float32Array.of(7)],
    none: null,
    nested: { again: { attention: Float32Array.of(0.5) } },
    zero: -0,
    kinds: [Uint32Array.of(1, 2 ** 32 - 1, 3), Float64Array.of(-0, 5e-324), Int32Array.of(-1)],
  };
  deepEqual(unpackUnit(packUnit(value) as Uint8Array<ArrayBuffer>), value);
  const behind = new Uint8Array(packUnit(value).length + 1);
  behind.set(packUnit(value), 1);
  deepEqual(unpackUnit(behind.subarray(1)), value, "wherever the bytes begin");
});

Deno.test("packUnit() keeps any text and any number", () => {
  fc.assert(fc.property(fc.string(), fc.array(fc.double()), (text, numbers) => {
    const packed = packUnit([text, numbers]) as Uint8Array<ArrayBuffer>;
    const [found, values] = unpackUnit<[string, number[]]>(packed);
    equal(found, text);
    deepEqual(values, numbers);
  }));
});
