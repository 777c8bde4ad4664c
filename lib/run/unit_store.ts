/** Finished work of a run, kept in a file so that a killed run does not start over. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { quote, UserError } from "../errors.ts";
import { writeAllSync } from "../io/disk.ts";
import { tryLock } from "../io/file_lock.ts";
import { exists, removeQuietly } from "../io/paths.ts";

/** Said by a run that has something to go on from. */
export const CONTINUING =
  "Continuing an interrupted run: what it had finished is not computed again.";

const MAGIC = 0x45534d54;
/** Magic, unit, bytes, checksum. */
const HEADER_BYTES = 16;
/** Written by one process; pieces of one of its units; only read. */
type Use = "own" | "part" | "read";
/** A power cut loses at most the work of so long. */
const SYNC_MS = 2000;

/**
 * Results by unit of work (a protein, a variant, a batch of positions). A record is appended when its unit
 * is done and counts only when whole, so that a kill in the middle of a write loses that unit and no
 * more. Only where records are is held in memory. From its first unit on, the file is one process's.
 */
export class UnitStore implements Disposable {
  readonly #folder: string;
  /** What the names of this file and of its parts begin with. */
  readonly #stem: string;
  readonly #path: string;
  readonly #use: Use;
  /** Where the contents of a unit are. */
  readonly #known = new Map<number, { at: number; bytes: number }>();
  #file?: Deno.FsFile;
  #size = 0;
  #synced = 0;

  private constructor(folder: string, stem: string, use: Use, path?: string) {
    this.#folder = folder;
    this.#stem = stem;
    this.#use = use;
    this.#path = path ?? join(folder, `${stem}.progress`);
    // What is finished can be told only when no other run can add to it.
    if (use === "own" && exists(this.#path)) this.#open();
    this.#load();
  }

  /**
   * Opens the side file of a folder for work that `settings` describe in full: other settings have
   * another file. Nothing is written before the first unit is done.
   *
   * @param name of the command, for those who find the file
   * @throws {UserError} if another process has it
   */
  static open(folder: string, settings: unknown, name = "score"): UnitStore {
    return new UnitStore(folder, stemOf(settings, name), "own");
  }

  /** Opens a file that {@linkcode moveTo} made. */
  static at(path: string): UnitStore {
    return new UnitStore("", "", "read", path);
  }

  /** A file for pieces of one unit, needed only until the unit itself is put. */
  part(unit: number): UnitStore {
    return new UnitStore(this.#folder, `${this.#stem}-${unit}`, "part");
  }

  /** Units that are finished. */
  get finished(): number {
    return this.#known.size;
  }

  units(): Iterable<number> {
    return this.#known.keys();
  }

  has(unit: number): boolean {
    return this.#known.has(unit);
  }

  /** Whether an earlier run left anything, be it pieces of a unit. */
  get isContinued(): boolean {
    return this.finished > 0 ||
      [...Deno.readDirSync(this.#folder)].some(({ name }) => name.startsWith(`${this.#stem}-`));
  }

  /** A unit's bytes. */
  read(unit: number): Uint8Array<ArrayBuffer> | undefined {
    const found = this.#known.get(unit);
    if (!found) return undefined;
    const bytes = new Uint8Array(found.bytes);
    this.#open();
    readExactly(this.#file!, found.at, bytes);
    return bytes;
  }

  /** A unit's numbers. */
  get(unit: number): Float64Array | undefined {
    const bytes = this.read(unit);
    return bytes && new Float64Array(bytes.buffer);
  }

  /** Remembers a unit's bytes; they are read back from the file. */
  write(unit: number, bytes: Uint8Array): void {
    const record = new Uint8Array(HEADER_BYTES + bytes.length);
    record.set(bytes, HEADER_BYTES);
    const view = new DataView(record.buffer);
    view.setUint32(0, MAGIC);
    view.setUint32(4, unit);
    view.setUint32(8, bytes.length);
    view.setUint32(12, checksum(record));
    this.#open();
    this.#file!.seekSync(this.#size, Deno.SeekMode.Start);
    writeAllSync(this.#file!, record, this.#path);
    this.#known.set(unit, { at: this.#size + HEADER_BYTES, bytes: bytes.length });
    this.#size += record.length;
    if (performance.now() - this.#synced < SYNC_MS) return;
    this.#file!.syncDataSync();
    this.#synced = performance.now();
  }

  /** Remembers a unit's numbers. */
  put(unit: number, values: Float64Array): void {
    this.write(unit, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  /** SHA-256 of all units, by number. */
  sha256(): string {
    const hash = createHash("sha256");
    for (const unit of [...this.#known.keys()].sort((a, b) => a - b)) {
      hash.update(new Uint8Array(Uint32Array.of(unit).buffer)).update(this.read(unit)!);
    }
    return hash.digest("hex");
  }

  /** Gives the file, made if there is none, another name; what it describes is complete. */
  moveTo(path: string): void {
    this.#open();
    this.#file!.syncDataSync();
    this[Symbol.dispose]();
    Deno.renameSync(this.#path, path);
  }

  /** Deletes the file and its parts: all that it describes is complete. */
  remove(): void {
    this[Symbol.dispose]();
    this.#known.clear();
    this.#size = 0;
    // The folder can have gone with what else was in it.
    if (!exists(this.#folder)) return;
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

  #open(): void {
    if (this.#file) return;
    if (this.#use === "read") this.#file = Deno.openSync(this.#path);
    else {
      const create = () => Deno.openSync(this.#path, { read: true, write: true, create: true });
      this.#file = this.#use === "part" ? create() : lock(create, this.#path);
    }
  }

  #load(): void {
    let file: Deno.FsFile;
    try {
      file = this.#file ?? Deno.openSync(this.#path, { read: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    const { size } = file.statSync(), header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    let at = 0;
    while (at + HEADER_BYTES <= size) {
      readExactly(file, at, header);
      const bytes = view.getUint32(8), end = at + HEADER_BYTES + bytes;
      if (view.getUint32(0) !== MAGIC || end > size) break;
      const record = new Uint8Array(HEADER_BYTES + bytes);
      readExactly(file, at, record);
      if (view.getUint32(12) !== checksum(record)) break;
      this.#known.set(view.getUint32(4), { at: at + HEADER_BYTES, bytes });
      at = end;
    }
    if (file !== this.#file) file.close();
    this.#size = at;
    // What follows was not finished; new records must not come after it.
    if (at < size && this.#use !== "read") Deno.truncateSync(this.#path, at);
  }
}

/**
 * Opens a file that no other process writes; where the file system has no locks, that is up to its owner.
 *
 * @throws {UserError} if another has it
 */
function lock(open: () => Deno.FsFile, path: string): Deno.FsFile {
  for (;;) {
    const file = open();
    const locked = tryLock(file);
    // Who had it may have removed or renamed it before letting go.
    if (locked === undefined || (locked && isAt(path, file))) return file;
    file.close();
    if (locked) continue;
    throw new UserError(
      `Cannot write to ${quote(dirname(path), 200)} as no other run of the same command may be ` +
        "writing there: current value is one that has not ended",
    );
  }
}

function isAt(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}

function readExactly(file: Deno.FsFile, at: number, into: Uint8Array): void {
  file.seekSync(at, Deno.SeekMode.Start);
  for (let begin = 0; begin < into.length;) {
    const count = file.readSync(into.subarray(begin));
    if (count === null) throw new Error("a file of finished work has become shorter");
    begin += count;
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
