/** NumPy's .npz archives: one stored .npy file per array, written as a stream. */
import { quote, UserError } from "../errors.ts";
import {
  bytesOf,
  checkBytes,
  decodeNpy,
  decodeNpyHeader,
  dtypeOf,
  elementCount,
  encodeNpyHeader,
  encodeNpyText,
  encodeTexts,
  type NpyArray,
  type NpyData,
  type NpyDtype,
  type NpyHeader,
} from "./npy.ts";
import { writing } from "./disk.ts";
import type { RandomAccess } from "./random_access.ts";
import {
  checkEntrySize,
  createZip,
  listZip,
  readZipEntry,
  readZipStart,
  type ZipEntry,
  type ZipSink,
} from "./zip.ts";

/** Largest piece handed to the archive at once; bounds the memory a write needs. */
const PIECE_BYTES = 1 << 20;

/** What is unpacked to learn an array's shape; version 1 of the format cannot have more. */
const MOST_HEADER_BYTES = 10 + 0xffff;

/** Takes the elements of one array, in C order, in as many pieces as the caller likes. */
export interface NpzArrayWriter {
  /** Appends elements; once it resolves the caller may reuse their memory. */
  write(chunk: NpyData): Promise<void>;
  /** Ends the array. @throws {RangeError} if fewer elements came than the shape holds */
  close(): Promise<void>;
}

/**
 * Writes an .npz archive of any size with memory for one megabyte.
 *
 * Arrays follow one another: the next may start when the last is closed. An archive that is not
 * closed is no archive; write to a temporary path and rename it.
 */
export class NpzWriter implements AsyncDisposable {
  readonly #zip: ZipSink;
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #names = new Set<string>();
  #open: string | null = null;
  #closed = false;

  private constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
    this.#zip = createZip(file.writable);
  }

  /** Creates or truncates the file. */
  static async create(path: string): Promise<NpzWriter> {
    const file = await Deno.open(path, { write: true, create: true, truncate: true });
    return new NpzWriter(file, path);
  }

  /** Starts an array whose elements come in pieces, such as one layer's attention at a time. */
  start(name: string, dtype: NpyDtype, shape: number[]): NpzArrayWriter {
    const header = encodeNpyHeader(dtype, shape), entry = this.#start(name, header);
    const total = elementCount(shape);
    let done = 0;
    return {
      write: async (chunk) => {
        if (dtypeOf(chunk) !== dtype) throw new TypeError(`array "${name}" must get ${dtype} data`);
        done += chunk.length;
        if (done > total) {
          throw new RangeError(`array "${name}" of shape [${shape}] got ${done} elements`);
        }
        await entry.write(bytesOf(chunk));
      },
      close: async () => {
        if (done !== total) {
          throw new RangeError(`array "${name}" of shape [${shape}] got only ${done} elements`);
        }
        await entry.close();
      },
    };
  }

  /**
   * Writes many texts as an array `<U…`, some at a time.
   *
   * @param longest letters of the longest
   */
  async addTexts(
    name: string,
    count: number,
    longest: number,
    texts: AsyncIterable<readonly string[]>,
  ): Promise<void> {
    const letters = Math.max(1, longest);
    const entry = this.#start(name, encodeNpyHeader(`U${letters}`, [count]));
    for await (const some of texts) await entry.write(encodeTexts(some, letters));
    await entry.close();
  }

  /** Starts the file of an array; what stands in it after the header comes in pieces. */
  #start(name: string, header: Uint8Array) {
    this.#claim(name);
    this.#open = name;

    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const sink = writable.getWriter();
    const stored = this.#zip.add(`${name}.npy`, readable);
    // A failed archive (a full disk) stops reading: without the race a write would wait for ever.
    const failed = stored.then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    const push = (bytes: Uint8Array) =>
      writing(this.#path, () => Promise.race([sink.write(bytes), failed]));
    let headerWritten = false;
    const writeHeader = async () => {
      if (!headerWritten) await push(header);
      headerWritten = true;
    };
    return {
      write: async (bytes: Uint8Array) => {
        await writeHeader();
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          await push(bytes.slice(at, at + PIECE_BYTES));
        }
      },
      close: async () => {
        await writeHeader();
        await writing(this.#path, async () => {
          await Promise.race([sink.close(), failed]);
          await stored;
        });
        this.#open = null;
      },
    };
  }

  /** Writes a whole array. */
  async add(name: string, { shape, data }: NpyArray): Promise<void> {
    const array = this.start(name, dtypeOf(data), shape);
    await array.write(data);
    await array.close();
  }

  /** Writes a text, as `numpy.savez` writes a `str`. */
  async addText(name: string, text: string): Promise<void> {
    this.#claim(name);
    const bytes = encodeNpyText([text], []);
    await writing(this.#path, () => this.#zip.add(`${name}.npy`, bytes));
  }

  #claim(name: string): void {
    if (this.#closed) throw new Error("the archive is closed");
    if (this.#open !== null) throw new Error(`array "${this.#open}" is not closed yet`);
    if (this.#names.has(name)) throw new Error(`the archive already has an array "${name}"`);
    this.#names.add(name);
  }

  /** Writes the archive's directory and closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#open !== null) throw new Error(`array "${this.#open}" is not closed yet`);
    await writing(this.#path, () => this.#zip.close());
    this.#closed = true;
  }

  /** Closes the file whatever its state; what is unfinished stays unreadable. */
  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      try {
        this.#file.close();
      } catch {
        // The stream has closed it already after an error.
      }
    }
    return Promise.resolve();
  }
}

