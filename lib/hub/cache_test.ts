import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { cacheDir, inspectCache } from "./cache.ts";
import { findModel, models } from "./manifest.ts";
import { readShardNames } from "./shards.ts";

function at(os: string, variables: Record<string, string>): string {
  return cacheDir({ os, env: (name) => variables[name] }).replaceAll("\\", "/");
}

Deno.test("cacheDir is ESMSCOPE_CACHE, otherwise the platform's place", () => {
  const home = { HOME: "/home/ada" };
  equal(at("linux", { ...home, ESMSCOPE_CACHE: "/big", XDG_CACHE_HOME: "/xdg" }), "/big");
  equal(at("linux", { ...home, XDG_CACHE_HOME: "/xdg" }), "/xdg/esmscope");
  equal(at("linux", { ...home, XDG_CACHE_HOME: "relative" }), "/home/ada/.cache/esmscope");
  equal(at("linux", home), "/home/ada/.cache/esmscope");
  equal(at("darwin", { ...home, XDG_CACHE_HOME: "/xdg" }), "/home/ada/Library/Caches/esmscope");
  equal(at("windows", { LOCALAPPDATA: "/local", HOME: "/h" }), "/local/esmscope");
  throws(() => at("linux", {}), UserError);
});

Deno.test("inspectCache is complete only with every shard that the index names", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const entry = findModel("esm2_t48_15B_UR50D")!;
    const folder = `${cache}/${entry.name}`;
    await Deno.mkdir(folder);
    equal((await inspectCache(cache, entry)).complete, false);
    await Deno.writeTextFile(`${folder}/config.json`, "{}");
    equal((await inspectCache(cache, entry)).complete, false);
    const index = JSON.stringify({ weight_map: { a: "s2.bin", b: "s1.bin", c: "s2.bin" } });
    await Deno.writeTextFile(`${folder}/${entry.index}`, index);
    await Deno.writeTextFile(`${folder}/s1.bin`, "12345");
    await Deno.writeTextFile(`${folder}/s2.bin.part`, "123");
    const partly = await inspectCache(cache, entry);
    equal(partly.complete, false);
    equal(partly.sizeBytes, 2 + index.length + 5 + 3);
    await Deno.rename(`${folder}/s2.bin.part`, `${folder}/s2.bin`);
    const whole = await inspectCache(cache, entry);
    equal(whole.complete, true);
    deepEqual(
      whole.files.map((file) => file.replace(/^.*[/\\]/, "")),
      ["config.json", entry.index!, "s1.bin", "s2.bin"],
    );
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("readShardNames refuses names that lead out of the folder, and non-indexes", () => {
  for (const name of ["../x", "a/b", "a\\b", ".hidden", "", 3]) {
    const text = JSON.stringify({ weight_map: { a: name } });
    throws(() => readShardNames(text, "index"), /plain file names/);
  }
  throws(() => readShardNames("{}", "index"), /weight_map/);
  throws(() => readShardNames("null", "index"), /weight_map/);
});

Deno.test("models of the manifest name their layers and are consistent", () => {
  equal(models.length, 6);
  for (const { name, layers, d, heads, parameters, files, index } of models) {
    equal(name.includes(`_t${layers}_`), true, name);
    equal(d % heads, 0, name);
    // Closed form: blocks (4 projections, 2 feed-forward, biases, 2 norms), embedding, final norm,
    // language head, contact head.
    const block = 12 * d * d + 13 * d;
    const head = d * d + d + 2 * d + 33;
    equal(layers * block + 33 * d + 2 * d + head + layers * heads + 1, parameters, name);
    for (const { sha256 } of files) if (sha256) equal(/^[0-9a-f]{64}$/.test(sha256), true, name);
    equal(index !== undefined || files.some((file) => file.sha256), true, name);
  }
});
