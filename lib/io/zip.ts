/** The one place that names the zip library: listing, reading and writing zip archives (zip64 too). */
import { crc32 } from "node:zlib";
import {
  configure,
  type Entry,
  Reader,
  Uint8ArrayReader,
  ZipReader,
  ZipWriter,
} from "npm:@zip.js/zip.js@2.24.0/lib/zip-core-native.js";
import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "./random_access.ts";

// Workers would need a script URL, which a program that is itself run by URL cannot offer.
configure({ useWebWorkers: false });

/** Compression methods by their number in the zip format. */
export const STORED = 0;
export const DEFLATED = 8;

export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated; others exist and cannot be read. */
  readonly method: number;
  readonly encrypted: boolean;
  /** Size of the contents. */
  readonly sizeBytes: number;
  /** Size in the archive. */
  readonly compressedBytes: number;
  /** CRC-32 of the contents. */
  readonly checksum: number;
  /** Absolute offset of the local header. */
  readonly headerOffset: number;
}

/** Most files of an archive that is read: the largest model's has 2000. */
const MOST_ENTRIES = 1 << 15;
const PIECE_BYTES = 1 << 16;

class SourceReader extends Reader<RandomAccess> {
  readonly #source: RandomAccess;

  constructor(source: RandomAccess) {
    super(source);
    this.#source = source;
    this.size = source.sizeBytes;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - index)));
    await this.#source.read(index, bytes);
    return bytes;
  }
}

/**
 * Lists the files of an archive in the order of its directory.
 *
 * @throws {UserError} if the bytes are not a readable zip archive, or of more files than any of ours has
 */
export async function listZip(source: RandomAccess): Promise<ZipEntry[]> {
  const listed: ZipEntry[] = [];
  try {
    for await (const entry of new ZipReader(new SourceReader(source)).getEntriesGenerator()) {
      if (listed.length === MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} files`);
      if (!entry.directory) listed.push(entryOf(entry));
    }
  } catch (error) {
    throw broken(source, error);
  }
  return listed;
}

function entryOf(entry: Entry): ZipEntry {
  return {
    name: entry.filename,
    method: entry.compressionMethod,
    encrypted: entry.encrypted,
    sizeBytes: entry.uncompressedSize,
    compressedBytes: entry.compressedSize,
    checksum: entry.signature ?? 0,
    headerOffset: entry.offset,
  };
}

/**
 * Absolute offset of an entry's first data byte (from its local header), so that the contents of a
 * stored entry can be read without the zip library.
 *
 * @throws {UserError} if the local header is missing or the data would pass the end of the archive
 */
export async function zipDataOffset(source: RandomAccess, entry: ZipEntry): Promise<number> {
  const header = new Uint8Array(30);
  const view = new DataView(header.buffer);
  if (entry.headerOffset + header.length <= source.sizeBytes) {
    await source.read(entry.headerOffset, header);
  }
  if (view.getUint32(0, true) !== 0x04034b50) {
    throw broken(source, new Error(`${quote(entry.name)} has no local header`));
  }
  const start = entry.headerOffset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + entry.compressedBytes > source.sizeBytes) {
    throw broken(source, new Error(`${quote(entry.name)} passes the end of the file`));
  }
  return start;
}

/** @throws {UserError} if an entry declares more bytes than the caller can use */
export function checkEntrySize(source: RandomAccess, entry: ZipEntry, most: number): void {
  if (entry.sizeBytes <= most) return;
  throw new UserError(
    `Cannot read ${source.label} as its entry ${quote(entry.name)} must have at most ${most} ` +
      `bytes: current value is ${entry.sizeBytes}`,
  );
}

/**
 * Reads the contents of an entry, inflating them when needed, and checks their size and CRC.
 *
 * @param most bytes that the caller can use: an entry of more is refused before any is unpacked
 * @throws {UserError} if the entry is larger, damaged, encrypted or compressed by an unknown method
 */
export async function readZipEntry(
  source: RandomAccess,
  entry: ZipEntry,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  checkEntrySize(source, entry, most);
  const bytes = await readZipStart(source, entry, entry.sizeBytes);
  if (crc32(bytes) !== entry.checksum) {
    throw broken(source, new Error(`${quote(entry.name)} has another checksum`));
  }
  return bytes;
}

/**
 * Reads the first bytes of an entry, `count` or all it has, and unpacks no more than these. Their CRC is
 * checked by {@linkcode readZipEntry} only.
 *
 * @throws {UserError} as {@linkcode readZipEntry}
 */
export async function readZipStart(
  source: RandomAccess,
  entry: ZipEntry,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const fail = (what: string): never => {
    throw broken(source, new Error(`${quote(entry.name)} ${what}`));
  };
  if (entry.encrypted) fail("is encrypted");
  if (entry.method !== STORED && entry.method !== DEFLATED) fail(`has method ${entry.method}`);
  if (entry.method === STORED && entry.sizeBytes !== entry.compressedBytes) fail("has two sizes");
  const start = await zipDataOffset(source, entry);
  const wanted = Math.min(count, entry.sizeBytes), isWhole = wanted === entry.sizeBytes;
  const out = new Uint8Array(wanted);
  let at = 0;
  try {
    for await (const piece of unpacked(source, start, entry)) {
      if (isWhole && at + piece.length > wanted) throw new Error("has more bytes than it declares");
      out.set(piece.subarray(0, wanted - at), at);
      at += Math.min(piece.length, wanted - at);
      if (!isWhole && at === wanted) break;
    }
  } catch (error) {
    fail(reason(error));
  }
  if (at < wanted) fail("ends early");
  return out;
}

/** Contents of an entry in pieces, read and inflated as they are asked for. */
function unpacked(source: RandomAccess, start: number, entry: ZipEntry) {
  const raw = ReadableStream.from(async function* () {
    for (let at = 0; at < entry.compressedBytes; at += PIECE_BYTES) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, entry.compressedBytes - at));
      await source.read(start + at, piece);
      yield piece;
    }
  }());
  return entry.method === STORED ? raw : raw.pipeThrough(new DecompressionStream("deflate-raw"));
}

export interface ZipAddOptions {
  /** Compress by deflate (level 6) instead of storing. */
  deflate?: boolean;
}

/** Writes archives as a stream: entries one after another, the directory at `close`. */
export interface ZipSink {
  /**
   * Appends one file. A stream's size is not known beforehand, so its entry is written as zip64.
   * The date is always 1980-01-01: the same contents give the same archive.
   */
  add(
    name: string,
    contents: Uint8Array | ReadableStream<Uint8Array>,
    options?: ZipAddOptions,
  ): Promise<void>;
  /** Writes the directory and closes the stream. */
  close(): Promise<void>;
}

/** Starts an archive on `writable`, for example `(await Deno.create(path)).writable`. */
export function createZip(writable: WritableStream<Uint8Array>): ZipSink {
  const writer = new ZipWriter(writable, {
    extendedTimestamp: false,
    lastModDate: new Date(1980, 0, 1),
    useWebWorkers: false,
  });
  return {
    async add(name, contents, { deflate = false } = {}) {
      const known = contents instanceof Uint8Array;
      const reader = known ? new Uint8ArrayReader(contents) : { readable: contents };
      await writer.add(name, reader, {
        level: deflate ? 6 : 0,
        zip64: known ? contents.length > 0xfff00000 : true,
      });
    },
    async close() {
      await writer.close();
    },
  };
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0];
}

function broken(source: RandomAccess, error: unknown): UserError {
  return new UserError(
    `Cannot read ${source.label} as it must be an undamaged zip archive: ${reason(error)}`,
  );
}
