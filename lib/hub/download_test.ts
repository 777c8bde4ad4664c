import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { bytes, etag, forFile, get, namesIn, noWait, sha } from "./test_download.ts";
import { type FileAnswer, patternedBytes, serveFile, TestServer } from "./test_server.ts";

/** Serves the file, cutting the connection of the n-th GET once the client has the bytes. */
function cutting(cuts: number[], answer: FileAnswer = { bytes, etag }) {
  let seen = () => {};
  const server = new TestServer((request, before) => {
    if (before >= cuts.length) return serveFile(request, answer);
    const beforeCut = new Promise<void>((resolve) => seen = resolve);
    return serveFile(request, { ...answer, cutAfter: cuts[before], beforeCut });
  });
  let goal = 0, at = 0;
  const onProgress = (done: number) => {
    if (at < cuts.length && done >= goal + cuts[at]) {
      goal = answer.ignoreRange ? 0 : done;
      at++;
      seen();
    }
  };
  return { server, onProgress };
}

Deno.test("download writes the file under its name, and does nothing when it is there", async () => {
  await forFile(async (path) => {
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    const progress: (number | undefined)[][] = [];
    equal(await get(server, path, { onProgress: (...p) => progress.push(p) }), true);
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(namesIn(path), ["model.safetensors"]);
    deepEqual(progress.at(-1), [bytes.length, bytes.length]);
    equal(await get(server, path), false);
    equal(server.asked.length, 1);
  });
});

Deno.test("download resumes a connection dropped several times", async () => {
  await forFile(async (path) => {
    const { server: s, onProgress } = cutting([1000, 70_000, 5000]);
    await using server = s;
    await get(server, path, { onProgress });
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, [null, "bytes=1000-", "bytes=71000-", "bytes=76000-"]);
    deepEqual(server.asked.map((a) => a.ifRange), [null, etag, etag, etag]);
    deepEqual(namesIn(path), ["model.safetensors"]);
  });
});

Deno.test("download resumes by Last-Modified when there is no strong entity tag", async () => {
  await forFile(async (path) => {
    const lastModified = "Tue, 15 Nov 1994 12:45:26 GMT";
    const { server: s, onProgress } = cutting([1000], { bytes, etag: 'W/"x"', lastModified });
    await using server = s;
    await get(server, path, { onProgress, sha256: undefined });
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.asked.map((a) => a.ifRange), [null, lastModified]);
  });
});

Deno.test("download starts over when nothing could tell a changed file", async () => {
  await forFile(async (path) => {
    const { server: s, onProgress } = cutting([1000], { bytes });
    await using server = s;
    await get(server, path, { onProgress, sha256: undefined });
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, [null, null]);
  });
});

Deno.test("download starts over cleanly on a server that ignores ranges", async () => {
  await forFile(async (path) => {
    const { server: s, onProgress } = cutting([1000, 2000], { bytes, etag, ignoreRange: true });
    await using server = s;
    await get(server, path, { onProgress });
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, [null, "bytes=1000-", "bytes=2000-"]);
  });
});

Deno.test("download gives up on a server that always starts over, and keeps the part", async () => {
  await forFile(async (path) => {
    const { server: s, onProgress } = cutting(Array(9).fill(1000), {
      bytes,
      etag,
      ignoreRange: true,
    });
    await using server = s;
    await rejects(
      get(server, path, { onProgress, retry: { ...noWait, retries: 3 } }),
      /Cannot download "model.safetensors" .*resumes it/,
    );
    // The first failure breaks new ground, three more do not.
    equal(server.asked.length, 4);
    deepEqual(namesIn(path), ["model.safetensors.part", "model.safetensors.part.json"]);
  });
});

Deno.test("download starts over when the remote file changed between attempts", async () => {
  const newer = patternedBytes(250_000, 7);
  // A server that honours If-Range sends the new file; one that does not sends a foreign piece.
  for (const honours of [true, false]) {
    await forFile(async (path) => {
      let seen = () => {};
      const beforeCut = new Promise<void>((resolve) => seen = resolve);
      await using server = new TestServer((request, before) => {
        if (before === 0) return serveFile(request, { bytes, etag, cutAfter: 1000, beforeCut });
        const headers = new Headers(request.headers);
        if (!honours) headers.delete("if-range");
        const plain = new Request(request.url, { headers });
        return serveFile(plain, { bytes: newer, etag: '"two"' });
      });
      const onProgress = (done: number) => done >= 1000 && seen();
      await get(server, path, { onProgress, sha256: sha(newer) });
      deepEqual(await Deno.readFile(path), newer);
      deepEqual(server.ranges, honours ? [null, "bytes=1000-"] : [null, "bytes=1000-", null]);
    });
  }
});

