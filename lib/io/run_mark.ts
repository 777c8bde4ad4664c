/** Whose the temporary files of a folder are, and the removal of those that nobody will finish. */
import { join } from "node:path";
import { tryLock } from "./file_lock.ts";
import { exists, removeQuietly } from "./paths.ts";

/** Ends the name of every file of a run that is not final; the run's number follows. */
const TEMPORARY = /^\..+\.tmp-([0-9a-f]{8})$/;
const MARK = ".esmscope.tmp-";

/**
 * The mark of a run in the folder it writes to: a file that holds the machine's name and that the
 * operating system keeps locked while the process lives, however that ends.
 *
 * A mark that can be locked is of a run that was killed: its files may go. Marks of other machines are
 * left alone, since some shared file systems lock for one machine only; so are files without a mark.
 * Where there are no locks at all, runs leave no mark.
 */
export class RunMark implements Disposable {
  /** What the names of the run's temporary files end with. */
  readonly suffix: string;
  readonly #path: string;
  #file: Deno.FsFile | undefined;

  private constructor(path: string, suffix: string, file?: Deno.FsFile) {
    this.#path = path;
    this.suffix = suffix;
    this.#file = file;
  }

  /** Marks a folder. @throws as the file system does where no file can be made */
  static open(folder: string): RunMark {
    for (;;) {
      const number = crypto.randomUUID().slice(0, 8), path = join(folder, MARK + number);
      const file = Deno.openSync(path, { createNew: true, write: true });
      const locked = tryLock(file);
      // Another run may have taken the mark for one left over, before it was locked.
      const isOurs = locked === true && exists(path);
      if (isOurs) file.writeSync(new TextEncoder().encode(machine()));
      else file.close();
      if (locked === undefined) removeQuietly(path);
      if (isOurs || locked === undefined) {
        return new RunMark(path, `.tmp-${number}`, isOurs ? file : undefined);
      }
    }
  }

  /** Takes the mark away; the run's files must have gone or be final. */
  [Symbol.dispose](): void {
    if (!this.#file) return;
    // While it is still locked, so that no other run takes it for one left over.
    removeQuietly(this.#path);
    this.#file.close();
    this.#file = undefined;
  }
}

/** Removes what killed runs of this machine have left in a folder; what cannot be removed stays. */
export function removeLeftOver(folder: string): void {
  for (const name of list(folder)) {
    if (!name.startsWith(MARK) || !TEMPORARY.test(name)) continue;
    const path = join(folder, name), number = name.slice(MARK.length);
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true });
    } catch {
      // Its run has just ended.
      continue;
    }
    try {
      if (tryLock(file) !== true || !isOf(machine(), file)) continue;
      const own = list(folder).filter((each) => TEMPORARY.exec(each)?.[1] === number);
      // The mark goes last: should this be killed too, the next run goes on.
      for (const each of own) if (each !== name) removeQuietly(join(folder, each));
      removeQuietly(path);
    } finally {
      file.close();
    }
  }
}

/** This machine's name; none where it may not be asked for. */
function machine(): string {
  try {
    return Deno.hostname();
  } catch {
    return "";
  }
}

function isOf(name: string, file: Deno.FsFile): boolean {
  const bytes = new Uint8Array(1024), count = file.readSync(bytes) ?? 0;
  return name !== "" && new TextDecoder().decode(bytes.subarray(0, count)) === name;
}

function list(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name);
  } catch {
    return [];
  }
}
