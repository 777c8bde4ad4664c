import { quote, UserError } from "../errors.ts";
import { fileReason, kindReason } from "./file_reason.ts";

/** The error of a text file that cannot be read; others as they are. */
export function textError(error: unknown, path: string): unknown {
  if (error instanceof UserError) return error;
  const reason = error instanceof TypeError ? "not UTF-8 text" : fileReason(error);
  if (reason === undefined) return error;
  return new UserError(`Cannot read ${quote(path, 200)} as it must be a text file: ${reason}`);
}

/**
 * Reads a text file that the user named; a pipe serves as well, since it is read once.
 *
 * @throws {UserError} if it cannot be read as UTF-8 text
 */
export async function readText(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const info = await file.stat();
    if (info.isDirectory || info.isCharDevice || info.isBlockDevice) {
      throw new UserError(
        `Cannot read ${quote(path, 200)} as it must be a text file: ${kindReason(info)}`,
      );
    }
    const bytes = await new Response(file.readable).bytes();
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw textError(error, path);
  }
}
