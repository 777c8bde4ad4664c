/** Caches that other tools filled, laid out here as huggingface_hub and torch.hub lay them out. */
import { dirname, join } from "node:path";
import { deepEqual, equal, match, rejects } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { fetchModel } from "./fetch_model.ts";
import {
  findLocal,
  findSnapshot,
  huggingFaceCache,
  isOffline,
  namedHub,
  repositoryName,
  torchCache,
} from "./local.ts";
import { type HubEntry, models } from "./manifest.ts";
import { openModel } from "./open_model.ts";
import { resolveModel } from "./resolve.ts";
import { inFolder, noWait } from "./test_download.ts";
import { TestServer } from "./test_server.ts";

const fixture = new URL("../../tests/fixtures/rand_t2_d64_h4/", import.meta.url);
const small = models[0], published = small.files[1].sha256!;
const platform = (variables: Record<string, string>) => ({
  os: "linux",
  env: (name: string) => variables[name],
});

/** Runs with variables set, and puts them back. */
async function withEnv(
  variables: Record<string, string>,
  work: () => Promise<void>,
): Promise<void> {
  const all = ["ESMSCOPE_CACHE", "ESMSCOPE_HUB", "HF_HOME", "HF_HUB_CACHE", "TORCH_HOME"];
  const names = [...new Set([...all, ...Object.keys(variables)])];
  const before = names.map((name) => Deno.env.get(name));
  try {
    for (const name of names) Deno.env.delete(name);
    for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
    await work();
  } finally {
    names.forEach((name, i) =>
      before[i] === undefined ? Deno.env.delete(name) : Deno.env.set(name, before[i])
    );
  }
}

/** A snapshot whose files are links to blobs, as on every system that has links. */
async function addSnapshot(
  cache: string,
  folder: string,
  revision: string,
  files: Record<string, { blob: string; from: string }>,
): Promise<string> {
  const snapshot = join(cache, folder, "snapshots", revision);
  await Deno.mkdir(snapshot, { recursive: true });
  await Deno.mkdir(join(cache, folder, "blobs"), { recursive: true });
  for (const [name, { blob, from }] of Object.entries(files)) {
    await Deno.copyFile(new URL(from, fixture), join(cache, folder, "blobs", blob));
    await Deno.symlink(join("..", "..", "blobs", blob), join(snapshot, name));
  }
  return snapshot;
}

async function setMain(cache: string, folder: string, revision: string): Promise<void> {
  const ref = join(cache, folder, "refs", "main");
  await Deno.mkdir(dirname(ref), { recursive: true });
  await Deno.writeTextFile(ref, revision);
}

const whole = (sha256: string) => ({
  "config.json": { blob: "0123456789abcdef0123456789abcdef01234567", from: "config.json" },
  "model.safetensors": { blob: sha256, from: "model.safetensors" },
});

