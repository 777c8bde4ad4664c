/**
 * Whether a file's exclusive lock was got; undefined where the file system has none.
 *
 * The operating system holds it while the process lives, however that ends.
 */
export function tryLock(file: Deno.FsFile): boolean | undefined {
  try {
    return file.tryLockSync(true);
  } catch {
    return undefined;
  }
}
