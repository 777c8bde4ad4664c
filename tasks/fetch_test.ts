import { deepEqual, equal, match, ok } from "../tests/assert.ts";
import { patternedBytes, serveFile, TestServer } from "../lib/hub/test_server.ts";

const script = new URL("./fetch.ts", import.meta.url).href;

/** Runs the command as a person would, with no more permissions than named. */
async function run(permissions: string[], args: string[], env: Record<string, string> = {}) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-prompt", "--quiet", ...permissions, script, ...args],
    env,
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "esmscope-fetch-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fetch explains itself without any permission", async () => {
  const { code, stdout, stderr } = await run([], ["--help"]);
  deepEqual({ code, stderr }, { code: 0, stderr: "" });
  match(stdout, /^Usage: deno task fetch \[options\] \[model\]/);
});

Deno.test("fetch without a model, and with an unknown one, exits with 2 and one line", async () => {
  await inFolder(async (folder) => {
    const none = await run([], ["--cache", folder]);
    equal(none.code, 2);
    equal(none.stdout, "");
    match(none.stderr, /^error: Cannot fetch as the model must be named: .*\n$/);
    const typo = await run([], ["--cache", folder, "esm2_t6_8M"]);
    equal(typo.code, 2);
    match(typo.stderr, /^error: .*did you mean esm2_t6_8M_UR50D\?\)\n$/);
  });
});

