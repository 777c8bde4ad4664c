/**
 * BinaryCIF (Sehnal et al. 2020, 10.1371/journal.pcbi.1008247; specification 0.3.0): categories of
 * columns, each packed by a chain of encodings. The one place that names the MessagePack library.
 */
import { decode } from "npm:@msgpack/msgpack@3.1.3";
import { type CifBlock, CifError, type CifTable } from "./cif.ts";

type Numbers = ArrayLike<number>;
type Column = ArrayLike<number | string>;

type Encoding =
  | { kind: "ByteArray"; type: number }
  | { kind: "FixedPoint"; factor: number }
  | { kind: "IntervalQuantization"; min: number; max: number; numSteps: number }
  | { kind: "RunLength"; srcSize: number }
  | { kind: "Delta"; origin: number }
  | { kind: "IntegerPacking"; byteCount: number; isUnsigned: boolean; srcSize: number }
  | {
    kind: "StringArray";
    dataEncoding: Encoding[];
    stringData: string;
    offsetEncoding: Encoding[];
    offsets: Uint8Array;
  };

interface Encoded {
  data: Uint8Array;
  encoding: Encoding[];
}

interface File {
  dataBlocks: {
    categories: {
      name: string;
      rowCount: number;
      columns: { name: string; data: Encoded; mask?: Encoded | null }[];
    }[];
  }[];
}

/** Whether bytes begin as a BinaryCIF file does: a map of one of its three keys. */
export function isBinaryCif(head: Uint8Array): boolean {
  const begin = String.fromCharCode(...head.subarray(0, 64));
  return (head[0] & 0xf0) === 0x80 && /^.{1,3}(encoder|version|dataBlocks)/s.test(begin);
}

/**
 * Reads some categories; of several data blocks the first that has the first of them.
 *
 * @throws {CifError} if the file is damaged, or packed in a way that is not of the specification
 */
export function parseBinaryCif(bytes: Uint8Array, wanted: readonly string[]): CifBlock {
  let file: File;
  try {
    file = decode(bytes) as File;
  } catch (error) {
    throw new CifError(`its MessagePack data must be whole: ${(error as Error).message}`);
  }
  return whole(() => {
    const nameOf = (name: string) => name.replace(/^_/, "").toLowerCase();
    const block = file.dataBlocks.find(({ categories }) =>
      categories.some(({ name }) => nameOf(name) === wanted[0])
    );
    return new Map(
      (block?.categories ?? []).filter(({ name }) => wanted.includes(nameOf(name))).map((each) =>
        [nameOf(each.name), table(each)] as const
      ),
    );
  });
}

/** Whatever fails on data of another form than the specification's says that they are damaged. */
function whole<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CifError) throw error;
    throw new CifError(`its columns must be whole: ${(error as Error).message.split("\n")[0]}`);
  }
}

function table({ rowCount, columns }: File["dataBlocks"][0]["categories"][0]): CifTable {
  const encoded = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  // Most columns of the largest tables are never asked for.
  const decoded = new Map<string, (row: number) => string>();
  return {
    rows: checkCount(columns.length === 0 ? 0 : rowCount),
    has: (item) => encoded.has(item),
    value(item, row) {
      const column = encoded.get(item);
      if (!column) return "";
      const valueOf = decoded.get(item) ?? whole(() => reader(column, rowCount));
      decoded.set(item, valueOf);
      return valueOf(row);
    },
  };
}

function reader(
  { name, data, mask }: { name: string; data: Encoded; mask?: Encoded | null },
  rowCount: number,
): (row: number) => string {
  const values = unpack(data), missing = mask ? unpack(mask) : undefined;
  if (values.length < rowCount) {
    throw new CifError(`column ${name} must have ${rowCount} values: it has ${values.length}`);
  }
  return (row) => missing && missing[row] !== 0 ? "" : String(values[row]);
}

/** More values than any structure's column has; a file of a few bytes could ask for any number. */
const MOST_VALUES = 2 ** 26;

function checkCount(count: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= MOST_VALUES) return count;
  throw new CifError(`a column must have at most ${MOST_VALUES} values: current value is ${count}`);
}

/** The last encoding is undone first. */
function unpack({ data, encoding }: Encoded): Column {
  return encoding.reduceRight<Column>((values, each) => undo(each, values), data);
}

function undo(encoding: Encoding, packed: Column): Column {
  const values = packed as Numbers;
  switch (encoding.kind) {
    case "ByteArray":
      return fromBytes(packed as Uint8Array, encoding.type);
    case "FixedPoint":
      return Float64Array.from(values, (value) => value / encoding.factor);
    case "IntervalQuantization": {
      const { min, max, numSteps } = encoding, step = (max - min) / (numSteps - 1);
      return Float64Array.from(values, (value) => min + step * value);
    }
    case "Delta": {
      let sum = encoding.origin;
      return Int32Array.from(values, (value) => sum += value);
    }
    case "RunLength": {
      const all = new Int32Array(checkCount(encoding.srcSize));
      for (let i = 0, at = 0; i < values.length; i += 2) {
        all.fill(values[i], at, at += values[i + 1]);
      }
      return all;
    }
    case "IntegerPacking":
      return fromPacked(values, encoding);
    case "StringArray": {
      const { stringData, dataEncoding, offsetEncoding, offsets } = encoding;
      const indices = unpack({ data: packed as Uint8Array, encoding: dataEncoding }) as Numbers;
      const ends = unpack({ data: offsets, encoding: offsetEncoding }) as Numbers;
      const words = Array.from(
        { length: Math.max(0, ends.length - 1) },
        (_, i) => stringData.slice(ends[i], ends[i + 1]),
      );
      return Array.from(indices, (index) => index < 0 ? "" : words[index]);
    }
    default:
      throw new CifError(
        `its encodings must be known: current value is ${(encoding as { kind: string }).kind}`,
      );
  }
}

/** Numbers at the limit of their width go on in the next. */
function fromPacked(
  values: Numbers,
  { byteCount, isUnsigned, srcSize }: Extract<Encoding, { kind: "IntegerPacking" }>,
): Int32Array {
  const all = new Int32Array(checkCount(srcSize));
  const upper = isUnsigned ? 2 ** (8 * byteCount) - 1 : 2 ** (8 * byteCount - 1) - 1;
  const lower = isUnsigned ? -1 : -upper - 1;
  for (let i = 0, at = 0; at < srcSize; i++, at++) {
    if (i >= values.length) throw new CifError("packed numbers must be whole");
    let sum = 0;
    while (values[i] === upper || values[i] === lower) sum += values[i++];
    all[at] = sum + values[i];
  }
  return all;
}

/** Little-endian numbers by the specification's type numbers. */
function fromBytes(bytes: Uint8Array, type: number): Numbers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read: Record<number, [size: number, get: (at: number) => number]> = {
    1: [1, (at) => view.getInt8(at)],
    2: [2, (at) => view.getInt16(at, true)],
    3: [4, (at) => view.getInt32(at, true)],
    4: [1, (at) => view.getUint8(at)],
    5: [2, (at) => view.getUint16(at, true)],
    6: [4, (at) => view.getUint32(at, true)],
    32: [4, (at) => view.getFloat32(at, true)],
    33: [8, (at) => view.getFloat64(at, true)],
  };
  if (!Object.hasOwn(read, type)) throw new CifError(`numbers of type ${type} must be known`);
  const [size, get] = read[type];
  return Float64Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => get(i * size));
}
