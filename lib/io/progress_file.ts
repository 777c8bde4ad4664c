/** Finished work of a run, kept in a side file so that a killed run does not start over. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { writeAllSync } from "./disk.ts";
import { removeQuietly } from "./paths.ts";

/** Said by a run that has something to go on from. */
export const CONTINUING =
  "Continuing an interrupted run: what it had finished is not computed again.";

const MAGIC = 0x45534d53;
/** Magic, unit, number of values, checksum. */
const HEADER_BYTES = 16;

/**
 * Results by unit of work (a batch of positions or rows). A record is appended when its unit is done
 * and counts only when whole, so that a kill in the middle of a write loses that unit and no more.
 */
export class ProgressFile implements Disposable {
  readonly #folder: string;
  /** What the names of this file and of its parts begin with. */
  readonly #stem: string;
  readonly #path: string;
  readonly #known = new Map<number, Float64Array>();
  #file?: Deno.FsFile;

  private constructor(folder: string, stem: string) {
    this.#folder = folder;
    this.#stem = stem;
    this.#path = join(folder, `${stem}.progress`);
    this.#load();
  }

  /**
   * Opens the side file of a folder for work that `settings` describe in full: other settings have
   * another file. Nothing is written before the first unit is done.
   *
   * @param name of the command, for those who find the file
   */
  static open(folder: string, settings: unknown, name = "score"): ProgressFile {
    return new ProgressFile(folder, stemOf(settings, name));
  }

  /** Path of another file that goes with the one that `open` opens, and is removed with it. */
  static beside(folder: string, settings: unknown, name: string, other: string): string {
    return join(folder, `${stemOf(settings, name)}-${other}`);
  }

  /** A file for pieces of one unit, needed only until the unit itself is put. */
  part(unit: number): ProgressFile {
    return new ProgressFile(this.#folder, `${this.#stem}-${unit}`);
  }

  /** Units that an earlier run finished. */
  get finished(): number {
    return this.#known.size;
  }

  /** Whether an earlier run left anything, be it pieces of a unit. */
  get isContinued(): boolean {
    return this.finished > 0 ||
      [...Deno.readDirSync(this.#folder)].some(({ name }) => name.startsWith(`${this.#stem}-`));
  }

  get(unit: number): Float64Array | undefined {
    return this.#known.get(unit);
  }

  /** Remembers a unit's values. */
  put(unit: number, values: Float64Array): void {
    const record = new Uint8Array(HEADER_BYTES + values.byteLength);
    record.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), HEADER_BYTES);
    const view = new DataView(record.buffer);
    view.setUint32(0, MAGIC);
    view.setUint32(4, unit);
    view.setUint32(8, values.length);
    view.setUint32(12, checksum(record));
    this.#file ??= Deno.openSync(this.#path, { append: true, create: true });
    writeAllSync(this.#file, record, this.#path);
  }

  /** Deletes the file and its parts: all that it describes is complete. */
  remove(): void {
    this[Symbol.dispose]();
    for (const { name } of Deno.readDirSync(this.#folder)) {
      if (!name.startsWith(`${this.#stem}.`) && !name.startsWith(`${this.#stem}-`)) continue;
      // Another run of the same may have removed it first.
      removeQuietly(join(this.#folder, name));
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #load(): void {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = Deno.readFileSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    let at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      const view = new DataView(bytes.buffer, at);
      const end = at + HEADER_BYTES + 8 * view.getUint32(8);
      if (view.getUint32(0) !== MAGIC || end > bytes.length) break;
      const record = bytes.slice(at, end);
      if (view.getUint32(12) !== checksum(record)) break;
      this.#known.set(view.getUint32(4), new Float64Array(record.buffer.slice(HEADER_BYTES)));
      at = end;
    }
    // What follows was not finished; new records must not come after it.
    if (at < bytes.length) Deno.truncateSync(this.#path, at);
  }
}

function stemOf(settings: unknown, name: string): string {
  const key = createHash("sha256").update(JSON.stringify(settings)).digest("hex");
  return `.${name}-${key.slice(0, 24)}`;
}

/** Of a whole record but for the place of the checksum itself. */
function checksum(record: Uint8Array): number {
  return crc32(record.subarray(HEADER_BYTES), crc32(record.subarray(0, HEADER_BYTES - 4)));
}
