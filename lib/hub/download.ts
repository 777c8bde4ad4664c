/** Downloads one file: resumed, retried, verified, and under its final name only when whole. */
import { basename, dirname } from "node:path";
import { quote, UserError } from "../errors.ts";
import { isUsable } from "./cache.ts";
import { explained } from "./file_error.ts";
import { acquireLock } from "./lock.ts";
import { discardPart, PartFile } from "./part.ts";
import { defaultRetry, type RetryPolicy, TransferError } from "./retry.ts";
import { checkSmallFile, isSmall, MOST_SMALL_BYTES } from "./shards.ts";
import { ExcessError, transfer } from "./transfer.ts";

export interface DownloadOptions {
  url: string;
  /** The final name; the download itself goes to `PATH.part`. */
  path: string;
  /** Expected SHA-256 in hexadecimal. */
  sha256?: string;
  /** Expected size, where something other than the answer itself tells it. */
  sizeBytes?: number;
  /** No file of this kind has more bytes, whatever the server says. */
  mostBytes?: number;
  /** Downloads again what is already there. */
  force?: boolean;
  /** Stops the download; its part is kept for resuming. */
  signal?: AbortSignal;
  onProgress?: (done: number, total: number | undefined) => void;
  /** One line when something unusual happens: a retry, a wait for another process. */
  onNote?: (line: string) => void;
  retry?: Partial<RetryPolicy>;
}

/**
 * Makes sure that a file is there.
 *
 * @returns whether it had to be downloaded
 * @throws {UserError} if the hub has no such file or refuses it, or the disk cannot take it
 * @throws {Error} if the bytes are not the expected ones, or the connection fails for good; its
 *   cause is then the last {@linkcode TransferError}
 */
export async function download(options: DownloadOptions): Promise<boolean> {
  const { url, path, force = false, signal, onNote } = options;
  const retry = { ...defaultRetry, ...options.retry };
  const label = quote(basename(path));
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new UserError(
      `Cannot download ${label} as the hub must be an http address: current value is ${quote(url)}`,
    );
  }
  signal?.throwIfAborted();
  if (!force && await isUsable(path)) return false;
  await explained(dirname(path), () => Deno.mkdir(dirname(path), { recursive: true }));
  await using _lock = await acquireLock(`${path}.lock`, {
    signal,
    sleep: retry.sleep,
    onWait: () => onNote?.(`Waiting for another process that downloads ${label}`),
  });
  if (!force && await isUsable(path)) return false;
  if (force) await discardPart(path);
  const part = await PartFile.open(path, signal);
  let settled = false;
  try {
    const total = await transferAll(part, options, label, retry);
    const problem = findProblem(part, options, options.sizeBytes ?? total) ??
      (isSmall(path) ? await findSmallProblem(path) : undefined);
    settled = true;
    if (problem) {
      await part.discard();
      throw new Error(`Cannot use ${label} from ${url} as ${problem}`);
    }
    await part.finish(path);
    return true;
  } catch (error) {
    if (!(error instanceof ExcessError)) throw error;
    settled = true;
    await part.discard();
    throw new Error(`Cannot use ${label} from ${url} as ${error.message}`);
  } finally {
    if (!settled) await part.keep();
  }
}

/** Repeats transfers until the file is whole. */
async function transferAll(
  part: PartFile,
  { url, path, sha256, sizeBytes, mostBytes, signal, onProgress, onNote }: DownloadOptions,
  label: string,
  retry: RetryPolicy,
): Promise<number | undefined> {
  const mostSize = sizeBytes ?? mostBytes ?? (isSmall(path) ? MOST_SMALL_BYTES : Infinity);
  let furthest = part.sizeBytes, answered = false;
  for (let failures = 1;; failures++) {
    try {
      return await transfer(part, {
        url,
        label,
        checkable: sha256 !== undefined,
        most: mostSize,
        signal,
        retry,
        onProgress,
      });
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      // Only new ground counts: a server that always starts over must not be asked for ever.
      // Nor one that sends a byte now and then.
      if (part.sizeBytes > furthest && !error.isSlow) failures = 1;
      furthest = Math.max(furthest, part.sizeBytes);
      const { message, waitMs = 0 } = error;
      answered ||= !error.isUnanswered;
      const most = answered ? retry.retries : Math.min(retry.retries, retry.connectRetries);
      if (failures > most || waitMs > retry.longestWaitMs) {
        throw new Error(giveUpMessage(label, error, part.sizeBytes, url), { cause: error });
      }
      const delayMs = Math.max(waitMs, retry.delayMs(failures));
      onNote?.(`${label}: ${message}; next attempt in ${Math.ceil(delayMs / 1000)} s`);
      await retry.sleep(delayMs, signal);
    }
  }
}

function giveUpMessage(label: string, error: TransferError, done: number, url: string): string {
  const wait = error.waitMs ? `, which asks to wait ${Math.ceil(error.waitMs / 1000)} s` : "";
  const place = error.message.includes(url) ? "" : ` (${url})`;
  const resume = done > 0 ? "; the same command resumes it" : "";
  return `Cannot download ${label} as the hub must answer: ${error.message}${wait}${place}${resume}`;
}

function findProblem(
  part: PartFile,
  { sha256 }: DownloadOptions,
  total: number | undefined,
): string | undefined {
  if (total !== undefined && part.sizeBytes !== total) {
    return `it must have ${total} bytes: current value is ${part.sizeBytes}`;
  }
  const found = part.sha256();
  if (sha256 !== undefined && found !== sha256.toLowerCase()) {
    return `its SHA-256 must be ${sha256}: current value is ${found}`;
  }
}

/** What is wrong with the contents of a configuration or an index, before it gets its name. */
async function findSmallProblem(path: string): Promise<string | undefined> {
  try {
    checkSmallFile(basename(path), await Deno.readTextFile(`${path}.part`));
  } catch (error) {
    return (error as Error).message.replace(/^Cannot read .*? as /, "");
  }
}
