import { basename, dirname, join, resolve } from "node:path";
import { quote, UserError } from "../errors.ts";
import { explainDiskError, writing } from "./disk.ts";
import { fileReason } from "./file_reason.ts";
import { exists, removeQuietly } from "./paths.ts";
import { removeLeftOver, RunMark } from "./run_mark.ts";

/** The file that says what wrote a folder's results, and which files those are. */
const RECORD = "run.json";
/** Its place while new files get their names. */
const REPLACED = ".run.json.replaced";

/**
 * A folder that results appear in whole or not at all.
 *
 * Every file is written beside its final place under a temporary name (`.heads.csv.tmp-1a2b3c4d`);
 * `commit` renames all. Leaving without `commit` (an error, Ctrl-C) removes the temporary files,
 * and the folder if this created it and nothing else is in it. Files of the same name are replaced
 * by `commit` only, which also removes those that an earlier run of the same command lists in its
 * run.json and that this run did not write: beside new results they would be taken for its own.
 * Temporary files of a run that was killed are removed by the next that opens the folder (see
 * {@link RunMark}); no other file is touched.
 */
export class OutputDir implements Disposable {
  /** Absolute path. */
  readonly path: string;
  readonly #command: string | undefined;
  readonly #created: string[];
  readonly #temporary = new Map<string, string>();
  readonly #scratch = new Set<string>();
  #record: object | undefined;
  #mark: RunMark | undefined;
  #state: "open" | "committed" | "disposed" = "open";

  private constructor(path: string, command: string | undefined, created: string[]) {
    this.path = path;
    this.#command = command;
    this.#created = created;
  }

  /**
   * Makes the folder where needed and checks that files can be written there.
   *
   * @param command as its run.json will say; without it, whose results are there is not looked at
   * @throws {UserError} if the path is a file, the folder cannot be made or written, or it holds the
   *   results of another command, whose run.json and report.html these would replace
   */
  static open(path: string, command?: string): OutputDir {
    const absolute = resolve(path);
    const other = command === undefined ? undefined : recordOf(absolute)?.command;
    if (other !== undefined && other !== command) {
      throw new UserError(
        `Cannot write to ${
          quote(path, 200)
        } as --out must be a folder without results of another ` +
          `command: current value has those of ${quote(other)}`,
      );
    }
    const created: string[] = [];
    for (let dir = absolute; !exists(dir) && dirname(dir) !== dir; dir = dirname(dir)) {
      created.push(dir);
    }
    const output = new OutputDir(absolute, command, created);
    try {
      Deno.mkdirSync(absolute, { recursive: true });
      output.#mark = RunMark.open(absolute);
      removeLeftOver(absolute);
    } catch (error) {
      output.dispose();
      throw mended(path, absolute, error);
    }
    return output;
  }

