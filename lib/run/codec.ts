/** What a unit of work gives, as bytes: plain data with arrays of numbers in it. */

/** A value of JSON, numbers that JSON has not, and arrays of single precision. */
export type UnitValue = unknown;

const HEADER_BYTES = 4;
/** Marks what JSON cannot say; plain data has no such key. */
const MARK = "$";

/** Encodes a value; Float32Arrays stand behind the text. */
export function packUnit(value: UnitValue): Uint8Array {
  const arrays: Float32Array[] = [];
  const text = JSON.stringify(value, (_, part) => {
    if (part instanceof Float32Array) return { [MARK]: arrays.push(part) - 1, length: part.length };
    if (typeof part === "number" && !Number.isFinite(part)) return { [MARK]: String(part) };
    return part;
  });
  const json = new TextEncoder().encode(text);
  // Arrays begin at whole words.
  const begin = Math.ceil((HEADER_BYTES + json.length) / 4) * 4;
  const out = new Uint8Array(begin + arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(json, HEADER_BYTES);
  let at = begin;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    out.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return out;
}

/** Gives the value back. @throws {Error} if the bytes are not those of `packUnit` */
export function unpackUnit<T>(bytes: Uint8Array<ArrayBuffer>): T {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(whole.subarray(HEADER_BYTES, HEADER_BYTES + length));
  let at = Math.ceil((HEADER_BYTES + length) / 4) * 4;
  // JSON.parse revives in the order of the text, which is that of the arrays.
  return JSON.parse(text, (_, part) => {
    if (typeof part !== "object" || part === null || !(MARK in part)) return part;
    if (typeof part[MARK] === "string") return Number(part[MARK]);
    const array = new Float32Array(whole.buffer, whole.byteOffset + at, part.length);
    at += array.byteLength;
    return array;
  });
}
