/** Number formats that checkpoints store, and their conversion to float32. */

/** Formats that a weight can be read from. */
export type DType = "F64" | "F32" | "F16" | "BF16";

const ITEM_BYTES: Record<DType, number> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** Whether a stored format can be read as weights (integer formats cannot). */
export function isDType(name: string): name is DType {
  return Object.hasOwn(ITEM_BYTES, name);
}

/** Bytes of one element. */
export function itemBytes(dtype: DType): number {
  return ITEM_BYTES[dtype];
}

/**
 * Converts little-endian elements to float32; float64 is rounded to nearest, the others are exact.
 *
 * bytes  multiple of the element size, any alignment
 * out    f32, one per element
 */
export function toFloat32(bytes: Uint8Array, dtype: DType, out: Float32Array): void {
  if (bytes.length !== out.length * itemBytes(dtype)) {
    throw new RangeError(
      `Cannot convert ${bytes.length} bytes of ${dtype} to ${out.length} float32 numbers`,
    );
  }
  const { buffer, byteOffset, length } = aligned(bytes, itemBytes(dtype));
  switch (dtype) {
    case "F32":
      return out.set(new Float32Array(buffer, byteOffset, length / 4));
    case "F64":
      return out.set(new Float64Array(buffer, byteOffset, length / 8));
    case "F16":
      return out.set(new Float16Array(buffer, byteOffset, length / 2));
    case "BF16": {
      // A bfloat16 is the upper half of the float32 of the same value.
      const halves = new Uint16Array(buffer, byteOffset, length / 2);
      const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
      for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
    }
  }
}

function aligned(bytes: Uint8Array, to: number): Uint8Array {
  return bytes.byteOffset % to === 0 ? bytes : bytes.slice();
}