/** An array of an archive that stays there until it is read. */
export interface StoredArray extends NpyHeader {
  /**
   * Reads it whole.
   *
   * @throws {UserError} if the archive has not as many bytes as the shape needs, or is damaged
   */
  read(): Promise<NpyArray>;
}

/** An .npz archive whose arrays are looked at one by one. */
export interface NpzArchive {
  /** Of the arrays, without `.npy`. */
  readonly names: readonly string[];
  /**
   * Element type and shape of an array, undefined where there is none: whoever asks says whether it can
   * be used before it is unpacked.
   *
   * @throws {UserError} if it is no array that can be read
   */
  look(name: string): Promise<StoredArray | undefined>;
}

/**
 * Opens an .npz archive; nothing is unpacked.
 *
 * @param most bytes of an array beyond which it cannot be one of those that the caller expects
 * @throws {UserError} if it cannot be read, or one of its arrays is larger
 */
export async function openNpz(source: RandomAccess, most = Infinity): Promise<NpzArchive> {
  const entries = new Map<string, ZipEntry>();
  for (const entry of await listZip(source)) {
    if (!entry.name.endsWith(".npy")) {
      throw new UserError(
        `Cannot read ${quote(source.label)} as an .npz archive must hold .npy files only: ` +
          `current value is ${quote(entry.name)}`,
      );
    }
    checkEntrySize(source, entry, most);
    entries.set(entry.name.slice(0, -4), entry);
  }
  return {
    names: [...entries.keys()],
    async look(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      const label = `${source.label}:${entry.name}`;
      const start = await readZipStart(source, entry, MOST_HEADER_BYTES);
      const header = decodeNpyHeader(start, label);
      checkBytes(header, entry.sizeBytes, label);
      return {
        ...header,
        read: async () => decodeNpy(await readZipEntry(source, entry, entry.sizeBytes), label),
      };
    },
  };
}

/**
 * Reads every array of an .npz archive into memory, by name without `.npy`.
 *
 * @throws {UserError} if the archive or an array cannot be read
 */
export async function readNpz(source: RandomAccess): Promise<Map<string, NpyArray>> {
  const archive = await openNpz(source), arrays = new Map<string, NpyArray>();
  for (const name of archive.names) arrays.set(name, await (await archive.look(name))!.read());
  return arrays;
}
