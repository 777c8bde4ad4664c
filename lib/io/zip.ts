/** The one place that names the zip library: listing, reading and writing zip archives (zip64 too). */
import {
  configure,
  type Entry,
  Reader,
  Uint8ArrayReader,
  Uint8ArrayWriter,
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
  /** Absolute offset of the local header. */
  readonly headerOffset: number;
}

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

const library = new WeakMap<ZipEntry, Entry>();

/**
 * Lists the files of an archive in the order of its directory.
 *
 * @throws {UserError} if the bytes are not a readable zip archive
 */
export async function listZip(source: RandomAccess): Promise<ZipEntry[]> {
  let found: Entry[];
  try {
    found = await new ZipReader(new SourceReader(source)).getEntries();
  } catch (error) {
    throw broken(source, error);
  }
  return found.filter((entry) => !entry.directory).map((entry) => {
    const listed: ZipEntry = {
      name: entry.filename,
      method: entry.compressionMethod,
      encrypted: entry.encrypted,
      sizeBytes: entry.uncompressedSize,
      compressedBytes: entry.compressedSize,
      headerOffset: entry.offset,
    };
    library.set(listed, entry);
    return listed;
  });
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

/**
 * Reads the contents of a listed entry, inflating them when needed, and checks their CRC.
 *
 * @throws {UserError} if the entry is damaged, encrypted or compressed by an unknown method
 */
export async function readZipEntry(source: RandomAccess, entry: ZipEntry): Promise<Uint8Array> {
  const found = library.get(entry);
  if (found === undefined || found.directory) throw new TypeError("entry must come from listZip");
  try {
    return await found.getData(new Uint8ArrayWriter(), { checkSignature: true });
  } catch (error) {
    throw broken(source, new Error(`${quote(entry.name)}: ${reason(error)}`));
  }
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
