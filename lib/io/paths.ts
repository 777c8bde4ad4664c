/** Small questions to the file system whose errors are not of interest. */
import { quote, UserError } from "../errors.ts";
import { fileReason } from "./file_reason.ts";

/** Whether anything has this name; true also where that cannot be told. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // Anything but absence (a file as parent, no permission) is for others to report.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/**
 * What has a name that the user gave; undefined where nothing has.
 *
 * @throws {UserError} if the system cannot tell
 */
export async function statOrUndefined(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    const reason = fileReason(error);
    if (reason === undefined) throw error;
    throw new UserError(
      `Cannot read ${quote(path, 200)} as it must be a file or folder: ${reason}`,
    );
  }
}

/** Removes a file or an empty folder if it is there and can be. */
export function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Already gone, or still in use: a temporary file left over does no harm.
  }
}