  /**
   * Where to write the file that `commit` will call `name`.
   *
   * @throws {UserError} if a folder of that name is in the way
   */
  temporaryPath(name: string): string {
    if (this.#state !== "open") throw new Error(`the output folder is ${this.#state}`);
    if (!isPlain(name)) {
      throw new TypeError(`name must be a plain file name: current value is ${quote(name)}`);
    }
    const known = this.#temporary.get(name);
    if (known) return known;
    const final = join(this.path, name);
    if (kindOf(final)?.isDirectory) {
      throw new UserError(
        `Cannot write ${quote(final)} as it must be a file: current value is a folder`,
      );
    }
    const temporary = join(this.path, `.${name}${this.#mark!.suffix}`);
    this.#temporary.set(name, temporary);
    return temporary;
  }

  /** Names of the files so far, and of those that are written last. */
  files(): string[] {
    return [...new Set([...this.#temporary.keys(), RECORD, "report.html"])];
  }

  /** Where to keep what the run needs for itself until this is disposed of. */
  scratchPath(name: string): string {
    const path = join(this.path, `.${name}${this.#mark!.suffix}`);
    this.#scratch.add(path);
    return path;
  }

  /** Writes a text file (UTF-8) or bytes, final after `commit`. */
  async write(name: string, contents: string | Uint8Array): Promise<void> {
    const path = this.temporaryPath(name);
    await writing(
      path,
      () =>
        typeof contents === "string"
          ? Deno.writeTextFile(path, contents)
          : Deno.writeFile(path, contents),
    );
  }

  /** Takes the contents of run.json; `files`, the names of the run's files, is added to them. */
  setRecord(record: object): void {
    this.temporaryPath(RECORD);
    this.#record = record;
  }

  /** Gives every file its name; returns their paths in the order they were started. */
  commit(): string[] {
    if (this.#state !== "open") throw new Error(`the output folder is ${this.#state}`);
    const names = [...this.#temporary.keys()];
    const stale = this.#record ? this.#replaceRecord(names) : [];
    // The record last: until all files are there, the folder has none.
    const last = names.filter((name) => name === RECORD);
    for (const name of [...names.filter((each) => each !== RECORD), ...stale, ...last]) {
      const final = join(this.path, name), temporary = this.#temporary.get(name);
      if (temporary) Deno.renameSync(temporary, final);
      else if (kindOf(final)?.isFile) removeQuietly(final);
      this.#temporary.delete(name);
    }
    removeQuietly(join(this.path, REPLACED));
    this.#state = "committed";
    // What is left for the run itself goes with the mark.
    if (this.#scratch.size === 0) this.dispose();
    return names.map((name) => join(this.path, name));
  }

  /**
   * Writes the new record under its temporary name and takes the earlier one away, which beside new
   * files would be wrong about them. Until the new one has its name a hidden file lists all files, those
   * of either run: should this one be killed, the next knows what to remove.
   *
   * @returns the earlier files that are not of this run
   */
  #replaceRecord(names: readonly string[]): string[] {
    const before = recordOf(this.path), command = this.#command;
    const known = before && before.command === command ? before.files : [];
    const stale = known.filter((name) => !names.includes(name));
    const put = (path: string, record: object) => {
      try {
        Deno.writeTextFileSync(path, JSON.stringify(record, null, 2) + "\n");
      } catch (error) {
        removeQuietly(path);
        throw explainDiskError(error, path);
      }
    };
    put(this.temporaryPath(RECORD), { ...this.#record, files: names });
    put(join(this.path, REPLACED), { ...this.#record, files: [...names, ...stale] });
    removeQuietly(join(this.path, RECORD));
    return stale;
  }

  /** Removes what is unfinished, which nothing is after `commit`. Synchronous, so that it may run last. */
  dispose(): void {
    for (const path of this.#scratch) removeQuietly(path);
    this.#scratch.clear();
    if (this.#state === "open") {
      for (const path of this.#temporary.values()) {
        removeQuietly(path);
      }
    }
    this.#mark?.[Symbol.dispose]();
    if (this.#state !== "open") return;
    this.#state = "disposed";
    // Not recursive: a folder that someone put a file into meanwhile stays.
    for (const dir of this.#created) removeQuietly(dir);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * A file name for a protein id: letters, digits, `.`, `-` and `_`; everything else becomes `_`. No name
 * begins with `.` or with `-`, which programs take for an option, or is a device of Windows.
 */
export function fileName(id: string): string {
  const safe = id.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[._-]+|[._]+$/g, "").slice(0, 120);
  if (safe === "") return "unnamed";
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(safe) ? `id_${safe}` : safe;
}

/** {@linkcode fileName} of every id, no two the same, also where upper and lower case are. */
export function fileNames(ids: readonly string[]): string[] {
  // Names taken, and the number to try next where a name comes again.
  const taken = new Map<string, number>();
  return ids.map((id) => {
    const base = fileName(id), key = base.toLowerCase();
    let name = base, number = taken.get(key) ?? 2;
    while (taken.has(name.toLowerCase())) name = `${base}_${number++}`;
    taken.set(key, number);
    taken.set(name.toLowerCase(), 2);
    return name;
  });
}

interface Written {
  command: string;
  /** Plain file names. */
  files: string[];
}

/** What wrote the results of a folder, where its run.json or that of a run killed at its end is ours. */
function recordOf(folder: string): Written | undefined {
  return readRecord(join(folder, REPLACED)) ?? readRecord(join(folder, RECORD));
}

function readRecord(path: string): Written | undefined {
  try {
    const { esmscope, command, files } = JSON.parse(Deno.readTextFileSync(path));
    if (typeof esmscope !== "string" || typeof command !== "string") return undefined;
    const names: unknown[] = Array.isArray(files) ? files : [];
    return {
      command,
      files: names.filter((name): name is string => typeof name === "string" && isPlain(name)),
    };
  } catch {
    // None, or someone else's.
    return undefined;
  }
}

function isPlain(name: string): boolean {
  return name === basename(name) && name !== "" && name !== "." && name !== "..";
}

function kindOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}

function mended(path: string, absolute: string, error: unknown): Error {
  const found = kindOf(absolute);
  if (found && !found.isDirectory) {
    const kind = found.isFile ? "a file" : "a pipe or a device";
    return new UserError(
      `Cannot write to ${quote(path)} as the output must be a folder: current value is ${kind}`,
    );
  }
  const reason = fileReason(error) ?? (error as Error).message.split("\n")[0];
  return new UserError(
    `Cannot write to ${quote(path)} as the output folder must be writable: ` +
      `current value is ${quote(reason, 120)}`,
  );
}
