/** Files that grow by windows of proteins and outlive a run that was killed. */
import { writeAllSync } from "../../io/disk.ts";
import { quote, UserError } from "../../errors.ts";
import { tryLock } from "../../io/file_lock.ts";
import { UnitStore } from "../../run/unit_store.ts";

/** Bytes and characters gathered before they are written. */
const BUFFER = 1 << 16;

/**
 * What a run writes piece by piece, and how long each file was after every finished window. The next
 * run of the same settings cuts the files to the last of these lengths and goes on there. Nothing is
 * left of a run that ends before its first window does.
 */
export class KeptFiles implements Disposable {
  readonly #progress: UnitStore;
  readonly #lock: Deno.FsFile;
  readonly #files = new Map<string, KeptFile>();
  readonly #notes: Float64Array[] = [];
  #isOpen = true;

  /** @param paths by name */
  private constructor(
    progress: UnitStore,
    lock: Deno.FsFile,
    paths: readonly (readonly [string, string])[],
  ) {
    this.#progress = progress;
    this.#lock = lock;
    const sizes = progress.get(progress.finished - 1)?.subarray(0, paths.length);
    const whole = sizes?.every((size, i) => size <= sizeOf(paths[i][1]));
    for (let window = 0; whole && window < progress.finished; window++) {
      this.#notes.push(progress.get(window)!.subarray(paths.length));
    }
    paths.forEach(([name, path], i) => {
      this.#files.set(name, new KeptFile(path, whole ? sizes![i] : 0));
    });
  }

  /**
   * Opens the files of a folder for work that `settings` describe in full.
   *
   * @param command for those who find the files
   * @throws {UserError} if a run with the same settings is writing them
   */
  static open(
    folder: string,
    settings: unknown,
    command: string,
    names: readonly string[],
  ): KeptFiles {
    const beside = (name: string) => UnitStore.beside(folder, settings, command, name);
    const lock = lockFile(beside("lock"));
    if (!lock) {
      throw new UserError(
        `Cannot write to ${
          quote(folder, 200)
        } as no other run of the same command may be writing ` +
          "there: current value is one that has not ended",
      );
    }
    // What is finished can be told only now that no other run can add to it.
    const progress = UnitStore.open(folder, settings, command);
    try {
      const kept = new KeptFiles(progress, lock, names.map((name) => [name, beside(name)]));
      if (kept.windows > 0 || progress.finished === 0) return kept;
      // Some file is gone that it counts on.
      for (const file of kept.#files.values()) file.close();
      progress.remove();
      lock.close();
    } catch (error) {
      lock.close();
      throw error;
    }
    return KeptFiles.open(folder, settings, command, names);
  }

  /** Windows that need not be computed again. */
  get windows(): number {
    return this.#notes.length;
  }

  /** What was noted with each of them. */
  get notes(): readonly Float64Array[] {
    return this.#notes;
  }

  file(name: string): KeptFile {
    return this.#files.get(name)!;
  }

  /** Keeps one more window, with numbers to remember. */
  save(note: readonly number[]): void {
    const sizes = [...this.#files.values()].map((file) => file.flush());
    const record = Float64Array.of(...sizes, ...note);
    this.#progress.put(this.#notes.length, record);
    this.#notes.push(record.subarray(sizes.length));
  }

  /** Deletes what was not moved: the results are complete. */
  remove(): void {
    if (this.#isOpen) this.#close(true);
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#close(this.windows === 0);
  }

  #close(forGood: boolean): void {
    this.#isOpen = false;
    for (const file of this.#files.values()) file.close();
    this.#progress[Symbol.dispose]();
    if (forGood) this.#progress.remove();
    this.#lock.close();
  }
}

/** One of them; whatever was appended after the last finished window is cut off when it is opened. */
export class KeptFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #text = "";
  #size: number;
  #isOpen = true;

  constructor(path: string, size: number) {
    this.#path = path;
    this.#size = size;
    this.#file = Deno.openSync(path, { read: true, write: true, create: true });
    this.#file.truncateSync(size);
    this.#file.seekSync(0, Deno.SeekMode.End);
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.#text === "";
  }

  /** Bytes so far. */
  get size(): number {
    return this.flush();
  }

  appendText(text: string): void {
    this.#text += text;
    if (this.#text.length > BUFFER) this.flush();
  }

  append({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    writeAllSync(this.#file, bytes, this.#path);
    this.#size += byteLength;
  }

  /** Writes what is gathered; returns the bytes so far. */
  flush(): number {
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.append(this.#encoder.encode(text));
    return this.#size;
  }

  /** All of it, in pieces of at most so many bytes; nothing may be appended after. */
  async *pieces(most: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    this.flush();
    this.#file.seekSync(0, Deno.SeekMode.Start);
    for (let left = this.#size; left > 0;) {
      const bytes = new Uint8Array(Math.min(most, left));
      for (let at = 0; at < bytes.length;) {
        const count = await this.#file.read(bytes.subarray(at));
        if (count === null) throw new Error(`${this.#path} has become shorter`);
        at += count;
      }
      left -= bytes.length;
      yield bytes;
    }
  }

  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of this.pieces(BUFFER)) text += decoder.decode(bytes, { stream: true });
    return text + decoder.decode();
  }

  /** Ends the file and gives it another name. */
  moveTo(path: string): void {
    this.flush();
    this.close();
    Deno.renameSync(this.#path, path);
  }

  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

/** The file, locked while the process lives; undefined if another has it. */
function lockFile(path: string): Deno.FsFile | undefined {
  for (;;) {
    const file = Deno.openSync(path, { create: true, write: true });
    const locked = tryLock(file);
    // Without locks, two runs of the same into one folder are up to their owner. With them, the run
    // that had it may have removed it before it let go.
    if (locked === undefined || (locked && isAt(path, file))) return file;
    file.close();
    if (!locked) return undefined;
  }
}

function isAt(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return -1;
  }
}
