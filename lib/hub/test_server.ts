/** A local server that misbehaves on request, for the tests of downloads. */

export interface Asked {
  method: string;
  path: string;
  range: string | null;
  ifRange: string | null;
}

export class TestServer implements AsyncDisposable {
  /** Every request so far, HEAD included. */
  readonly asked: Asked[] = [];
  readonly url: string;
  #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param answer gets the request and how many requests of its method came before it */
  constructor(answer: (request: Request, before: number) => Response | Promise<Response>) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const before = this.asked.filter(({ method }) => method === request.method).length;
      this.asked.push({
        method: request.method,
        path: new URL(request.url).pathname,
        range: request.headers.get("range"),
        ifRange: request.headers.get("if-range"),
      });
      return answer(request, before);
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The Range header of each GET, in order. */
  get ranges(): (string | null)[] {
    return this.asked.filter(({ method }) => method === "GET").map(({ range }) => range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

export interface FileAnswer {
  bytes: Uint8Array;
  etag?: string;
  lastModified?: string;
  ignoreRange?: boolean;
  /** Leaves Content-Length out of the answer. */
  noLength?: boolean;
  /** Bytes of the body to send before the connection is cut. */
  cutAfter?: number;
  /** What to wait for before cutting it. */
  beforeCut?: Promise<void>;
}

/** Serves a file as a good server would: Range, If-Range, 206, 416; then with the given flaws. */
export function serveFile(request: Request, file: FileAnswer): Response {
  const { bytes, etag, lastModified } = file;
  const headers = new Headers({ "content-type": "application/octet-stream" });
  if (etag) headers.set("etag", etag);
  if (lastModified) headers.set("last-modified", lastModified);
  const asked = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "");
  const condition = request.headers.get("if-range");
  const valid = condition === null || condition === etag || condition === lastModified;
  let first = 0, status = 200;
  if (asked && valid && !file.ignoreRange) {
    first = Number(asked[1]);
    if (first >= bytes.length) {
      headers.set("content-range", `bytes */${bytes.length}`);
      return new Response(null, { status: 416, headers });
    }
    status = 206;
    headers.set("content-range", `bytes ${first}-${bytes.length - 1}/${bytes.length}`);
  }
  const body = bytes.slice(first);
  if (!file.noLength) headers.set("content-length", String(body.length));
  if (request.method === "HEAD") return new Response(null, { status, headers });
  return new Response(streamOf(body, file), { status, headers });
}

function streamOf(body: Uint8Array<ArrayBuffer>, file: FileAnswer): ReadableStream<Uint8Array> {
  const { cutAfter, beforeCut } = file;
  let sent = false;
  return new ReadableStream({
    pull: async (controller) => {
      if (!sent) {
        sent = true;
        const part = body.subarray(0, cutAfter);
        if (part.length > 0) return controller.enqueue(part);
      }
      if (cutAfter === undefined) return controller.close();
      await beforeCut;
      // Fewer bytes than announced end the connection; without an announcement only an error does.
      if (file.noLength) controller.error(new Error("cut on purpose"));
      else controller.close();
    },
  });
}

/** Bytes that differ everywhere, so that a misplaced piece cannot go unnoticed. */
export function patternedBytes(length: number, salt = 1): Uint8Array<ArrayBuffer> {
  let state = salt >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
