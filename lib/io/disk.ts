/** Writing to a disk that may be full. */
import { basename, dirname, join } from "node:path";
import { quote } from "../errors.ts";

/** By the system's code of the error. */
const REQUIREMENTS: Record<string, string> = {
  ENOSPC: "the disk must have room for it",
  EDQUOT: "the disk quota must have room for it",
  EFBIG: "the file system must allow files of its size",
};

/** Names of files that are not final, and of those with finished work of an interrupted run. */
const TEMPORARY = /^\.(.+)\.tmp-[0-9a-f]{8}$/, FINISHED_WORK = /-[0-9a-f]{16,24}[.-]/;

/** A disk that cannot take a file; the message names it by its final name. */
export class DiskError extends Error {
  override name = "DiskError";
  /** Where the file was to be. */
  readonly folder: string;

  constructor(path: string, requirement: string, cause: Error) {
    const folder = dirname(path), name = basename(path);
    const final = join(folder, TEMPORARY.exec(name)?.[1] ?? name);
    const reason = cause.message.split("\n")[0].replace(/: \w+ '.*'$/, "");
    super(`Cannot write ${quote(final, 200)} as ${requirement}: ${reason}`, { cause });
    this.folder = folder;
  }

  /**
   * What is left of the command's work, once it has cleaned up.
   *
   * @param command as run.json names it: `sae patch`
   */
  kept(command: string): string {
    const begin = `.${command.replaceAll(" ", "-")}-`;
    let hasFinished = false;
    try {
      hasFinished = [...Deno.readDirSync(this.folder)].some(({ name }) =>
        name.startsWith(begin) && FINISHED_WORK.test(name)
      );
    } catch {
      // The folder has gone with the files.
    }
    return (hasFinished
      ? "what was finished is kept there, and the same command goes on from it"
      : "nothing of this run is kept") + "; earlier results are as they were";
  }
}

/** Runs work that writes to a file. @throws {DiskError} where the disk is full */
export async function writing<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainDiskError(error, path);
  }
}

/** Writes all bytes at the file's position. @throws {DiskError} where the disk is full */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array, path: string): Promise<void> {
  return writing(path, async () => {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  });
}

/** {@linkcode writeAll} at once. */
export function writeAllSync(file: Deno.FsFile, bytes: Uint8Array, path: string): void {
  try {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  } catch (error) {
    throw explainDiskError(error, path);
  }
}

/** The error of a full disk; other errors as they are. */
export function explainDiskError(error: unknown, path: string): unknown {
  const requirement = REQUIREMENTS[(error as { code?: string }).code ?? ""];
  return requirement === undefined ? error : new DiskError(path, requirement, error as Error);
}
