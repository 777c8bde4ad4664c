/** The forms that adapters come in, and what they make of a model. */
import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { fixturePath, readFixture } from "../../tests/fixtures.ts";
import { type Checkpoint, type EsmTensorName, openCheckpoint } from "../checkpoint/mod.ts";
import {
  adapted,
  type Adapter,
  adapterArrays,
  linearAdapters,
  newAdapter,
  readAdapter,
  withArrays,
  writeAdapter,
} from "./mod.ts";
import { type Contents, filesOf, recorded, torchOf, withFolder } from "./testing/folders.ts";

const base = () => openCheckpoint(fixturePath("rand_t2_d64_h4"));

/** Reads an adapter of these files and hands over the model with it. */
async function withAdapted(
  files: Record<string, string | Uint8Array>,
  body: (found: Checkpoint, adapter: Adapter, model: Checkpoint) => void | Promise<void>,
): Promise<void> {
  using model = await base();
  await withFolder(files, async (dir) => {
    const adapter = await readAdapter(dir);
    await body(adapted(model, adapter, "rand_t2_d64_h4"), adapter, model);
  });
}

/** All matrices of a recorded case are as they should be. */
async function expectMerged(name: string, found: Checkpoint): Promise<void> {
  for (const layer of [0, 1]) {
    for (const [letter, part] of [["q", "query"], ["k", "key"], ["v", "value"]]) {
      const { data } = readFixture(
        `lora/${name}/merged`,
      )[`esm.encoder.layer.${layer}.attention.self.${part}.weight`];
      const own = await found.read(
        `layers.${layer}.self_attn.${letter}_proj.weight` as EsmTensorName,
      );
      allClose(own, data, { atol: 1e-6 }, `${layer} ${part}`);
    }
  }
}

/** The same tensors under other names. */
const renamed = (contents: Contents, name: (key: string) => string): Contents => ({
  ...contents,
  tensors: Object.fromEntries(
    Object.entries(contents.tensors).map(([key, tensor]) => [name(key), tensor]),
  ),
});

const NAMES: Record<string, (key: string) => string> = {
  "as PEFT has them": (key) => key,
  "without the wrapper's prefix": (key) => key.replace("base_model.model.", ""),
  "with the adapter's name": (key) => key.replace(/\.(lora_[AB])\./, ".$1.default."),
};

for (const [what, name] of Object.entries(NAMES)) {
  Deno.test(`names ${what} are understood`, async () => {
    const contents = renamed(recorded("mlm_qkv"), name);
    await withAdapted(filesOf(contents), async (found, { kind, notes }) => {
      equal(kind, "mlm");
      deepEqual(notes, []);
      await expectMerged("mlm_qkv", found);
    });
  });
}

Deno.test("names of EsmModel, and what transformers write without a task, are understood", async () => {
  const plain = renamed(recorded("mlm_qkv"), (key) => key.replace(".esm.", "."));
  plain.config = { ...plain.config, task_type: "FEATURE_EXTRACTION", auto_mapping: null };
  await withAdapted(filesOf(plain), async (found, { kind }) => {
    equal(kind, "base");
    await expectMerged("mlm_qkv", found);
  });
  const untold = recorded("mlm_qkv");
  untold.config.auto_mapping = null;
  await withAdapted(filesOf(untold), async (found, { kind }) => {
    equal(kind, "unknown");
    await expectMerged("mlm_qkv", found);
  });
  untold.config.auto_mapping = { base_model_class: "EsmForTokenClassification" };
  await withAdapted(filesOf(untold), (found) => {
    ok(found.notes.some((note) => note.includes("holds no head")), found.notes.join());
  });
});

Deno.test("torch's pickles and both files with the same contents are read", async () => {
  const contents = recorded("mlm_qkv"), files = filesOf(contents), bin = await torchOf(contents);
  await withAdapted(
    { "adapter_config.json": files["adapter_config.json"], "adapter_model.bin": bin },
    (found) => expectMerged("mlm_qkv", found),
  );
  await withAdapted({ ...files, "adapter_model.bin": bin }, async (found, { notes }) => {
    await expectMerged("mlm_qkv", found);
    ok(notes[0].includes("adapter_model.bin beside it holds the same"), notes.join());
  });
});

