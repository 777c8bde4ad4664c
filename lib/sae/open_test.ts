import { deepEqual, equal, match, ok, rejects } from "../../tests/assert.ts";
import type { Checkpoint } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import type { FetchOptions } from "../hub/fetch_model.ts";
import { type OpenedModel, openModel } from "../hub/open_model.ts";
import { describeSaes, findSae } from "../hub/saes.ts";
import { inFolder, noWait as retry, sha } from "../hub/test_download.ts";
import { serveFile, TestServer } from "../hub/test_server.ts";
import { openSae } from "./open.ts";
import { interplmArrays, interprotArrays, safetensorsFile, torchFile } from "./testing/files.ts";
import { writeSae } from "./write.ts";

const dModel = 16, latents = 80;

/** A model of which only the name and the sizes matter. */
function model(name: string, layers: number): OpenedModel {
  const checkpoint = {
    config: { layers, dModel },
    sha256: () => Promise.resolve("a".repeat(64)),
  } as unknown as Checkpoint;
  return { name, checkpoint, embedded: false, [Symbol.dispose]: () => {} };
}

const small = model("esm2_t6_8M_UR50D", 6), large = model("esm2_t33_650M_UR50D", 33);

async function refuses(work: Promise<unknown>, says: RegExp): Promise<void> {
  await rejects(work, (error: Error) => {
    ok(error instanceof UserError, String(error));
    match(error.message, says);
    equal(error.message.includes("\n"), false);
    return true;
  });
}

Deno.test("findSae knows the published files by name, layer and variant", () => {
  const file = (spec: string, layer?: number) => {
    const entry = findSae(spec, layer);
    return entry && `${entry.spec} ${entry.repository} ${entry.files[0].name}`;
  };
  const prot = "liambai/InterProt-ESM2-SAEs", plm = "Elana/InterPLM-esm2-650m";
  equal(file("interprot:l24"), `interprot:l24 ${prot} esm2_plm1280_l24_sae4096.safetensors`);
  equal(file("interprot", 33), `interprot:l33 ${prot} esm2_plm1280_l33_sae4096.safetensors`);
  equal(
    file("interprot:l24_100k"),
    `interprot:l24_100k ${prot} esm2_plm1280_l24_sae4096_100k.safetensors`,
  );
  equal(file("interplm-650m:l18"), `interplm-650m:l18 ${plm} layer_18/ae_normalized.pt`);
  equal(
    file("interplm-650m:l18_unnormalized", 18),
    `interplm-650m:l18_unnormalized ${plm} layer_18/ae_unnormalized.pt`,
  );
  for (const other of ["some/file.pt", "interpret", "interprot.pt", "./interprot:l4"]) {
    equal(findSae(other), undefined, other);
  }
  match(describeSaes(), /interprot:l\{4,8,12,16,20,24,28,32,33\}, interprot:l\{24\}_100k/);
});

Deno.test("findSae refuses layers and variants that are not published", async () => {
  for (const spec of ["interprot:l5", "interprot", "interprot:l4_100k", "interplm-8m:l3_old"]) {
    await refuses(
      (async () => await findSae(spec))(),
      /Cannot fetch inter.*must be named.*current value is/,
    );
  }
  await refuses(
    (async () => await findSae("interprot:l24", 8))(),
    /--layer 8 with --sae interprot/,
  );
});

Deno.test("openSae fetches a published SAE once and remembers what it read", async () => {
  const bytes = await torchFile(interplmArrays(dModel, latents));
  await using hub = new TestServer((request) => {
    const { pathname, origin } = new URL(request.url);
    if (pathname.startsWith("/blob/")) return serveFile(request, { bytes, etag: '"e"' });
    const headers = {
      location: `${origin}/blob/1`,
      "x-linked-size": String(bytes.length),
      "x-linked-etag": `"${sha(bytes)}"`,
    };
    return new Response(null, { status: 302, headers });
  });
  await inFolder(async (cache) => {
    const notes: string[] = [];
    const options: FetchOptions & { layer: undefined } = {
      ...{ cache, hub: hub.url, retry, layer: undefined },
      note: (line: string) => void notes.push(line),
    };
    const { sae, sha256, file, layout, notes: said } = await openSae(
      "interplm-8m:l3",
      options,
      small,
    );
    deepEqual([sae.config.name, sae.config.depth, layout], ["interplm-8m:l3", 3, "interplm"]);
    equal(sha256, sha(bytes));
    equal(file, `${cache}/sae/interplm-8m/layer_3/ae_normalized.pt`);
    deepEqual(said, []);
    match(notes.join("\n"), /Downloading sae\/interplm-8m .* from http.*sae\/interplm-8m$/);
    ok(hub.asked[0].path.startsWith("/Elana/InterPLM-esm2-8m/resolve/main/layer_3/"));
    const asked = hub.asked.length;
    const again = await openSae("interplm-8m", { ...options, layer: 3 }, large);
    equal(hub.asked.length, asked);
    match(again.notes.join(), /interplm-8m:l3 was trained on esm2_t6_8M_UR50D, not on esm2_t33/);
  });
});