Deno.test("download works without Content-Length, and notices a cut there", async () => {
  await forFile(async (path) => {
    const { server: s, onProgress } = cutting([1000], { bytes, etag, noLength: true });
    await using server = s;
    await get(server, path, { onProgress, sha256: undefined });
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, [null, "bytes=1000-"]);
  });
});

Deno.test("download finishes a part that was already whole", async () => {
  await forFile(async (path) => {
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""));
    await Deno.writeFile(`${path}.part`, bytes);
    await Deno.writeTextFile(`${path}.part.json`, JSON.stringify({ etag }));
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    await get(server, path);
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(namesIn(path), ["model.safetensors"]);
    deepEqual(server.ranges, ["bytes=300000-"]);
  });
});

Deno.test("download drops a part that is longer than the remote file", async () => {
  await forFile(async (path) => {
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""));
    await Deno.writeFile(`${path}.part`, patternedBytes(bytes.length + 5, 9));
    await Deno.writeTextFile(`${path}.part.json`, '{"etag": "\\"o');
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    await get(server, path);
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, ["bytes=300005-", null]);
  });
});

Deno.test("download treats a silent connection as lost", async () => {
  await forFile(async (path) => {
    const never = Promise.withResolvers<void>();
    await using server = new TestServer((request, before) =>
      serveFile(
        request,
        before === 0 ? { bytes, etag, cutAfter: 1000, beforeCut: never.promise } : { bytes, etag },
      )
    );
    const notes: string[] = [];
    await get(server, path, {
      retry: { ...noWait, idleMs: 200 },
      onNote: (line) => notes.push(line),
    });
    never.resolve();
    deepEqual(await Deno.readFile(path), bytes);
    match(notes[0], /no byte came for 0.2 s/);
  });
});

Deno.test("download follows a redirect, also when resuming", async () => {
  await forFile(async (path) => {
    const storage = cutting([1000]);
    await using behind = storage.server;
    await using server = new TestServer(() => Response.redirect(`${behind.url}/blob`, 302));
    await get(server, path, { onProgress: storage.onProgress });
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(behind.ranges, [null, "bytes=1000-"]);
    equal(server.asked.length, 2);
  });
});

Deno.test("download keeps the part when aborted, and later asks only for the rest", async () => {
  await forFile(async (path) => {
    const gate = Promise.withResolvers<void>();
    await using server = new TestServer((request, before) =>
      serveFile(
        request,
        before === 0
          ? { bytes, etag, cutAfter: 100_000, beforeCut: gate.promise }
          : { bytes, etag },
      )
    );
    const stop = new AbortController();
    const reason = new Error("stopped");
    const onProgress = (done: number) => done >= 100_000 && stop.abort(reason);
    await rejects(get(server, path, { onProgress, signal: stop.signal }), reason);
    gate.resolve();
    deepEqual(namesIn(path), ["model.safetensors.part", "model.safetensors.part.json"]);
    deepEqual(await Deno.readFile(`${path}.part`), bytes.slice(0, 100_000));
    await get(server, path);
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, [null, "bytes=100000-"]);
    deepEqual(namesIn(path), ["model.safetensors"]);
  });
});

Deno.test("download with force replaces the file and does not resume", async () => {
  await forFile(async (path) => {
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""));
    await Deno.writeTextFile(path, "old");
    await Deno.writeTextFile(`${path}.part`, "older");
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    equal(await get(server, path, { force: true }), true);
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(server.ranges, [null]);
  });
});

Deno.test("download of several at the same time sends one request; the others wait", async () => {
  await forFile(async (path) => {
    const gate = Promise.withResolvers<void>();
    await using server = new TestServer(async (request) => {
      await gate.promise;
      return serveFile(request, { bytes, etag });
    });
    // Whichever comes first has the lock; the server answers once another one waits for it.
    const some = () =>
      get(server, path, {
        retry: { sleep: () => new Promise((go) => setTimeout(go, 1)) },
        onNote: () => gate.resolve(),
      });
    const made = await Promise.all([some(), some(), some()]);
    equal(made.filter(Boolean).length, 1);
    equal(server.asked.length, 1);
    deepEqual(await Deno.readFile(path), bytes);
    deepEqual(namesIn(path), ["model.safetensors"]);
  });
});

Deno.test("download is not held up by a lock file that a crash left behind", async () => {
  await forFile(async (path) => {
    await Deno.mkdir(path.replace(/\/[^/]*$/, ""));
    await Deno.writeTextFile(`${path}.lock`, "");
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    await get(server, path);
    deepEqual(namesIn(path), ["model.safetensors"]);
  });
});