Deno.test("half precision is read", async () => {
  for (const dtype of ["F16", "BF16"]) {
    const contents = recorded("mlm_qkv");
    // Numbers that both formats hold exactly.
    for (const one of Object.values(contents.tensors)) {
      one.data = one.data.map((x) => Math.round(x * 8) / 8);
      one.dtype = dtype;
    }
    await withAdapted(filesOf(contents), (_, adapter) => {
      for (const [key, { data }] of Object.entries(contents.tensors)) {
        if (!key.includes("layer.0.attention.self.query.lora_A")) continue;
        deepEqual(adapter.lora.get("layers.0.self_attn.q_proj")!.a.values, data);
      }
    });
  }
});

Deno.test("fields of the oldest releases, and absent ones, have their defaults", async () => {
  const contents = recorded("mlm_qkv");
  const { r, lora_alpha, target_modules } = contents.config;
  contents.config = {
    ...{ peft_type: "LORA", r, lora_alpha, target_modules, task_type: null, bias: "none" },
    ...{ enable_lora: [true], merge_weights: true, fan_in_fan_out: false, revision: null },
  };
  await withAdapted(filesOf(contents), (found) => expectMerged("mlm_qkv", found));
});

Deno.test("names of classes among the targets, which PEFT matches with nothing, are said", async () => {
  const contents = recorded("mlm_qkv");
  contents.config.target_modules = [
    "query",
    "key",
    "value",
    "EsmSelfOutput.dense",
    "EsmOutput.dense",
  ];
  await withAdapted(filesOf(contents), async (found) => {
    ok(found.notes.some((note) => note.includes("EsmSelfOutput.dense, EsmOutput.dense")));
    await expectMerged("mlm_qkv", found);
  });
  using model = await base();
  const error = await newAdapter(model, {
    ...{ kind: "mlm", task: null, baseModel: "", rank: 2, alpha: 1, name: "new", seed: 0 },
    targets: ["query", "EsmSelfOutput.dense"],
  }).catch((error) => error);
  ok(/"EsmSelfOutput\.dense" matches none/.test(error.message), error.message);
});

Deno.test("a head of residues that was saved and adapted, doubles included, is W + s·B·A", async () => {
  const contents = recorded("token_cls_qkv"), { config, tensors } = contents;
  const head = "base_model.model.classifier", double = `${head}.modules_to_save`;
  const a = { shape: [2, 64], data: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)) };
  const b = { shape: [3, 2], data: Float32Array.of(1, -2, 0.5, 3, -1, 0.25) };
  config.target_modules = ["query", "key", "value", "classifier"];
  config.rank_pattern = { classifier: 2 };
  config.modules_to_save = null;
  Object.assign(tensors, {
    [`${head}.lora_A.weight`]: a,
    [`${head}.lora_B.weight`]: b,
    [`${double}.lora_A.weight`]: a,
    [`${double}.lora_B.weight`]: b,
    [`${head}.original_module.lora_A.weight`]: { ...a, data: a.data.map((x) => x + 1) },
    [`${head}.original_module.lora_B.weight`]: { ...b, data: b.data.map((x) => x + 1) },
  });
  const { data } = tensors[`${head}.weight`];
  // alpha 8 over rank 2
  const expected = data.map((w, at) => {
    const [i, j] = [Math.floor(at / 64), at % 64];
    return w + 4 * (b.data[2 * i] * a.data[j] + b.data[2 * i + 1] * a.data[64 + j]);
  });
  await withAdapted(filesOf(contents), (_, adapter) => {
    allClose(adapter.head.get("classifier.weight")!.values, expected, { atol: 1e-6 });
    deepEqual(adapter.head.get("classifier.bias")!.values, tensors[`${head}.bias`].data);
  });
  // With the base's weights under the name that wrapped layers have.
  tensors[`${head}.base_layer.weight`] = tensors[`${head}.weight`];
  tensors[`${head}.base_layer.bias`] = tensors[`${head}.bias`];
  delete tensors[`${head}.weight`];
  delete tensors[`${head}.bias`];
  await withAdapted(filesOf(contents), (_, adapter) => {
    allClose(adapter.head.get("classifier.weight")!.values, expected, { atol: 1e-6 });
  });
});