Deno.test("caches of other tools lie where these tools' variables say", () => {
  const at = (variables: Record<string, string>) => huggingFaceCache(platform(variables));
  const home = { HOME: "/home/ada" };
  equal(at(home), "/home/ada/.cache/huggingface/hub");
  equal(at({ ...home, XDG_CACHE_HOME: "/xdg" }), "/xdg/huggingface/hub");
  equal(at({ ...home, HF_HOME: "~/hf" }), "/home/ada/hf/hub");
  equal(at({ ...home, HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" }), "/old");
  equal(at({ ...home, HF_HOME: "/hf", HF_HUB_CACHE: "/c" }), "/c");
  equal(at({}), undefined);
  const torch = (variables: Record<string, string>) => torchCache(platform(variables));
  equal(torch(home), "/home/ada/.cache/torch/hub/checkpoints");
  equal(torch({ ...home, TORCH_HOME: "/t" }), "/t/hub/checkpoints");
  equal(namedHub(platform({ HF_ENDPOINT: "https://mirror.example" })), "https://mirror.example");
  equal(namedHub(platform({ HF_ENDPOINT: "https://a", ESMSCOPE_HUB: "https://b" })), "https://b");
  equal(isOffline(platform({ HF_HUB_OFFLINE: "1" })), true);
  equal(isOffline(platform({ TRANSFORMERS_OFFLINE: "yes" })), true);
  equal(isOffline(platform({ HF_HUB_OFFLINE: "0" })), false);
});

Deno.test("a checkpoint in Hugging Face's cache is used by name, without a download", () =>
  inFolder(async (dir) => {
    const folder = "models--facebook--esm2_t6_8M_UR50D";
    const path = await addSnapshot(dir, folder, "abc", whole(published));
    await addSnapshot(dir, folder, "older", {});
    await setMain(dir, folder, "abc\n");
    await withEnv({ HF_HUB_CACHE: dir, ESMSCOPE_CACHE: `${dir}/none` }, async () => {
      const notes: string[] = [];
      const found = await resolveModel(small.name, { note: (line) => notes.push(line) });
      deepEqual([found.name, found.path], [small.name, path]);
      match(notes.join("\n"), /^Uses \S+abc of Hugging Face's cache; nothing is downloaded\.$/);
      using model = await openModel(small.repository, { cachedOnly: true });
      equal(model.checkpoint.config.layers, 2);
    });
  }));

Deno.test("weights that the cache calls by another SHA-256, or that lack files, are not used", () =>
  inFolder(async (dir) => {
    const folder = "models--facebook--esm2_t6_8M_UR50D", env = platform({ HF_HUB_CACHE: dir });
    const path = await addSnapshot(dir, folder, "abc", whole("f".repeat(64)));
    equal(await findLocal(small, env), undefined);
    await Deno.remove(`${path}/model.safetensors`);
    equal(await findLocal(small, env), undefined);
    // An older version of the libraries downloaded the other format.
    await Deno.copyFile(new URL("model.safetensors", fixture), `${path}/pytorch_model.bin`);
    deepEqual((await findLocal(small, env))?.files, [
      `${path}/config.json`,
      `${path}/pytorch_model.bin`,
    ]);
  }));

Deno.test("a file of a repository, such as an autoencoder, is found in the cache too", () =>
  inFolder(async (dir) => {
    const entry: HubEntry = {
      name: "sae/one",
      parameters: 1,
      repository: "some/saes",
      revision: "main",
      files: [{ name: "one.safetensors" }],
    };
    const env = platform({ HF_HUB_CACHE: dir });
    equal(await findLocal(entry, env), undefined);
    const blob = { blob: "a".repeat(64), from: "model.safetensors" };
    const path = await addSnapshot(dir, "models--some--saes", "r1", { "one.safetensors": blob });
    deepEqual((await findLocal(entry, env))?.files, [`${path}/one.safetensors`]);
  }));

Deno.test("a folder of Hugging Face's cache goes by its repository's name", () =>
  inFolder(async (dir) => {
    const folder = "models--some-lab--my-esm2";
    const path = await addSnapshot(dir, folder, "abc", whole("b".repeat(64)));
    await addSnapshot(dir, folder, "def", {});
    await rejects(
      openModel(`${dir}/${folder}`),
      /^UserError: Cannot open ".*" as one of its snapshots must .*: it has abc, def$/,
    );
    await setMain(dir, folder, "abc");
    for (const spec of [`${dir}/${folder}`, path, `${path}/`, `${path}/model.safetensors`]) {
      using model = await openModel(spec);
      equal(model.name, "my-esm2", spec);
    }
    await withEnv({ HF_HUB_CACHE: dir }, async () => {
      using model = await openModel("some-lab/my-esm2");
      equal(model.name, "my-esm2");
      await rejects(openModel("some-lab/other"), /^UserError: Cannot open the model/);
    });
    equal(repositoryName("/x/models--gpt2/snapshots/0"), "gpt2");
    equal(repositoryName("/x/other"), undefined);
    equal(await findSnapshot(dir, "some-lab/my-esm2", "def"), join(dirname(path), "def"));
  }));

Deno.test("fair-esm's download in torch's cache is used, with its contact head", () =>
  inFolder(async (dir) => {
    const checkpoints = `${dir}/hub/checkpoints`;
    await Deno.mkdir(checkpoints, { recursive: true });
    const source = new URL("../../tests/fixtures/esm2_t4_800K_SP50/", import.meta.url);
    for (const end of [".pt", "-contact-regression.pt"]) {
      await Deno.copyFile(
        new URL(`esm2_t4_800K_SP50${end}`, source),
        `${checkpoints}/${small.name}${end}`,
      );
    }
    const env = { TORCH_HOME: dir, ESMSCOPE_CACHE: `${dir}/none`, HF_HUB_CACHE: `${dir}/none` };
    await withEnv(env, async () => {
      using model = await openModel(small.name, { cachedOnly: true });
      equal(model.name, small.name);
      equal(model.checkpoint.files.length, 2);
      equal(model.checkpoint.notes.length, 0);
    });
  }));

Deno.test("without a network the alternatives are named at once, with where was looked", () =>
  inFolder(async (dir) => {
    const server = new TestServer(() => new Response("never")), { url } = server;
    await server[Symbol.asyncDispose]();
    const env = { HF_HUB_CACHE: `${dir}/hf`, TORCH_HOME: `${dir}/torch`, ESMSCOPE_CACHE: dir };
    await withEnv({ ...env, HF_ENDPOINT: url }, async () => {
      let waits = 0;
      const retry = { ...noWait, delayMs: () => ++waits };
      await rejects(fetchModel(small, { retry }), (error: Error) => {
        equal(error instanceof UserError, true);
        match(error.message, /must answer: .*refused/i);
        for (const place of [`${dir}/${small.name}`, `${dir}/hf`, `${dir}/torch/hub/checkpoints`]) {
          match(error.message, new RegExp(place.replaceAll(".", "\\.")));
        }
        match(error.message, /a folder or file of your own .*, and HF_ENDPOINT names a mirror$/);
        return true;
      });
      equal(waits, 0);
    });
    await withEnv({ ...env, HF_HUB_OFFLINE: "1" }, async () => {
      await rejects(fetchModel(small), /^UserError: Cannot fetch \S+ as HF_HUB_OFFLINE forbids/);
    });
  }));

Deno.test("a hub that takes connections and answers nothing is given up after two", () =>
  inFolder(async (dir) => {
    const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const taken: Deno.Conn[] = [];
    const taking = (async () => {
      for await (const connection of silent) taken.push(connection);
    })();
    const retry = { ...noWait, connectMs: 20 };
    const hub = `http://127.0.0.1:${silent.addr.port}`;
    await rejects(fetchModel(small, { hub, cache: dir, retry }), /no byte came for 0.02 s/);
    silent.close();
    await taking;
    equal(taken.length, 2);
    for (const connection of taken) connection.close();
  }));
