import { deepEqual, equal, match, ok, rejects } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { download } from "./download.ts";
import { bytes, etag, forFile, get, namesIn, noWait, sha, sha256 } from "./test_download.ts";
import { patternedBytes, serveFile, TestServer } from "./test_server.ts";

Deno.test("download deletes bytes with a wrong SHA-256 and says expected and found", async () => {
  await forFile(async (path) => {
    const wrong = patternedBytes(bytes.length, 3);
    await using server = new TestServer((request) => serveFile(request, { bytes: wrong, etag }));
    await rejects(get(server, path), (error: Error) => {
      match(error.message, new RegExp(`must be ${sha256}: current value is ${sha(wrong)}`));
      return true;
    });
    deepEqual(namesIn(path), []);
    equal(server.asked.length, 1);
  });
});

Deno.test("download refuses a body of another size than expected", async () => {
  await forFile(async (path) => {
    await using server = new TestServer((request) => serveFile(request, { bytes, noLength: true }));
    await rejects(
      get(server, path, { sha256: undefined, sizeBytes: bytes.length + 1 }),
      /must have 300001 bytes: current value is 300000/,
    );
    deepEqual(namesIn(path), []);
  });
});

Deno.test("download names the failure of 404, 401 and 403 as a UserError, at once", async () => {
  for (const status of [404, 401, 403]) {
    await forFile(async (path) => {
      await using server = new TestServer(() => new Response("no", { status }));
      await rejects(get(server, path), (error: Error) => {
        ok(error instanceof UserError);
        match(error.message, new RegExp(`HTTP ${status} from http://127`));
        return true;
      });
      equal(server.asked.length, 1);
      deepEqual(namesIn(path), []);
    });
  }
});

Deno.test("download waits as long as 429 and 503 ask, then goes on", async () => {
  await forFile(async (path) => {
    await using server = new TestServer((request, before) => {
      if (before === 0) {
        return new Response("", { status: 429, headers: { "retry-after": "7" } });
      }
      return before < 3 ? new Response("", { status: 503 }) : serveFile(request, { bytes });
    });
    const waits: number[] = [];
    const retry = {
      delayMs: (failures: number) => 10 * failures,
      sleep: (delayMs: number) => Promise.resolve(void waits.push(delayMs)),
    };
    await get(server, path, { retry });
    deepEqual(waits, [7000, 20, 30]);
    deepEqual(await Deno.readFile(path), bytes);
  });
});

Deno.test("download gives up after the allowed attempts, or when asked to wait too long", async () => {
  await forFile(async (path) => {
    await using down = new TestServer(() => new Response("", { status: 502 }));
    await rejects(get(down, path, { retry: { ...noWait, retries: 2 } }), /HTTP 502/);
    equal(down.asked.length, 3);
    const headers = { "retry-after": "86400" };
    await using busy = new TestServer(() => new Response("", { status: 429, headers }));
    await rejects(get(busy, path), /HTTP 429 .*wait 86400 s/);
    equal(busy.asked.length, 1);
    deepEqual(namesIn(path), []);
  });
});

Deno.test("download says why a server was not reached, and its address once", async () => {
  await forFile(async (path) => {
    const server = new TestServer(() => new Response("never"));
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await rejects(download({ url, path, retry: { ...noWait, retries: 0 } }), (error: Error) => {
      match(error.message, /must answer: client error \(Connect\): .*refused/i);
      equal(error.message.split(url).length, 2, error.message);
      return true;
    });
  });
});

Deno.test("download refuses a page where JSON must be", async () => {
  await forFile(async (path) => {
    await using server = new TestServer(() => new Response("<html>Sign in</html>"));
    await rejects(
      get(server, path.replace(/[^/]+$/, "config.json"), { sha256: undefined }),
      /must be JSON: current value is "<html>/,
    );
    deepEqual(namesIn(path), []);
  });
});

Deno.test("download explains what the disk refuses", async () => {
  await forFile(async (path, folder) => {
    await Deno.writeTextFile(`${folder}/sub`, "a file where a folder must be");
    await using server = new TestServer((request) => serveFile(request, { bytes }));
    await rejects(get(server, path), (error: Error) => {
      ok(error instanceof UserError, String(error));
      match(error.message, /^Cannot write ".*" as every folder/);
      return true;
    });
    equal(server.asked.length, 0);
  });
});

Deno.test("download refuses an address that is not http", async () => {
  for (const url of ["file:///etc/hostname", "huggingface.co/x"]) {
    await rejects(download({ url, path: "unused" }), UserError);
  }
});

/** A body without end, as fast as it is read. */
const endless = () =>
  new Response(
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1 << 16)),
    }),
  );

Deno.test("download stops past the known size of a file, and past what none can have", async () => {
  for (
    const [name, more, most] of [
      ["model.safetensors", { sizeBytes: bytes.length }, bytes.length],
      ["model.safetensors", { mostBytes: 1 << 20 }, 1 << 20],
      ["config.json", {}, 1 << 24],
    ] as const
  ) {
    await forFile(async (path) => {
      await using server = new TestServer(endless);
      const named = path.replace(/[^/]+$/, name);
      await rejects(
        get(server, named, { ...more, sha256: undefined }),
        new RegExp(`as it must have at most ${most} bytes: current value is at least \\d+$`),
      );
      deepEqual(namesIn(path), []);
      equal(server.asked.length, 1);
    });
  }
});

Deno.test("download does not begin a file that is announced as larger than it can be", async () => {
  await forFile(async (path) => {
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    await rejects(
      get(server, path, { sizeBytes: 1000, sha256: undefined }),
      /as it must have at most 1000 bytes: current value is 300000$/,
    );
    deepEqual(namesIn(path), []);
  });
});

Deno.test("download refuses a file that is announced as smaller than the hub says", async () => {
  await forFile(async (path) => {
    await using server = new TestServer((request) => serveFile(request, { bytes, etag }));
    await rejects(
      get(server, path, { sizeBytes: bytes.length + 5, sha256: undefined }),
      /must have 300005 bytes: current value is 300000/,
    );
    deepEqual(namesIn(path), []);
  });
});

Deno.test("download gives up on a server that sends a byte now and then for ever", async () => {
  await forFile(async (path) => {
    await using server = new TestServer(() => {
      let timer: ReturnType<typeof setInterval>;
      return new Response(
        new ReadableStream<Uint8Array>({
          start(controller) {
            timer = setInterval(() => controller.enqueue(Uint8Array.of(1)), 5);
          },
          cancel: () => clearInterval(timer),
        }),
        { headers: { "content-length": "1000000" } },
      );
    });
    const retry = { ...noWait, retries: 2, idleMs: 100, leastBytes: 1000 };
    await rejects(get(server, path, { retry, sha256: undefined }), /only \d+ bytes came in 0\.1 s/);
    equal(server.asked.length, 3);
  });
});
