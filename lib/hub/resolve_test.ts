import { deepEqual, equal, match, ok, rejects } from "../../tests/assert.ts";
import { Progress, type ProgressInit } from "../cli/progress.ts";
import { UserError } from "../errors.ts";
import { fetchModel } from "./fetch_model.ts";
import type { ModelEntry } from "./manifest.ts";
import { nearestModel } from "./manifest.ts";
import { resolveModel } from "./resolve.ts";
import { inFolder, noWait as retry, sha } from "./test_download.ts";
import { patternedBytes, serveFile, TestServer } from "./test_server.ts";

const entry: ModelEntry = {
  name: "esm2_test",
  layers: 1,
  d: 8,
  heads: 1,
  parameters: 1000,
  licence: "MIT",
  repository: "someone/esm2_test",
  revision: "main",
  files: [{ name: "config.json" }],
  index: "pytorch_model.bin.index.json",
};
const base = "/someone/esm2_test/resolve/main/";
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const sharded: Record<string, Uint8Array> = {
  "config.json": json({ num_hidden_layers: 1 }),
  "pytorch_model.bin.index.json": json({ weight_map: { a: "b2.bin", b: "b1.bin" } }),
  "b1.bin": patternedBytes(5000, 1),
  "b2.bin": patternedBytes(7000, 2),
};

