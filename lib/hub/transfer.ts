/** One attempt to get a remote file, or the missing rest of it, into its part. */
import { UserError } from "../errors.ts";
import type { PartFile, Validators } from "./part.ts";
import { type RetryPolicy, statusError, TransferError } from "./retry.ts";

export interface TransferOptions {
  url: string;
  /** How messages name the file. */
  label: string;
  /** The whole file can be checked at the end, so bytes without a validator may be resumed. */
  checkable: boolean;
  /** The file's size where it is known, else what no such file exceeds. */
  most: number;
  signal?: AbortSignal;
  retry: RetryPolicy;
  /** Bytes in the part, and of the whole file where known. */
  onProgress?: (done: number, total: number | undefined) => void;
}

/**
 * Sends one request and appends its body to the part.
 *
 * A part is resumed with Range and If-Range (RFC 9110, 13.1.5 and 14); when the remote file
 * changed or the server ignores ranges, the part starts over.
 *
 * @returns bytes of the whole file as the server announced them
 * @throws {TransferError} if another attempt may help
 * @throws {ExcessError} if the server sends more than the file can have
 */
export async function transfer(
  part: PartFile,
  { url, label, checkable, most, signal, retry, onProgress }: TransferOptions,
): Promise<number | undefined> {
  const { etag, lastModified } = part.validators;
  const validator = etag ?? lastModified;
  if (part.sizeBytes > 0 && !validator && !checkable) await part.restart();
  // Sizes and ranges count the bytes that are sent: compressed ones would not add up.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (part.sizeBytes > 0) {
    headers.set("range", `bytes=${part.sizeBytes}-`);
    if (validator) headers.set("if-range", validator);
  }
  using watch = new IdleWatch(retry.idleMs, signal);
  const response = await watch.run(
    () => fetch(url, { headers, signal: watch.signal }),
    Math.min(retry.idleMs, retry.connectMs),
  ).catch((error) => {
    if (error instanceof TransferError) error.isUnanswered = true;
    throw error;
  });
  let total: number | undefined;
  try {
    total = await acceptResponse(response, part, label, url);
    if (total !== undefined && total > most) throw new ExcessError(most, `${total}`);
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  if (response.status === 416) return total;
  onProgress?.(part.sizeBytes, total);
  const reader = response.body?.getReader();
  const rate = new RateWatch(retry);
  try {
    for (;;) {
      const chunk = await watch.run(async () => await reader?.read());
      if (!chunk || chunk.done) break;
      const after = part.sizeBytes + chunk.value.length;
      if (after > (total ?? most)) throw new ExcessError(total ?? most, `at least ${after}`);
      await part.append(chunk.value);
      rate.add(chunk.value.length);
      onProgress?.(part.sizeBytes, total);
    }
  } catch (error) {
    await reader?.cancel().catch(() => {});
    throw error;
  }
  if (total !== undefined && part.sizeBytes < total) {
    throw new TransferError(`the connection ended after ${part.sizeBytes} of ${total} bytes`);
  }
  return total;
}

/** Brings the part in line with what the server is about to send; gives the whole file's size. */
async function acceptResponse(
  response: Response,
  part: PartFile,
  label: string,
  url: string,
): Promise<number | undefined> {
  const { status, headers } = response;
  const found = validatorsOf(headers);
  const range = rangeOf(headers);
  if (status === 416 && part.sizeBytes > 0) {
    await response.body?.cancel();
    if (range?.total === part.sizeBytes) return range.total;
    await part.restart();
    throw new TransferError("the remote file is shorter than what was downloaded of it");
  }
  if (status === 206) {
    if (range?.first !== part.sizeBytes || differ(found, part.validators)) {
      await part.restart();
      throw new TransferError("the remote file changed");
    }
    return range.total;
  }
  if (status !== 200) throw statusError(label, url, response);
  if (part.sizeBytes > 0) await part.restart();
  await part.identify(found);
  const encoding = headers.get("content-encoding");
  const length = headers.get("content-length");
  if (length === null || (encoding !== null && encoding !== "identity")) return undefined;
  return Number(length);
}

function validatorsOf(headers: Headers): Validators {
  const etag = headers.get("etag");
  // Weak tags may stay the same when bytes change, so If-Range does not take them.
  return {
    etag: etag?.startsWith('"') ? etag : undefined,
    lastModified: headers.get("last-modified") ?? undefined,
  };
}

function differ(found: Validators, known: Validators): boolean {
  if (found.etag && known.etag) return found.etag !== known.etag;
  return !!found.lastModified && !!known.lastModified && found.lastModified !== known.lastModified;
}

function rangeOf(headers: Headers): { first?: number; total?: number } | undefined {
  const parts = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (!parts) return undefined;
  return {
    first: parts[1] === undefined ? undefined : Number(parts[1]),
    total: parts[2] === "*" ? undefined : Number(parts[2]),
  };
}

/** More bytes than the file can have: they are not its bytes. */
export class ExcessError extends Error {
  override name = "ExcessError";

  constructor(most: number, found: string) {
    super(`it must have at most ${most} bytes: current value is ${found}`);
  }
}

/** Takes a connection for lost that brings next to nothing, however steadily. */
class RateWatch {
  #begin = performance.now();
  #bytes = 0;

  constructor(readonly retry: RetryPolicy) {}

  /** @throws {TransferError} at the end of a span of time that brought too few bytes */
  add(bytes: number): void {
    this.#bytes += bytes;
    const { idleMs, leastBytes } = this.retry;
    if (performance.now() - this.#begin < idleMs) return;
    if (this.#bytes < leastBytes) {
      const error = new TransferError(`only ${this.#bytes} bytes came in ${idleMs / 1000} s`);
      error.isSlow = true;
      throw error;
    }
    this.#begin = performance.now();
    this.#bytes = 0;
  }
}

/** Ends a request that has been silent for too long, and tells network failures from others. */
class IdleWatch {
  #idle = new AbortController();
  #idleMs: number;
  #outer: AbortSignal | undefined;
  readonly signal: AbortSignal;

  constructor(idleMs: number, outer: AbortSignal | undefined) {
    this.#idleMs = idleMs;
    this.#outer = outer;
    this.signal = outer ? AbortSignal.any([outer, this.#idle.signal]) : this.#idle.signal;
  }

  async run<T>(work: () => Promise<T>, mostMs = this.#idleMs): Promise<T> {
    const timer = setTimeout(() => this.#idle.abort(), mostMs);
    try {
      return await work();
    } catch (error) {
      this.#outer?.throwIfAborted();
      if (this.#idle.signal.aborted) {
        throw new TransferError(`no byte came for ${mostMs / 1000} s`);
      }
      if (error instanceof Deno.errors.NotCapable || error instanceof UserError) throw error;
      throw new TransferError(networkMessage(error), undefined, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    // Lets go of the connection when the body was not read to its end.
    this.#idle.abort();
  }
}

function networkMessage(error: unknown): string {
  // "fetch failed" alone says nothing: the reason is its cause, behind the address.
  const told = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  const message = told instanceof Error ? told.message : String(told);
  return message.replace(/^error sending request for url \([^)]*\): /, "").replace(/\s+/g, " ")
    .trim();
}
