/** What the hub tells about a file without sending it. */
import { statusError } from "./retry.ts";

export interface RemoteFile {
  sizeBytes?: number;
  /** The hub names large files by their SHA-256. */
  sha256?: string;
  /** Nothing answered at all. */
  isUnanswered?: boolean;
}

const MOST_REDIRECTS = 5;

/**
 * Asks for size and SHA-256 with HEAD; an empty answer where the server does not tell.
 *
 * The hub gives both on its own redirect (`X-Linked-Size`, `X-Linked-ETag`), not on the storage
 * behind it, so redirects are followed here (huggingface_hub, file_download.py).
 *
 * @throws {UserError} if the hub has no such file or refuses it
 */
export async function describeRemote(
  url: string,
  { label, signal, timeoutMs }: { label: string; signal?: AbortSignal; timeoutMs: number },
): Promise<RemoteFile> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const either = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
  const remote: RemoteFile = {};
  let answered = false;
  try {
    for (let at = url, hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const response = await fetch(at, {
        method: "HEAD",
        redirect: "manual",
        headers: { "accept-encoding": "identity" },
        signal: either,
      });
      answered = true;
      await response.body?.cancel();
      remote.sizeBytes ??= countOf(response.headers.get("x-linked-size"));
      const tag = response.headers.get("x-linked-etag")?.replace(/^W\//, "").replaceAll('"', "");
      if (tag && /^[0-9a-f]{64}$/.test(tag)) remote.sha256 ??= tag;
      const next = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && next !== null) {
        if (remote.sizeBytes !== undefined && remote.sha256 !== undefined) return remote;
        at = new URL(next, at).href;
        continue;
      }
      if ([401, 403, 404, 410].includes(response.status) && hops === 0) {
        throw statusError(label, url, response);
      }
      if (response.ok && response.headers.get("content-encoding") === null) {
        remote.sizeBytes ??= countOf(response.headers.get("content-length"));
      }
      return remote;
    }
    return remote;
  } catch (error) {
    signal?.throwIfAborted();
    // Not being told is no reason to stop: the download itself meets and explains every failure.
    if (error instanceof TypeError || limit.signal.aborted) {
      return { ...remote, isUnanswered: !answered };
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function countOf(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}
