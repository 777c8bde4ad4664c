/** What a unit of work gives, as bytes: plain data with arrays of numbers in it. */

/** A value of JSON, numbers that JSON has not, and arrays of numbers. */
export type UnitValue = unknown;

const HEADER_BYTES = 4;
/** Marks what JSON cannot say; plain data has no such key. */
const MARK = "$";

/** Arrays begin where elements of any kind may. */
const ALIGNMENT = 8;
const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

const ARRAYS = { Float32Array, Float64Array, Int32Array, Uint32Array, Uint8Array } as const;
type NumberArray = InstanceType<typeof ARRAYS[keyof typeof ARRAYS]>;

const nameOf = (value: NumberArray) => value.constructor.name as keyof typeof ARRAYS;
const isArray = (value: unknown): value is NumberArray =>
  ArrayBuffer.isView(value) && value.constructor.name in ARRAYS;

/** Encodes a value; its arrays stand behind the text. */
export function packUnit(value: UnitValue): Uint8Array {
  const arrays: NumberArray[] = [];
  const text = JSON.stringify(value, (_, part) => {
    if (isArray(part)) {
      arrays.push(part);
      return { [MARK]: nameOf(part), length: part.length };
    }
    if (typeof part !== "number" || (Number.isFinite(part) && !Object.is(part, -0))) return part;
    return { [MARK]: Object.is(part, -0) ? "-0" : String(part) };
  });
  const json = new TextEncoder().encode(text);
  const begin = aligned(HEADER_BYTES + json.length);
  const out = new Uint8Array(
    arrays.reduce((sum, { byteLength }) => sum + aligned(byteLength), begin),
  );
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(json, HEADER_BYTES);
  let at = begin;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    out.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += aligned(byteLength);
  }
  return out;
}

/** Gives the value back. @throws {Error} if the bytes are not those of `packUnit` */
export function unpackUnit<T>(bytes: Uint8Array<ArrayBuffer>): T {
  const whole = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
  const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(whole.subarray(HEADER_BYTES, HEADER_BYTES + length));
  let at = aligned(HEADER_BYTES + length);
  // JSON.parse revives in the order of the text, which is that of the arrays.
  return JSON.parse(text, (_, part) => {
    if (typeof part !== "object" || part === null || !(MARK in part)) return part;
    if (!("length" in part)) return Number(part[MARK]);
    const type = ARRAYS[part[MARK] as keyof typeof ARRAYS];
    const array = new type(whole.buffer, whole.byteOffset + at, part.length);
    at += aligned(array.byteLength);
    return array;
  });
}
