/** Why a file that the user named cannot be read, in words. */

const REASONS: [kind: new (message?: string) => Error, reason: string][] = [
  [Deno.errors.NotFound, "no such file"],
  [Deno.errors.IsADirectory, "it is a folder"],
  [Deno.errors.NotADirectory, "a folder of its path is a file"],
  [Deno.errors.FilesystemLoop, "its links lead in a circle"],
  [Deno.errors.PermissionDenied, "the system does not allow it"],
];
const CODES: Record<string, string> = {
  ENAMETOOLONG: "its name is longer than the system allows",
  ESPIPE: "it is a pipe or a device, which has no places to read from: save it to a file first",
};

/**
 * The reason of an error of the file system; undefined where a permission is missing that can be given,
 * and for errors of the program.
 */
export function fileReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof Deno.errors.NotCapable) {
    // Standard input by name and other devices, which no permission of ours covers.
    return error.message.startsWith("Requires all access")
      ? "it is a device of the system: save what it gives to a file first"
      : undefined;
  }
  const found = REASONS.find(([kind]) => error instanceof kind)?.[1];
  const { code } = error as { code?: string };
  if (found !== undefined || code === undefined) return found;
  return CODES[code] ?? error.message.split("\n")[0];
}

/** Why something that is no plain file cannot be read. */
export function kindReason({ isDirectory }: Deno.FileInfo): string {
  return isDirectory
    ? "it is a folder"
    : "it is a pipe or a device: save what it gives to a file first";
}