/** A hub that keeps large files elsewhere and names their size and SHA-256 on the redirect. */
function hubOf(files: Record<string, Uint8Array>, tag = sha): TestServer {
  return new TestServer((request) => {
    const { pathname, origin } = new URL(request.url);
    const bytes = files[pathname.replace(/^.*\//, "")];
    if (!bytes) return new Response("none", { status: 404 });
    const stored = pathname.startsWith("/blob/");
    if (stored || !pathname.endsWith(".bin")) return serveFile(request, { bytes, etag: '"e"' });
    const headers = {
      location: pathname.replace(base, `${origin}/blob/`),
      "x-linked-size": String(bytes.length),
      "x-linked-etag": `"${tag(bytes)}"`,
    };
    return new Response(null, { status: 302, headers });
  });
}

Deno.test("fetchModel gets every shard of the index, after one note with size and place", async () => {
  await inFolder(async (cache) => {
    await using hub = hubOf(sharded);
    const notes: string[] = [];
    const options = { cache, hub: `${hub.url}/`, retry, note: (line: string) => notes.push(line) };
    const { path, complete, files } = await fetchModel(entry, options);
    equal(complete, true);
    equal(files.length, 4);
    for (const [name, bytes] of Object.entries(sharded)) {
      deepEqual(new Uint8Array(await Deno.readFile(`${path}/${name}`)), new Uint8Array(bytes));
    }
    equal(notes.length, 1);
    match(notes[0], /^Downloading esm2_test \(12.0 kB\) from http:\S+ to /);
    const asked = hub.asked.length;
    await fetchModel(entry, options);
    equal(hub.asked.length, asked, "a complete checkpoint needs no network");
    equal(notes.length, 1);
  });
});

Deno.test("fetchModel takes a configuration or index that cannot be read for none", async () => {
  const good = ["config.json", "pytorch_model.bin.index.json"];
  const damaged = ["", "{", "null", "[]", "<html>", '{"weight_map":{"a":"../x"}}x', "\0\0\0"];
  for (const name of good) {
    for (const text of damaged) {
      await inFolder(async (cache) => {
        await using hub = hubOf(sharded);
        const options = { cache, hub: hub.url, retry };
        const { path } = await fetchModel(entry, options);
        await Deno.writeTextFile(`${path}/${name}`, text);
        const asked = hub.asked.length;
        const { complete } = await fetchModel(entry, options);
        equal(complete, true, text);
        deepEqual(hub.asked.slice(asked).map(({ path }) => path), [`${base}${name}`], text);
        equal(
          await Deno.readTextFile(`${path}/${name}`),
          new TextDecoder().decode(sharded[name]),
        );
      });
    }
  }
});

Deno.test("fetchModel with force does not look at what the cache has", async () => {
  await inFolder(async (cache) => {
    await using hub = hubOf(sharded);
    const { path } = await fetchModel(entry, { cache, hub: hub.url, retry });
    const index = `${path}/${entry.index}`;
    await Deno.writeTextFile(index, '{"weight_map":{"a":"/etc/passwd"}}');
    if (Deno.build.os !== "windows") await Deno.chmod(index, 0o000);
    equal((await fetchModel(entry, { cache, hub: hub.url, retry, force: true })).complete, true);
    equal(JSON.parse(await Deno.readTextFile(index)).weight_map.a, "b2.bin");
  });
});

Deno.test("fetchModel gives no name to a configuration or index that cannot be read", async () => {
  for (const name of ["config.json", "pytorch_model.bin.index.json"]) {
    for (const text of ["<html>Sign in</html>", "[]", '{"weight_map": 3', ""]) {
      await inFolder(async (cache) => {
        await using hub = hubOf({ ...sharded, [name]: new TextEncoder().encode(text) });
        await rejects(
          fetchModel(entry, { cache, hub: hub.url, retry }),
          new RegExp(`^Error: Cannot use "${name}" from http\\S+ as its? (weight_map )?must `),
        );
        const left = [...Deno.readDirSync(`${cache}/${entry.name}`)].map(({ name }) => name);
        equal(left.includes(name), false, left.join());
        equal(left.some((each) => each.includes(".part")), false, left.join());
      });
    }
  }
});

Deno.test("fetchModel gets only what is missing", async () => {
  await inFolder(async (cache) => {
    await using hub = hubOf(sharded);
    const options = { cache, hub: hub.url, retry };
    const { path } = await fetchModel(entry, options);
    await Deno.remove(`${path}/b2.bin`);
    const before = hub.asked.length;
    await fetchModel(entry, options);
    deepEqual(
      hub.asked.slice(before).map(({ method, path }) => `${method} ${path}`),
      [`HEAD ${base}b2.bin`, `GET ${base}b2.bin`, "GET /blob/b2.bin"],
    );
  });
});

Deno.test("fetchModel starts its progress at the bytes of an earlier run", async () => {
  await inFolder(async (cache) => {
    await using hub = hubOf(sharded);
    await Deno.mkdir(`${cache}/esm2_test`);
    await Deno.writeFile(`${cache}/esm2_test/b2.bin.part`, sharded["b2.bin"].slice(0, 3000));
    const started: ProgressInit[] = [];
    const progress = (init: ProgressInit) => {
      started.push(init);
      return new Progress({ ...init, silent: true });
    };
    await fetchModel(entry, { cache, hub: hub.url, retry, progress });
    deepEqual(started.map(({ label, done, total }) => [label, done, total]), [
      ["b1.bin", 0, 5000],
      ["b2.bin", 3000, 7000],
    ]);
    equal(hub.ranges.at(-1), "bytes=3000-");
  });
});

Deno.test("fetchModel checks shards against the hub's own SHA-256", async () => {
  await inFolder(async (cache) => {
    await using hub = hubOf(sharded, () => "0".repeat(64));
    await rejects(fetchModel(entry, { cache, hub: hub.url, retry }), /SHA-256 must be 0{64}/);
    deepEqual(
      [...Deno.readDirSync(`${cache}/esm2_test`)].map(({ name }) => name).sort(),
      ["config.json", "pytorch_model.bin.index.json"],
    );
  });
});

Deno.test("fetchModel refuses a file that is not the published one before downloading it", async () => {
  await inFolder(async (cache) => {
    await using hub = hubOf(sharded);
    const sha256 = "1".repeat(64);
    const pinned = { ...entry, files: [...entry.files, { name: "b1.bin", sha256 }] };
    await rejects(
      fetchModel(pinned, { cache, hub: hub.url, retry }),
      (error: Error) =>
        error.message.includes(sha256) && error.message.includes(sha(sharded["b1.bin"])),
    );
    equal(hub.asked.some(({ method, path }) => method === "GET" && path.endsWith(".bin")), false);
  });
});

Deno.test("fetchModel reports a missing shard as a UserError, estimating an unknown size", async () => {
  await inFolder(async (cache) => {
    const { "b2.bin": _, ...rest } = sharded;
    await using hub = hubOf(rest);
    await rejects(fetchModel(entry, { cache, hub: hub.url, retry }), (error: Error) => {
      ok(error instanceof UserError);
      match(error.message, /"b2.bin" as the hub must have it: HTTP 404/);
      return true;
    });
    await using blind = new TestServer((request) =>
      request.method === "HEAD"
        ? new Response(null, { status: 405 })
        : serveFile(request, { bytes: sharded[request.url.replace(/^.*\//, "")] as Uint8Array })
    );
    const notes: string[] = [];
    await fetchModel(entry, {
      cache,
      hub: blind.url,
      retry,
      note: (line) => notes.push(line),
    });
    match(notes[0], /\(about 4.00 kB\)/);
  });
});

Deno.test("resolveModel gives an existing file or folder as it is", async () => {
  await inFolder(async (folder) => {
    const dir = `${folder}/mine`;
    await Deno.mkdir(`${dir}/sub`, { recursive: true });
    for (const name of ["model.safetensors", "config.json", "esm2_t6_8M_UR50D.pt"]) {
      await Deno.writeTextFile(`${dir}/${name}`, "");
    }
    const found = await resolveModel(dir);
    equal(found.name, "mine");
    equal(found.path, dir);
    equal(found.files.length, 3);
    deepEqual(await resolveModel(`${dir}/esm2_t6_8M_UR50D.pt`), {
      name: "esm2_t6_8M_UR50D",
      path: `${dir}/esm2_t6_8M_UR50D.pt`,
      files: [`${dir}/esm2_t6_8M_UR50D.pt`],
    });
    equal((await resolveModel(`${dir}/model.safetensors`)).name, "mine");
  });
});

Deno.test("resolveModel gives a cached checkpoint without network, also by owner/name", async () => {
  await inFolder(async (cache) => {
    await Deno.mkdir(`${cache}/esm2_t6_8M_UR50D`);
    for (const name of ["model.safetensors", "config.json"]) {
      await Deno.writeTextFile(`${cache}/esm2_t6_8M_UR50D/${name}`, "{}");
    }
    for (const spec of ["esm2_t6_8M_UR50D", "facebook/esm2_t6_8M_UR50D"]) {
      const { name, path, files, entry } = await resolveModel(spec, { cache, hub: "none:" });
      equal(name, "esm2_t6_8M_UR50D");
      equal(path.endsWith("esm2_t6_8M_UR50D"), true);
      equal(files.length, 2);
      equal(entry?.layers, 6);
    }
  });
});

Deno.test("resolveModel lists the known names for anything else", async () => {
  await rejects(resolveModel("esm2_t33_650m_ur50d"), (error: Error) => {
    ok(error instanceof UserError);
    match(error.message, /esm2_t6_8M_UR50D, .*esm2_t48_15B_UR50D, or an existing path/);
    match(error.message, /did you mean esm2_t33_650M_UR50D\?/);
    return true;
  });
});

Deno.test("nearestModel understands sizes and typos, and does not guess wildly", () => {
  equal(nearestModel("650M"), "esm2_t33_650M_UR50D");
  equal(nearestModel("esm2-3b"), "esm2_t36_3B_UR50D");
  equal(nearestModel("esm2_t6_8M_UR50"), "esm2_t6_8M_UR50D");
  equal(nearestModel("esm2_t12_35N_UR50D"), "esm2_t12_35M_UR50D");
  equal(nearestModel("protbert"), undefined);
});
