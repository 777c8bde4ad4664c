/** A lock between processes that download the same file. */
import { explained } from "./file_error.ts";

export interface LockOptions {
  signal?: AbortSignal;
  /** Called once if another process holds the lock. */
  onWait?: () => void;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

const POLL_MS = 250;

/**
 * Takes the lock file, waiting while another process has it; disposing gives it back.
 *
 * The operating system holds the lock and drops it with the process, so a lock file left behind
 * by a crash locks nothing. Where the file system has no locks the file is used without.
 */
export async function acquireLock(
  path: string,
  { signal, onWait, sleep }: LockOptions,
): Promise<AsyncDisposable> {
  for (let waited = false;; waited = true) {
    signal?.throwIfAborted();
    const file = await explained(path, () => Deno.open(path, { create: true, write: true }));
    let locked = false;
    try {
      locked = await tryLock(file) && await isStillNamed(file, path);
      if (locked) return { [Symbol.asyncDispose]: () => release(file, path) };
    } finally {
      if (!locked) file.close();
    }
    if (!waited) onWait?.();
    await sleep(POLL_MS, signal);
  }
}

async function tryLock(file: Deno.FsFile): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch (error) {
    const { code } = error as { code?: string };
    if (error instanceof Deno.errors.NotSupported || code === "ENOLCK" || code === "ENOSYS") {
      return true;
    }
    throw error;
  }
}

/** Whoever had the lock before may have deleted the file between our open and our lock. */
async function isStillNamed(file: Deno.FsFile, path: string): Promise<boolean> {
  const mine = await file.stat();
  try {
    const named = await Deno.stat(path);
    return mine.ino === named.ino && mine.dev === named.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function release(file: Deno.FsFile, path: string): Promise<void> {
  // Deleted while still locked, so that nobody can lock a name that is about to go.
  try {
    await Deno.remove(path);
  } catch {
    // Windows refuses while a waiting process looks at the file: it stays, and locks nothing.
  }
  file.close();
}