Deno.test("biases replace the model's, under either name; those of all layers too", async () => {
  const contents = recorded("seq_cls_bias_lora_only");
  const old = renamed(contents, (key) => key.replace(".base_layer.", "."));
  const { data } = contents.tensors[
    "base_model.model.esm.encoder.layer.1.attention.self.key.base_layer.bias"
  ];
  const norm = { shape: [64], data: new Float32Array(64).fill(0.25) };
  const all = {
    config: { ...contents.config, bias: "all" },
    tensors: {
      ...contents.tensors,
      "base_model.model.esm.encoder.layer.0.attention.LayerNorm.bias": norm,
    },
  };
  for (const one of [contents, old, all]) {
    await withAdapted(filesOf(one), async (found, _, model) => {
      deepEqual(await found.read("layers.1.self_attn.k_proj.bias"), data);
      const other = "layers.0.self_attn_layer_norm.bias";
      deepEqual(await found.read(other), one === all ? norm.data : await model.read(other));
    });
  }
});

Deno.test("a bias of B is added to the layer's, scaled", async () => {
  const contents = recorded("mlm_qkv"), own = Float32Array.from({ length: 64 }, (_, i) => i / 64);
  contents.config.lora_bias = true;
  for (const key of Object.keys(contents.tensors)) {
    if (!key.endsWith("lora_B.weight")) continue;
    contents.tensors[key.replace("weight", "bias")] = { shape: [64], data: own };
  }
  await withAdapted(filesOf(contents), async (found, _, model) => {
    await expectMerged("mlm_qkv", found);
    const bias = await model.read("layers.0.self_attn.v_proj.bias");
    const expected = bias.map((b, i) => b + 2 * own[i]);
    allClose(await found.read("layers.0.self_attn.v_proj.bias"), expected, { atol: 1e-7 });
  });
});

Deno.test("the decoder can be adapted apart from the embedding, and the head of letters saved whole", async () => {
  const contents = recorded("mlm_qkv");
  const a = { shape: [4, 64], data: Float32Array.from({ length: 256 }, (_, i) => Math.cos(i)) };
  const b = { shape: [33, 4], data: Float32Array.from({ length: 132 }, (_, i) => Math.sin(i)) };
  const bias = { shape: [33], data: new Float32Array(33).fill(0.5) };
  contents.config.target_modules = ["query", "key", "value", "decoder"];
  Object.assign(contents.tensors, {
    "base_model.model.lm_head.decoder.lora_A.weight": a,
    "base_model.model.lm_head.decoder.lora_B.weight": b,
    "base_model.model.lm_head.bias": bias,
    "base_model.model.lm_head.decoder.bias": bias,
  });
  await withAdapted(filesOf(contents), async (found, adapter, model) => {
    const embedding = await model.read("embed_tokens.weight");
    deepEqual(await found.read("embed_tokens.weight"), embedding, "what is looked up stays");
    const decoder = await found.read("lm_head.weight");
    const delta = [0, 1, 2, 3].reduce((sum, k) => sum + b.data[4 * 7 + k] * a.data[64 * k + 5], 0);
    allClose([decoder[7 * 64 + 5]], [embedding[7 * 64 + 5] + 2 * delta], { atol: 1e-6 });
    deepEqual(await found.read("lm_head.bias"), bias.data);
    throws(() => linearAdapters(adapter), /targets must be layers of .* has lm_head\.decoder$/);
  });
});

Deno.test("layers, expressions, exclusions and all linear layers choose what PEFT chooses", async () => {
  const only = (keep: RegExp) => {
    const contents = recorded("mlm_qkv");
    for (const key of Object.keys(contents.tensors)) {
      if (!keep.test(key)) delete contents.tensors[key];
    }
    return contents;
  };
  const cases: [RegExp, Record<string, unknown>][] = [
    [/layer\.1\./, { layers_to_transform: [1], layers_pattern: "layer" }],
    [/layer\.1\./, { layers_to_transform: 1 }],
    [/layer\.0\..*query/, { target_modules: "esm\\.encoder\\.layer\\.0\\..*query" }],
    [/layer\.0\..*query/, { target_modules: ["esm.encoder.layer.0.attention.self.query"] }],
    [/query|value/, { exclude_modules: ["key"] }],
    [/query|value/, { exclude_modules: ".*self\\.key" }],
    [/query|key/, { target_modules: ".*(?P<part>query|key)\\Z" }],
  ];
  for (const [keep, fields] of cases) {
    const contents = only(keep);
    Object.assign(contents.config, fields);
    await withAdapted(
      filesOf(contents),
      (_, { lora }) =>
        equal(lora.size, Object.keys(contents.tensors).length / 2, JSON.stringify(fields)),
    );
  }
  const all = recorded("mlm_qvd");
  all.config.target_modules = "All-Linear";
  for (const layer of [0, 1]) {
    const at = `base_model.model.esm.encoder.layer.${layer}.attention.self`;
    for (const part of ["A", "B"]) {
      all.tensors[`${at}.key.lora_${part}.weight`] = all.tensors[`${at}.query.lora_${part}.weight`];
    }
  }
  await withAdapted(filesOf(all), (_, { lora }) => equal(lora.size, 13));
});

