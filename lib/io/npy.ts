/** NumPy's .npy format: little-endian arrays in C order (numpy.lib.format, versions 1.0 to 3.0). */
import { quote, UserError } from "../errors.ts";

const constructors = {
  f2: Float16Array,
  f4: Float32Array,
  f8: Float64Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
};

/** NumPy's name of an element type without its byte order. */
export type NpyDtype = "f2" | "f4" | "f8" | "i4" | "i8" | "u1";

/** Texts of at most that many characters, four bytes each; written, not read. */
export type NpyTextDtype = `U${number}`;

/** Elements of an array as they are held. */
export type NpyData =
  | Float16Array
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array;

/** An array. */
export interface NpyArray {
  /** Extents, row-major. */
  shape: number[];
  /** Elements in C order: the last axis varies fastest. */
  data: NpyData;
}

/** What an array is, without its elements. */
export interface NpyHeader {
  /** What its elements are. */
  dtype: NpyDtype;
  /** Extents, row-major. */
  shape: number[];
  /** Where the first element starts, bytes. */
  dataOffset: number;
}

/** The dtype that stores a typed array without conversion. */
export function dtypeOf(data: NpyData): NpyDtype {
  for (const [dtype, constructor] of Object.entries(constructors)) {
    if (data instanceof constructor) return dtype as NpyDtype;
  }
  throw new TypeError("data must be a Float16, Float32, Float64, Int32, BigInt64 or Uint8 array");
}

/** Size of one element, bytes. */
function itemSize(dtype: NpyDtype): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** Number of elements; 1 for the empty shape, which is a scalar. */
export function elementCount(shape: number[]): number {
  return shape.reduce((count, extent) => count * extent, 1);
}

/** The bytes before the first element, version 1.0, padded to a multiple of 64 as NumPy does. */
export function encodeNpyHeader(dtype: NpyDtype | NpyTextDtype, shape: number[]): Uint8Array {
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new RangeError(
        `Cannot encode an array as its extents must be whole numbers: current value is [${shape}]`,
      );
    }
  }
  const descr = `${dtype === "u1" ? "|" : "<"}${dtype}`;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, total - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[total - 1] = 0x0a;
  return bytes;
}

/** Letters of a text as NumPy counts them. */
export const lettersOf = (text: string): number[] =>
  Array.from(text, (letter) => letter.codePointAt(0)!);

/** Elements of the type `<U…` of so many letters. */
export function encodeTexts(texts: readonly string[], longest: number): Uint8Array {
  const bytes = new Uint8Array(4 * longest * texts.length), view = new DataView(bytes.buffer);
  texts.forEach((text, t) =>
    lettersOf(text).forEach((point, i) => view.setUint32(4 * (t * longest + i), point, true))
  );
  return bytes;
}

/** A whole .npy file of texts, of the type `<U…` of the longest; the empty shape is one text. */
export function encodeNpyText(texts: readonly string[], shape: number[]): Uint8Array {
  const longest = texts.reduce((most, text) => Math.max(most, lettersOf(text).length), 1);
  const header = encodeNpyHeader(`U${longest}`, shape);
  if (elementCount(shape) !== texts.length) {
    throw new RangeError(
      `Cannot encode texts as shape [${shape}] must hold them: current value is ${texts.length}`,
    );
  }
  const elements = encodeTexts(texts, longest);
  const bytes = new Uint8Array(header.length + elements.length);
  bytes.set(header);
  bytes.set(elements, header.length);
  return bytes;
}

/** The memory of a typed array as bytes, not copied. */
export function bytesOf(data: NpyData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Reads the header at the start of a .npy file.
 *
 * @param source file name for error messages
 * @throws {UserError} if it is no .npy file, or one in Fortran order, big endian or another type
 */
export function decodeNpyHeader(bytes: Uint8Array, source: string): NpyHeader {
  const fail = (requirement: string, value: string): never => {
    throw new UserError(
      `Cannot read ${quote(source)} as ${requirement}: current value is ${quote(value)}`,
    );
  };
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes.length < 12 || bytes[0] !== 0x93 || magic !== "NUMPY") {
    fail("a .npy file must start with NumPy's magic bytes", magic);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version < 1 || version > 3) fail("its format version must be 1, 2 or 3", String(version));
  const [length, start] = version === 1
    ? [view.getUint16(8, true), 10]
    : [view.getUint32(8, true), 12];
  if (start + length > bytes.length) fail("its header must be whole", `${bytes.length} bytes`);
  const text = new TextDecoder().decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1] ?? "";
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const tuple = /'shape':\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  // Booleans are bytes of 0 and 1.
  const dtype = descr.replace(/^[<|=]/, "").replace(/^b1$/, "u1");
  if (!Object.hasOwn(constructors, dtype)) {
    fail("its elements must be little-endian f2, f4, f8, i4, i8, u1 or b1", descr || text.trim());
  }
  if (order !== "False") fail("it must be in C order", `fortran_order ${order}`);
  if (tuple === undefined) fail("its header must have a shape", text.trim());
  const shape = (tuple as string).split(",").map((part) => part.replace("L", "").trim())
    .filter((part) => part !== "").map(Number);
  return { dtype: dtype as NpyDtype, shape, dataOffset: start + length };
}

/** @throws {UserError} if a file of `sizeBytes` does not hold the elements of the header's shape */
export function checkBytes(
  { dtype, shape, dataOffset }: NpyHeader,
  sizeBytes: number,
  source: string,
): void {
  const expected = elementCount(shape) * itemSize(dtype), found = sizeBytes - dataOffset;
  if (found === expected) return;
  throw new UserError(
    `Cannot read ${quote(source)} as shape (${shape.join(", ")}) of ${dtype} must have ` +
      `${expected} bytes: current value is ${found}`,
  );
}

/** Reads a whole .npy file; the elements are copied. @throws {UserError} as for the header */
export function decodeNpy(bytes: Uint8Array, source: string): NpyArray {
  const header = decodeNpyHeader(bytes, source), { dtype, shape, dataOffset } = header;
  checkBytes(header, bytes.length, source);
  const body = bytes.slice(dataOffset);
  return { shape, data: new constructors[dtype](body.buffer) };
}
