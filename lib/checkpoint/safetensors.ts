import { quote, shown, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { elementCount, shapeText, type StoredTensor } from "./stored_tensor.ts";

/** Element sizes of the format's dtypes; only the four floating-point ones become weights. */
const DTYPE_BYTES = new Map<unknown, number>(Object.entries({
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
}));

/** The reference implementation's bound of the header (safetensors/src/tensor.rs). */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads the header of a .safetensors file: 8 bytes of little-endian length, then JSON, then data.
 *
 * @throws {UserError} if the header is damaged or a tensor lies outside the file
 */
export async function readSafetensors(source: RandomAccess): Promise<Map<string, StoredTensor>> {
  const { header, dataStart } = await readHeader(source);
  const tensors = new Map<string, StoredTensor>();
  const ranges: [begin: number, end: number, name: string][] = [];
  const dataBytes = source.sizeBytes - dataStart;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const fail = (field: string, rule: string, value: unknown): never => {
      throw new UserError(
        `Cannot read ${source.label} as the ${field} of tensor ${quote(name)} must be ${rule}: ` +
          `current value is ${shown(value)}`,
      );
    };
    if (!isRecord(entry)) return fail("header entry", "an object", entry);
    const { dtype, shape, data_offsets: offsets } = entry;
    const bytes = DTYPE_BYTES.get(dtype) ??
      fail("dtype", `one of ${[...DTYPE_BYTES.keys()].join(" ")}`, dtype);
    if (!isWholeList(shape) || shape.length > 8 || !Number.isSafeInteger(elementCount(shape))) {
      return fail("shape", "at most 8 whole numbers", shape);
    }
    if (!isWholeList(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
      return fail("data_offsets", "two ascending whole numbers", offsets);
    }
    const [begin, end] = offsets;
    const needed = elementCount(shape) * bytes;
    if (end > dataBytes) {
      fail("data_offsets", `within the ${dataBytes} data bytes of the file (truncated?)`, offsets);
    }
    if (end - begin !== needed) {
      fail("data_offsets", `${needed} bytes apart, as shape ${shapeText(shape)} needs`, offsets);
    }
    ranges.push([begin, end, name]);
    tensors.set(name, { source, start: dataStart + begin, dtype: dtype as string, shape });
  }
  checkOverlap(ranges, source.label);
  return tensors;
}

/**
 * Reads the texts of a .safetensors header's `__metadata__`; none where there is no such entry.
 *
 * @throws {UserError} if the header is damaged
 */
export async function readSafetensorsMetadata(
  source: RandomAccess,
): Promise<Record<string, string>> {
  const { __metadata__: metadata } = (await readHeader(source)).header;
  const entries = isRecord(metadata) ? Object.entries(metadata) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

async function readHeader(
  source: RandomAccess,
): Promise<{ header: Record<string, unknown>; dataStart: number }> {
  const fail = (detail: string): never => {
    throw new UserError(
      `Cannot read ${source.label} as it must be an undamaged safetensors file: ${detail}`,
    );
  };
  if (source.sizeBytes < 8) fail(`it has ${source.sizeBytes} bytes`);
  const prefix = new Uint8Array(8);
  await source.read(0, prefix);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  const limit = Math.min(MAX_HEADER_BYTES, source.sizeBytes - 8);
  if (length < 2n || length > BigInt(limit)) {
    fail(`its header length is ${length} where at most ${limit} bytes can follow`);
  }
  const bytes = new Uint8Array(Number(length));
  await source.read(8, bytes);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    fail("its header is not JSON");
  }
  if (!isRecord(header)) return fail("its header is not a JSON object");
  return { header, dataStart: 8 + bytes.length };
}

function checkOverlap(ranges: [begin: number, end: number, name: string][], label: string) {
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let last: (typeof ranges)[number] | undefined;
  for (const range of ranges) {
    if (last !== undefined && range[0] < last[1]) {
      throw new UserError(
        `Cannot read ${label} as its tensors must not overlap: ${quote(last[2])} has bytes ` +
          `${shapeText(last.slice(0, 2) as number[])}, ${quote(range[2])} has ` +
          shapeText(range.slice(0, 2) as number[]),
      );
    }
    if (range[1] > range[0]) last = range;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWholeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
