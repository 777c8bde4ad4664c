/** Finished work of a run, kept in a side file so that a killed run does not start over. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const MAGIC = 0x45534d53;
/** Magic, unit, number of values, checksum. */
const HEADER_BYTES = 16;

/**
 * Results by unit of work (a batch of positions or rows). A record is appended when its unit is done
 * and counts only when whole, so that a kill in the middle of a write loses that unit and no more.
 */
export class ProgressFile implements Disposable {
  readonly #path: string;
  readonly #known = new Map<number, Float64Array>();
  #file?: Deno.FsFile;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the side file of a folder for work that `settings` describe in full: other settings have
   * another file. Nothing is written before the first unit is done.
   */
  static open(folder: string, settings: unknown): ProgressFile {
    const key = createHash("sha256").update(JSON.stringify(settings)).digest("hex");
    const progress = new ProgressFile(join(folder, `.score-${key.slice(0, 24)}.progress`));
    progress.#load();
    return progress;
  }

  /** Units that an earlier run finished. */
  get finished(): number {
    return this.#known.size;
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
    for (let at = 0; at < record.length;) at += this.#file.writeSync(record.subarray(at));
  }

  /** Deletes the file: the run is complete. */
  remove(): void {
    this[Symbol.dispose]();
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
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

/** Of a whole record but for the place of the checksum itself. */
function checksum(record: Uint8Array): number {
  return crc32(record.subarray(HEADER_BYTES), crc32(record.subarray(0, HEADER_BYTES - 4)));
}
