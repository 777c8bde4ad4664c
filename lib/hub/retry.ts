/** Which failures of a download are worth another attempt, and when. */
import { UserError } from "../errors.ts";

export interface RetryPolicy {
  /** Further attempts after this many failures in a row without progress: none. */
  retries: number;
  /** Milliseconds to wait after the n-th failure in a row, n from 1. */
  delayMs(failures: number): number;
  /** Waits; rejects with the signal's reason when it fires. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** The same while no server has answered at all: one that is not there is not waited for. */
  connectRetries: number;
  /** Milliseconds within which the first answer must begin. */
  connectMs: number;
  /** Milliseconds without a single byte after which a connection counts as lost. */
  idleMs: number;
  /** Fewer bytes than these in that time count as a lost connection too. */
  leastBytes: number;
  /** The longest wait that a server may ask for. */
  longestWaitMs: number;
}

export const defaultRetry: RetryPolicy = {
  retries: 5,
  delayMs: (failures) => Math.min(30_000, 1000 * 2 ** (failures - 1)),
  sleep,
  connectRetries: 1,
  connectMs: 10_000,
  idleMs: 60_000,
  // 1 kB/s: an hour for a megabyte is no download.
  leastBytes: 60_000,
  longestWaitMs: 300_000,
};

/** A failure that another attempt may mend. */
export class TransferError extends Error {
  override name = "TransferError";

  /** The connection was alive but too slow. */
  isSlow = false;

  /** No server answered: there is no network, or nothing at the address. */
  isUnanswered = false;

  /** @param waitMs how long the server asks to wait */
  constructor(message: string, readonly waitMs?: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The error of an HTTP answer that carries no file. */
export function statusError(name: string, url: string, response: Response): Error {
  const { status } = response;
  const found = `HTTP ${status} from ${url}`;
  if (status === 404 || status === 410) {
    return new UserError(`Cannot download ${name} as the hub must have it: ${found}`);
  }
  if (status === 401 || status === 403) {
    return new UserError(`Cannot download ${name} as the hub must allow it: ${found}`);
  }
  if (status === 429 || status === 408 || status >= 500) {
    return new TransferError(found, retryAfterMs(response.headers.get("retry-after")));
  }
  return new Error(`Cannot download ${name} as the hub must send it: ${found}`);
}

/** Milliseconds that a Retry-After header asks for: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