Deno.test("openSae chooses the file of a layer in a folder", async () => {
  await inFolder(async (dir) => {
    await Deno.mkdir(`${dir}/layer_2`);
    await Deno.mkdir(`${dir}/other`);
    const plm = await torchFile(interplmArrays(dModel, latents));
    await Deno.writeFile(`${dir}/layer_2/ae_normalized.pt`, plm);
    await Deno.writeFile(`${dir}/layer_2/ae_unnormalized.pt`, plm);
    await Deno.writeFile(`${dir}/other/layer_4.pt`, plm);
    await Deno.writeTextFile(`${dir}/layer_5.md`, "notes");
    const only = await openSae(dir, {}, small);
    deepEqual([only.file, only.sae.config.depth], [`${dir}/layer_2/ae_normalized.pt`, 2]);
    await Deno.writeFile(
      `${dir}/esm2_l4_sae.safetensors`,
      safetensorsFile(interprotArrays(dModel, latents)),
    );
    equal((await openSae(dir, { layer: 4 }, small)).layout, "interprot");
    equal((await openSae(dir, { layer: 2 }, small)).layout, "interplm");
    await refuses(openSae(dir, {}, small), /--layer must single one out \(2, 4\).*none/);
    await refuses(openSae(dir, { layerOption: "--layers" }, small), /--layers must single one out/);
    await refuses(openSae(dir, { layer: 3 }, small), /\(2, 4\): current value is 3, 0 files/);
    await refuses(openSae(`${dir}/other`, { layer: 9 }, small), /layer must be in 1\.\.6/);
    await Deno.mkdir(`${dir}/empty`);
    await refuses(openSae(`${dir}/empty`, {}, small), /it has none/);
  });
});

Deno.test("openSae takes the embedded model's own SAE, of layer 4 unless told", async () => {
  using embedded = await openModel(undefined);
  for (const [spec, layer, depth] of [[undefined, undefined, 4], ["embedded", 5, 5]] as const) {
    const { sae, layout, sha256, file, notes } = await openSae(spec, { layer }, embedded);
    equal(sae.config.depth, depth);
    equal(sae.config.name, `esm2_t6_1M_PF20:l${depth}`);
    equal(layout, "esmscope");
    equal(sha256, sha(await Deno.readFile(file)));
    // It was trained on these very weights.
    deepEqual(notes, []);
  }
  await refuses(
    openSae(undefined, { layer: 6 }, embedded),
    /one of 1, 2, 3, 4, 5: current value is 6/,
  );
  await refuses(openSae(undefined, {}, large), /--sae must name one.*interprot:l\{4,8/);
  await refuses(openSae("embedded", {}, large), /belongs to esm2_t6_1M_PF20/);
  await refuses(openSae("no/such.pt", {}, large), /existing file or folder.*"no\/such\.pt"/);
});

Deno.test("openSae warns where an SAE was trained on other weights", async () => {
  await inFolder(async (dir) => {
    using embedded = await openModel(undefined);
    const { sae } = await openSae(undefined, {}, embedded);
    const metadata = { model: "another", model_sha256: "b".repeat(64) };
    await writeSae(`${dir}/own.safetensors`, sae, metadata);
    const { notes } = await openSae(`${dir}/own.safetensors`, {}, embedded);
    equal(notes.length, 1);
    match(notes[0], /^Warning: .*other weights \(another, SHA-256 bbbbbbbbbbbb…\)/);
  });
});