Deno.test("a pooler, through which nothing passes here, is let be and said", async () => {
  const contents = recorded("feature_extraction_qkv");
  contents.config.target_modules = ["query", "key", "value", "pooler.dense"];
  for (const [part, shape] of [["A", [4, 64]], ["B", [64, 4]]] as const) {
    contents.tensors[`base_model.model.pooler.dense.lora_${part}.weight`] = {
      ...{ shape: [...shape], data: new Float32Array(256) },
    };
  }
  await withAdapted(
    filesOf(contents),
    (found) => ok(found.notes.some((note) => note.includes("pooler.dense")), found.notes.join()),
  );
});

Deno.test("an adapted checkpoint has its own name and hash, and reads into a given array", async () => {
  const contents = recorded("mlm_qkv");
  await withAdapted(filesOf(contents), async (found, adapter, model) => {
    equal(found.name, `rand_t2_d64_h4+${adapter.name}`);
    const hash = await found.sha256();
    ok(/^[0-9a-f]{64}$/.test(hash) && hash !== await model.sha256());
    equal(found.files.length, model.files.length + 2);
    const into = new Float32Array(5000), name = "layers.0.self_attn.q_proj.weight";
    const read = await found.read(name, into);
    equal(read.buffer, into.buffer);
    deepEqual(read, await found.read(name));
    // The base's own values are as they were.
    ok(`${await model.read(name)}` !== `${read}`);
  });
  contents.tensors["base_model.model.esm.encoder.layer.0.attention.self.query.lora_A.weight"]
    .data[0] += 1;
  const hashes = new Set<string>();
  for (const one of [recorded("mlm_qkv"), contents]) {
    await withAdapted(filesOf(one), async (found) => void hashes.add(await found.sha256()));
  }
  equal(hashes.size, 2);
});

Deno.test("a new adapter changes nothing, starts as PEFT's do, and is read back as it was", async () => {
  using model = await base();
  for (const dora of [false, true]) {
    const made = await newAdapter(model, {
      ...{ kind: "mlm", task: null, modelClass: "EsmForMaskedLM", baseModel: "rand", rank: 4 },
      ...{ alpha: 8, dropout: 0.1, targets: ["query", "dense"], name: "new", seed: 3, dora },
      bias: "lora_only",
    });
    equal(made.lora.size, 9);
    const merged = adapted(model, made);
    for (const name of ["layers.0.self_attn.q_proj.weight", "lm_head.dense.weight"] as const) {
      allClose(await merged.read(name), await model.read(name), { atol: 2e-7 }, name);
    }
    const { values } = made.lora.get("layers.1.fc2")!.a, most = 1 / Math.sqrt(256);
    ok(values.every((x) => Math.abs(x) <= most) && Math.max(...values) > 0.9 * most);
    await withFolder({}, async (dir) => {
      await writeAdapter((file) => `${dir}/${file}`, made);
      const again = await readAdapter(dir);
      deepEqual(Object.keys(adapterArrays(again)).sort(), Object.keys(adapterArrays(made)).sort());
      for (const [name, { values }] of Object.entries(adapterArrays(made))) {
        deepEqual(adapterArrays(again)[name].values, values, name);
      }
      ok(/"lora_dropout": 0\.1,/.test(Deno.readTextFileSync(`${dir}/adapter_config.json`)));
      const moved = withArrays(again, { "lm_head.dense.lora_B": new Float32Array(256).fill(1) });
      ok(adapterArrays(moved)["lm_head.dense.lora_B"].values.every((x) => x === 1));
      ok(adapterArrays(again)["lm_head.dense.lora_B"].values.every((x) => x === 0));
    });
  }
});
