import { deepEqual, equal, match, throws } from "../../tests/assert.ts";
import { encodeNpyText } from "./npy.ts";

const header = (bytes: Uint8Array) => {
  const length = new DataView(bytes.buffer).getUint16(8, true);
  return { text: new TextDecoder().decode(bytes.subarray(10, 10 + length)), end: 10 + length };
};

Deno.test("encodeNpyText writes UCS-4 of the longest text's length", () => {
  const bytes = encodeNpyText(["W8G", "𝛼"], [2]), { text, end } = header(bytes);
  match(text, /^\{'descr': '<U3', 'fortran_order': False, 'shape': \(2,\), \} *\n$/);
  equal(end % 64, 0);
  const view = new DataView(bytes.buffer, end);
  deepEqual(
    Array.from({ length: 6 }, (_, i) => view.getUint32(4 * i, true)),
    [0x57, 0x38, 0x47, 0x1d6fc, 0, 0],
  );
  equal(bytes.length, end + 24);
});

Deno.test("encodeNpyText writes one text as a scalar, and refuses a shape that does not hold it", () => {
  match(header(encodeNpyText(["EPHB2_HUMAN"], [])).text, /'<U11'.*'shape': \(\)/);
  throws(() => encodeNpyText(["a", "b"], []), RangeError);
});
