/** The file system as checkpoints use it, in one file: a browser opens them by `openSafetensorsBytes`. */
import { fileReason } from "../io/file_reason.ts";

/** What is at a path. */
export interface PathKind {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
}

/** What is at a path, after links. @throws the file system's error if there is nothing */
export async function kindOfPath(path: string): Promise<PathKind> {
  const { isFile, isDirectory } = await Deno.stat(path);
  return { isFile, isDirectory };
}

/** Whether a file is there. */
export async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** A whole file as text. */
export function readText(path: string): Promise<string> {
  return Deno.readTextFile(path);
}

/** Opens a file for writing, empty. */
export function createFile(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, { write: true, create: true, truncate: true });
}

/** {@linkcode fileReason}, or `absent` where there is nothing. */
export function reasonOr(error: unknown, absent: string): string | undefined {
  return error instanceof Deno.errors.NotFound ? absent : fileReason(error);
}
