import { equal, ok, throws } from "../../tests/assert.ts";
import { type DType, toFloat32 } from "./dtype.ts";

/** IEEE 754 value of a bit pattern from its fields, with no help of typed arrays. */
function fromFields(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits >> (exponentBits + mantissaBits) ? -1 : 1;
  const exponent = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
  const fraction = (bits & ((1 << mantissaBits) - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

for (const [dtype, exponentBits, mantissaBits] of [["F16", 5, 10], ["BF16", 8, 7]] as const) {
  Deno.test(`toFloat32 of ${dtype} agrees with the format's definition for all 65536 patterns`, () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const out = new Float32Array(65536);
    toFloat32(new Uint8Array(patterns.buffer), dtype, out);
    let wrong = 0;
    for (let i = 0; i < 65536; i++) {
      if (!Object.is(out[i], fromFields(i, exponentBits, mantissaBits))) wrong++;
    }
    equal(wrong, 0);
  });
}

Deno.test("toFloat32 copies F32 bits, rounds F64 and accepts bytes at odd addresses", () => {
  const singles = Float32Array.of(1.5, -0, Infinity, 1e-45);
  const odd = new Uint8Array(17);
  odd.set(new Uint8Array(singles.buffer), 1);
  const out = new Float32Array(4);
  toFloat32(odd.subarray(1), "F32", out);
  ok(out.every((value, i) => Object.is(value, singles[i])));
  const doubles = Float64Array.of(0.1, 1e300);
  toFloat32(new Uint8Array(doubles.buffer), "F64", out.subarray(0, 2));
  equal(out[0], Math.fround(0.1));
  equal(out[1], Infinity);
  const shifted = new Uint8Array(5);
  shifted.set([0x80, 0x3f, 0x00, 0xc0], 1); // 1 and -2 as bfloat16
  toFloat32(shifted.subarray(1), "BF16", out.subarray(0, 2));
  equal(out[0], 1);
  equal(out[1], -2);
});

Deno.test("toFloat32 refuses a length that does not fit the output", () => {
  for (const dtype of ["F64", "F32", "F16", "BF16"] as DType[]) {
    throws(() => toFloat32(new Uint8Array(9), dtype, new Float32Array(2)), RangeError);
  }
});
