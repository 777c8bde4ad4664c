import { openBackend } from "../backend/mod.ts";
import { withTempDir } from "../checkpoint/testing/files.ts";
import { allClose, deepEqual, equal, match, ok, rejects } from "../../tests/assert.ts";
import { fixturePath, readFixture } from "../../tests/fixtures.ts";
import { ESMFOLD_V1 } from "./config.ts";
import { openFold } from "./open.ts";
import { foldChains } from "./input.ts";
import { EsmFold } from "./model.ts";
import { foldTensors } from "./tensors.ts";
import { type FolderChanges, writeFoldFolder } from "./testing/folder.ts";
import { omegaConf, type Wrap, writeFairEsmPair } from "./testing/pair.ts";

Deno.test("openFold reads Hugging Face's folder, with its language model", async () => {
  using model = await openFold(fixturePath("esmfold/model"));
  equal(model.name, "model");
  const { single, pair, blocks, passes, structure } = model.config;
  equal(JSON.stringify([single, pair, blocks, passes]), "[32,16,2,4]");
  equal(structure.headWidth, 4);
  equal(model.esm.config.layers, 2);
  const stored = readFixture("esmfold/model/model", ["I64"]);
  const name = "trunk.blocks.1.tri_mul_in.linear_z.weight";
  const [own, other] = [await model.read(name), stored[name].data];
  ok(own.every((value, i) => value === other[i]));
});

Deno.test("foldTensors names what esmfold_v1 holds, with its shapes", async () => {
  const path = new URL("../../tests/fixtures/esmfold/esmfold_v1_keys.json", import.meta.url);
  const { shapes } = JSON.parse(await Deno.readTextFile(path)) as {
    shapes: Record<string, number[]>;
  };
  const esm = {
    ...{ layers: 36, dModel: 2560, heads: 40, headDim: 64, ffn: 10240, tokenDropout: true },
  };
  const found = new Map<string, string>();
  let parameters = 0;
  for (const [name, shape] of foldTensors(ESMFOLD_V1, esm)) {
    parameters += shape.reduce((product, extent) => product * extent, 1);
    found.set(name.replace(/^(trunk\.blocks)\.\d+\./, "$1.{0..47}."), `${shape}`);
  }
  // FACTS: the trunk, and what is beside it and the language model.
  equal(parameters, 688_548_524 + 4_046_070);
  const foreign: string[] = [];
  for (const [name, shape] of Object.entries(shapes)) {
    if (/^esm\./.test(name) || name === "af2_to_esm") continue;
    if (found.get(name) !== `${shape}`) foreign.push(name);
    found.delete(name);
  }
  match(foreign.join(), /^$/);
  match([...found.keys()].join(), /^$/);
});

/** What a model gives of a protein, as bytes. */
async function positionsOf(path: string): Promise<Float64Array> {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  using checkpoint = await openFold(path);
  await using model = await EsmFold.open(checkpoint, backend);
  const { positions37 } = await model.fold(foldChains({ id: "x", residues: "MKTAYIAK" }), {
    recycles: 0,
  });
  return positions37;
}

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({
    name,
    // The native library's threads outlive a run.
    ...{ sanitizeOps: false, sanitizeResources: false },
    fn: () => withTempDir(fn),
  });

test("openFold reads fair-esm's two files, whatever their configuration is made of", async (dir) => {
  const expected = await positionsOf(fixturePath("esmfold/model"));
  const made: Wrap[] = [
    (entries) => ({ dict: entries }),
    (entries) => ({ namespace: entries }),
    omegaConf,
  ];
  for (const wrap of made) {
    const path = await writeFairEsmPair(dir, wrap);
    // Frequencies, which these files lack, are computed as they are published, in half precision.
    allClose(await positionsOf(path), expected, { atol: 2e-3 });
    using model = await openFold(path);
    equal(model.name, "esmfold_tiny");
    equal(model.config.languageModel, "esm2_tiny");
  }
  // Another trunk is another model, though its language model is the same.
  const hash = async () => {
    using model = await openFold(`${dir}/esmfold_tiny.pt`);
    return await model.esm.sha256();
  };
  const before = await hash();
  await writeFairEsmPair(dir, omegaConf, (all) => all.get("ptm_head.bias")!.fill(1));
  ok(await hash() !== before);
  await Deno.remove(`${dir}/esm2_tiny.pt`);
  await rejects(
    () => openFold(`${dir}/esmfold_tiny.pt`),
    /Cannot open ".*esmfold_tiny\.pt" as its language model must be beside it: esm2_tiny\.pt/,
  );
});

test("openFold reads several files, other libraries' names and what is not its own", async (dir) => {
  const expected = await positionsOf(fixturePath("esmfold/model"));
  const odd = "esm.encoder.layer.*.attention.self.rotary_embeddings.inv_freq";
  ok(odd in readFixture("esmfold/model/model", ["I64"]), "an asterisk that is meant");
  const frequencies = (names: readonly string[]): FolderChanges["tensors"] => (arrays) => {
    const own = arrays.get(odd)!;
    arrays.delete(odd);
    for (const name of names) arrays.set(name, own);
  };
  const each = [0, 1].map((n) => odd.replace("*", String(n)));
  const computed = { tensors: frequencies([]) };
  const changes: FolderChanges[] = [
    { files: 3 },
    computed,
    { tensors: frequencies(each) },
    { tensors: frequencies(["esm.rotary_embeddings.inv_freq"]) },
    {
      tensors(arrays) {
        for (const [name, array] of [...arrays]) {
          if (!/linear_(q|kv)_points\./.test(name)) continue;
          arrays.delete(name);
          arrays.set(name.replace("_points.", "_points.linear."), array);
        }
      },
    },
    {
      tensors: (arrays) =>
        void arrays.set("esm.embeddings.position_ids", { shape: [1], data: Float32Array.of(0) }),
    },
  ];
  for (const [n, change] of changes.entries()) {
    await writeFoldFolder(`${dir}/${n}`, change);
    const found = await positionsOf(`${dir}/${n}`);
    if (change === computed) allClose(found, expected, { atol: 2e-3 });
    else deepEqual(found, expected, String(n));
  }
  await writeFoldFolder(`${dir}/own`, {
    config: (json) => json.esmfold_config.trunk.structure_module.something_new = { a: 1 },
    tensors: (arrays) =>
      void arrays.set("mystery.weight", { shape: [1], data: Float32Array.of(0) }),
  });
  using model = await openFold(`${dir}/own`);
  match(model.notes.join(), /ignored, not part of ESMFold: "mystery\.weight"/);
});