Deno.test("fetch --list shows the checkpoints with read permission only", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/esm2_t6_8M_UR50D`);
    const text = "{}".padEnd(600);
    for (const name of ["config.json", "model.safetensors"]) {
      await Deno.writeTextFile(`${folder}/esm2_t6_8M_UR50D/${name}`, text);
    }
    const { code, stdout } = await run([`--allow-read=${folder}`], ["--list", "--cache", folder]);
    equal(code, 0);
    match(stdout, /esm2_t6_8M_UR50D +6 +7,512,474 +1\.20 kB +yes\n/);
    match(stdout, /esm2_t48_15B_UR50D +48 +15,129,100,194 +~60\.5 GB +no\n/);
    match(stdout, /esmfold_v1 +36 +3,525,038,915 +~8\.44 GB +no\n/);
  });
});

Deno.test("fetch names the missing permission in one line and exits with 1", async () => {
  await inFolder(async (folder) => {
    const { code, stderr } = await run(
      [`--allow-read=${folder}`, `--allow-write=${folder}`, "--allow-env=ESMSCOPE_HUB"],
      ["--cache", folder, "esm2_t6_8M_UR50D"],
      { ESMSCOPE_HUB: "http://127.0.0.1:8077" },
    );
    equal(code, 1);
    match(
      stderr,
      /^error: Cannot run without net access to 127\.0\.0\.1:8077: .*--allow-net=127.*\n$/,
    );
  });
});

Deno.test("fetch refuses weights that are not the published ones", async () => {
  await inFolder(async (folder) => {
    await using server = new TestServer((request) => {
      const small = request.url.endsWith("config.json");
      const bytes = small ? new TextEncoder().encode("{}") : patternedBytes(5000);
      return serveFile(request, { bytes });
    });
    const { code, stdout, stderr } = await run(
      [
        `--allow-read=${folder}`,
        `--allow-write=${folder}`,
        "--allow-env=ESMSCOPE_HUB",
        "--allow-net=127.0.0.1",
      ],
      ["--cache", folder, "esm2_t6_8M_UR50D"],
      { ESMSCOPE_HUB: server.url },
    );
    equal(code, 1);
    equal(stdout, "");
    match(stderr, /^Downloading esm2_t6_8M_UR50D \(5\.00 kB\) from http:/);
    match(stderr, /SHA-256 must be 24c5fa474c48/);
    deepEqual([...Deno.readDirSync(`${folder}/esm2_t6_8M_UR50D`)].map(({ name }) => name), [
      "config.json",
    ]);
  });
});

Deno.test("fetch brings the model that folds, and says how much that is before", async () => {
  await inFolder(async (folder) => {
    const asked: string[] = [];
    // The hub names large files by their SHA-256; what it says of the size is what a person reads.
    const bytes = patternedBytes(5000);
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    const serve = (etag: string) =>
      new TestServer((request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        const small = request.url.endsWith("config.json");
        const own = small ? new TextEncoder().encode("{}") : bytes;
        const response = serveFile(request, { bytes: own });
        if (!small) {
          response.headers.set("x-linked-size", String(bytes.length));
          response.headers.set("x-linked-etag", etag);
        }
        return response;
      });
    const permissions = [
      ...["--allow-read", `--allow-write=${folder}`, "--allow-env", "--allow-net=127.0.0.1"],
    ];
    const args = ["--cache", folder, "esmfold_v1"];
    {
      await using server = serve("0".repeat(64));
      const { code, stderr } = await run(permissions, args, { ESMSCOPE_HUB: server.url });
      equal(code, 1);
      match(stderr, /pytorch_model\.bin.*SHA-256 must be 0000/);
      equal(
        Deno.readDirSync(`${folder}/esmfold_v1`).toArray().map(({ name }) => name).join(),
        "config.json",
      );
    }
    await using server = serve(sha256);
    const { code, stdout, stderr } = await run(permissions, args, { ESMSCOPE_HUB: server.url });
    equal(code, 0, stderr);
    match(stderr, /^Downloading esmfold_v1 \(5\.00 kB\) from http:/);
    ok(
      asked.some((one) =>
        /GET .*\/facebook\/esmfold_v1\/resolve\/main\/pytorch_model\.bin$/.test(one)
      ),
    );
    equal(stdout.trim(), `${folder}/esmfold_v1`);
    deepEqual(await Deno.readFile(`${folder}/esmfold_v1/pytorch_model.bin`), bytes);
  });
});

Deno.test("fetch stores a sparse autoencoder by name and prints its file", async () => {
  await inFolder(async (folder) => {
    const asked: string[] = [];
    await using server = new TestServer((request) => {
      asked.push(new URL(request.url).pathname);
      return serveFile(request, { bytes: patternedBytes(700) });
    });
    const { code, stdout } = await run(
      ["--allow-read", `--allow-write=${folder}`, "--allow-env", "--allow-net=127.0.0.1"],
      ["--cache", folder, "interprot:l24"],
      { ESMSCOPE_HUB: server.url },
    );
    equal(code, 0);
    match(asked[0], /liambai\/InterProt-ESM2-SAEs\/.*esm2_plm1280_l24_sae4096\.safetensors$/);
    deepEqual(await Deno.readFile(stdout.trim()), patternedBytes(700));
  });
});

Deno.test({
  name: "fetch exits with 130 on Ctrl-C without a half file under the final name",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const asked = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      await using server = new TestServer((request) => {
        const small = request.url.endsWith("config.json");
        const bytes = small ? new TextEncoder().encode("{}") : patternedBytes(5000);
        if (request.method === "GET" && !small) asked.resolve();
        const stall = small ? {} : { cutAfter: 1000, beforeCut: release.promise };
        return serveFile(request, { bytes, ...stall });
      });
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-lock", "--no-prompt", "--quiet", "--allow-read", "--allow-write"],
          ...["--allow-env=ESMSCOPE_HUB", "--allow-net=127.0.0.1", script],
          ...["--cache", folder, "esm2_t6_8M_UR50D"],
        ],
        env: { ESMSCOPE_HUB: server.url },
        stdout: "null",
        stderr: "piped",
      }).spawn();
      await asked.promise;
      child.kill("SIGINT");
      const { code, stderr } = await child.output();
      release.resolve();
      equal(code, 130);
      match(new TextDecoder().decode(stderr), /\ninterrupted\n$/);
      const names = [...Deno.readDirSync(`${folder}/esm2_t6_8M_UR50D`)].map(({ name }) => name);
      equal(names.includes("model.safetensors"), false);
      equal(names.some((name) => name.endsWith(".lock")), false);
    }),
});
