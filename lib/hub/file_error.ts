/** File errors that the person at the keyboard can mend. */
import { quote, UserError } from "../errors.ts";

const REQUIREMENTS: Record<string, string> = {
  ENOSPC: "the disk must have room for it",
  EDQUOT: "the disk quota must have room for it",
  EFBIG: "the file system must allow files of its size",
  EACCES: "the folder must be writable",
  EPERM: "the folder must be writable",
  EROFS: "the disk must be writable",
  EISDIR: "no folder may have its name",
  ENAMETOOLONG: "the file system must allow names of its length",
  ENOTDIR: "every folder of its path must be a folder",
  EEXIST: "every folder of its path must be a folder",
};

/** Turns a full disk, a missing right and the like into a `UserError`; other errors stay. */
export function explainFileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  const requirement = REQUIREMENTS[(error as { code?: string }).code ?? ""];
  if (requirement === undefined) return error;
  return new UserError(
    `Cannot write ${quote(path, 200)} as ${requirement}: ${error.message}`,
    { cause: error },
  );
}

/** Runs file work with its errors explained. */
export async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainFileError(error, path);
  }
}
