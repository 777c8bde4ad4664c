/** Small questions to the file system whose errors are not of interest. */

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

/** Removes a file or an empty folder if it is there and can be. */
export function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Already gone, or still in use: a temporary file left over does no harm.
  }
}
