import { join } from "node:path";
import { equal, ok } from "../../tests/assert.ts";
import { openCheckpoint } from "./open.ts";
import { bytesOf, safetensorsBytes, torchBytes, withTempDir } from "./testing/files.ts";
import { tensor } from "./testing/pickle_writer.ts";
import {
  asSafetensors,
  asStateDict,
  fairEsmBytes,
  type Named,
  SMALL_CFG,
  SMALL_CONFIG,
  smallTensors,
} from "./testing/small_model.ts";

type Files = Record<string, string | Uint8Array>;

const config = JSON.stringify(SMALL_CONFIG);
const all = () => smallTensors((_fair, hf) => hf);
const fair = () => smallTensors((name) => name);
const file = (tensors: Named[]) => safetensorsBytes(asSafetensors(tensors));
const without = (name: string) => file(all().filter((t) => t.name !== name));
const change = (name: string, to: Partial<Named>) =>
  file(all().map((t) => t.name === name ? { ...t, ...to } : t));
const extra = (name: string, shape = [2]) =>
  file([...all(), { name, shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) }]);
const bin = (tensors: Named[]) => {
  const { dict, storages } = asStateDict(tensors);
  return torchBytes({ root: { dict }, storages });
};
const index = (map: unknown) => JSON.stringify({ weight_map: map });
const text = (value: string) => new TextEncoder().encode(value);

/** What is wrong, the files of the directory, the file to open ("" is the directory), the message. */
const cases: [what: string, files: () => Files | Promise<Files>, open: string, message: string][] =
  [
    [
      "an empty directory",
      () => ({}),
      "",
      "Cannot open DIR as it must hold weights: none of model.safetensors, " +
      "model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json is there",
    ],
    [
      "a path that does not exist",
      () => ({}),
      "absent.pt",
      "Cannot open DIR/absent.pt as it must be a checkpoint: nothing is there",
    ],
    [
      "weights without config.json",
      () => ({ "model.safetensors": file(all()) }),
      "",
      "Cannot open DIR/config.json as a model's configuration must be beside its weights: " +
      "it is not there",
    ],
    [
      "a bare file without config.json",
      () => ({ "esm.safetensors": file(all()) }),
      "esm.safetensors",
      "Cannot open DIR/config.json as a model's configuration must be beside its weights: " +
      "it is not there",
    ],
    [
      "a config.json that is no JSON",
      () => ({ "model.safetensors": file(all()), "config.json": "{,}" }),
      "",
      "Cannot read DIR/config.json as it must be JSON: " +
      "Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    ],
    [
      "another model type",
      () => ({ "model.safetensors": file(all()), "config.json": '{"model_type": "bert"}' }),
      "",
      'Cannot open DIR/config.json as model_type of an ESM-2 model must be "esm": ' +
      'current value is "bert"',
    ],
    [
      "a missing tensor",
      () => ({
        "model.safetensors": without("esm.encoder.layer.1.output.dense.bias"),
        "config.json": config,
      }),
      "",
      "Cannot open DIR as it must hold tensor esm.encoder.layer.1.output.dense.bias of shape [8]: " +
      "it is absent",
    ],
    [
      "a missing language-model head",
      () => ({ "model.safetensors": without("lm_head.dense.weight"), "config.json": config }),
      "",
      "Cannot open DIR as it must hold tensor lm_head.dense.weight of shape [8, 8]: it is absent",
    ],
    [
      "half a contact head",
      () => ({
        "model.safetensors": without("esm.contact_head.regression.bias"),
        "config.json": config,
      }),
      "",
      "Cannot open DIR as it must hold tensor esm.contact_head.regression.bias of shape [1]: " +
      "it is absent",
    ],
    [
      "a misshapen tensor",
      () => ({
        "model.safetensors": change("esm.encoder.layer.0.intermediate.dense.weight", {
          shape: [8, 32],
        }),
        "config.json": config,
      }),
      "",
      "Cannot open DIR as tensor esm.encoder.layer.0.intermediate.dense.weight must have shape " +
      "[32, 8]: current shape is [8, 32]",
    ],
    [
      "sizes of another model",
      () => ({
        "model.safetensors": file(all()),
        "config.json": JSON.stringify({ ...SMALL_CONFIG, hidden_size: 16 }),
      }),
      "",
      "Cannot open DIR as tensor esm.embeddings.word_embeddings.weight must have shape [33, 16]: " +
      "current shape is [33, 8]",
    ],
    [
      "more layers than the configuration",
      () => ({
        "model.safetensors": file(all().filter(({ name }) => !name.includes("contact"))),
        "config.json": JSON.stringify({ ...SMALL_CONFIG, num_hidden_layers: 1 }),
      }),
      "",
      "Cannot open DIR as its configuration must name all layers: tensor " +
      "esm.encoder.layer.1.attention.self.key.weight belongs to none of the 1",
    ],
    [
      "integers as weights",
      () => ({
        "model.safetensors": safetensorsBytes({
          ...asSafetensors(all()),
          "lm_head.bias": { dtype: "I32", shape: [33], bytes: new Uint8Array(132) },
        }),
        "config.json": config,
      }),
      "",
      "Cannot open DIR as tensor lm_head.bias must be of F32, F16, BF16 or F64: current value is I32",
    ],
    [
      "the same tensor twice",
      () => ({
        "model.safetensors": extra("encoder.layer.0.LayerNorm.bias", [8]),
        "config.json": config,
      }),
      "",
      'Cannot open DIR as it must hold each tensor once: "esm.encoder.layer.0.LayerNorm.bias" and ' +
      '"encoder.layer.0.LayerNorm.bias" are both layers.0.final_layer_norm.bias',
    ],
    [
      "adapters within the blocks",
      () => ({
        "model.safetensors": extra("esm.encoder.layer.0.attention.self.query.lora_A.weight"),
        "config.json": config,
      }),
      "",
      "Cannot open DIR as it must hold only ESM-2's tensors in its blocks: " +
      '"esm.encoder.layer.0.attention.self.query.lora_A.weight" is none',
    ],
    [
      "a second output bias that differs",
      () => ({ "model.safetensors": extra("lm_head.decoder.bias", [33]), "config.json": config }),
      "",
      "Cannot open DIR as lm_head.decoder.bias must repeat lm_head.bias: their values differ",
    ],
    [
      "a truncated safetensors file",
      () => ({
        "model.safetensors": file(all()).subarray(0, 9000),
        "config.json": config,
      }),
      "",
      "Cannot read DIR/model.safetensors as the data_offsets of tensor ",
    ],
    [
      "a Git LFS pointer",
      () => ({
        "model.safetensors": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "config.json": config,
      }),
      "",
      "Cannot read DIR/model.safetensors as it must be a safetensors or torch file: " +
      "it is a Git LFS pointer without the weights",
    ],
    [
      "an index that is no index",
      () => ({ "model.safetensors.index.json": "[]", "config.json": config }),
      "",
      'Cannot read DIR/model.safetensors.index.json as it must hold an object "weight_map"',
    ],
    [
      "an empty index",
      () => ({ "model.safetensors.index.json": index({}), "config.json": config }),
      "",
      "Cannot read DIR/model.safetensors.index.json as its weight_map is empty",
    ],
    [
      "an index that leaves the directory",
      () => ({ "model.safetensors.index.json": index({ a: "../x.safetensors" }) }),
      "",
      'Cannot read DIR/model.safetensors.index.json as tensor "a" must lie in a .safetensors or ' +
      '.bin file of the same directory: current value is "../x.safetensors"',
    ],
    [
      "a missing shard",
      () => ({ "model.safetensors.index.json": index({ a: "x.safetensors" }) }),
      "",
      "Cannot open DIR as DIR/model.safetensors.index.json names DIR/x.safetensors, " +
      "which is not there",
    ],
    [
      "a shard without the tensor that the index promises",
      () => ({
        "model.safetensors.index.json": index({ a: "x.safetensors" }),
        "x.safetensors": file(all()),
        "config.json": config,
      }),
      "",
      'Cannot open DIR as DIR/x.safetensors must hold tensor "a", as the index says: it is absent',
    ],
    [
      "a tensor in two shards",
      () => ({
        "model.safetensors.index.json": index({ a: "x.safetensors", b: "y.safetensors" }),
        "x.safetensors": file(all().slice(0, 1)),
        "y.safetensors": file(all().slice(0, 1)),
        "config.json": config,
      }),
      "",
      "Cannot open DIR as its shards must hold each tensor once: " +
      '"esm.embeddings.word_embeddings.weight" is in two',
    ],
    [
      "a text file",
      () => ({ "notes.txt": "esm2" }),
      "notes.txt",
      "Cannot read DIR/notes.txt as it must be a safetensors or torch file: " +
      'its first bytes are "esm2"',
    ],
    [
      "an empty file",
      () => ({ "model.pt": new Uint8Array(0) }),
      "model.pt",
      "Cannot read DIR/model.pt as it must be a safetensors or torch file: it is empty",
    ],
    [
      "torch's pickle stream from before 1.6",
      () => ({ "model.pt": Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c) }),
      "model.pt",
      "Cannot read DIR/model.pt as it must have torch's zip format: it has the format from before " +
      "torch 1.6 (load and save it again with a newer torch)",
    ],
    [
      "torch's tar archive from before 0.2",
      () => {
        const tar = new Uint8Array(1024);
        tar.set(text("pickle"));
        tar.set(text("ustar"), 257);
        return { "model.pt": tar };
      },
      "model.pt",
      "Cannot read DIR/model.pt as it must have torch's zip format: it has the format from before " +
      "torch 1.6 (load and save it again with a newer torch)",
    ],
    [
      "a contact head alone",
      async () => {
        const { dict, storages } = asStateDict(fair().filter((t) => t.name.startsWith("contact")));
        const root = { dict: [["model", { dict }]] as [string, { dict: typeof dict }][] };
        return { "m-contact-regression.pt": await torchBytes({ root, storages }) };
      },
      "m-contact-regression.pt",
      'Cannot open DIR/m-contact-regression.pt as an ESM-2 file must hold "cfg": it has none ' +
      "(a contact head is read with the model it stands beside)",
    ],
    [
      "a file of ESM-1b",
      async () => {
        const { dict, storages } = asStateDict(fair());
        const root = {
          dict: [["args", { namespace: [] }], ["model", { dict }]] as [
            string,
            { namespace: [] } | { dict: typeof dict },
          ][],
        };
        return { "m.pt": await torchBytes({ root, storages }) };
      },
      "m.pt",
      'Cannot open DIR/m.pt as an ESM-2 file must hold "cfg": it has "args", as ESM-1b and ESM-1v, ' +
      "which are not supported",
    ],
    [
      "learned positions",
      async () => ({
        "m.pt": await fairEsmBytes([
          ...fair(),
          { name: "encoder.embed_positions.weight", shape: [1], values: new Float32Array(1) },
        ]),
      }),
      "m.pt",
      'Cannot open DIR/m.pt as it must be an ESM-2 model: tensor "encoder.embed_positions.weight" ' +
      "belongs to ESM-1b or ESM-1v, which are not supported",
    ],
    [
      "a fair-esm configuration without width",
      async () => ({
        "m.pt": await fairEsmBytes(fair(), {
          cfg: SMALL_CFG.filter(([name]) => name !== "encoder_embed_dim"),
        }),
      }),
      "m.pt",
      "Cannot open DIR/m.pt as encoder_embed_dim must be a whole number in 1..65536: " +
      "current value is absent",
    ],
    [
      "a contact head of another model",
      async () => {
        const head = fair().filter((t) => t.name.startsWith("contact"))
          .map((t) =>
            t.shape.length === 2 ? { ...t, shape: [1, 3], values: t.values.slice(1) } : t
          );
        const { dict, storages } = asStateDict(head);
        const root = { dict: [["model", { dict }]] as [string, { dict: typeof dict }][] };
        return {
          "m.pt": await fairEsmBytes(fair()),
          "m-contact-regression.pt": await torchBytes({ root, storages }),
        };
      },
      "m.pt",
      "Cannot open DIR/m.pt as tensor contact_head.regression.weight must have shape [1, 4]: " +
      "current shape is [1, 3]",
    ],
    [
      "a contact file that holds no head",
      async () => ({
        "m.pt": await fairEsmBytes(fair()),
        "m-contact-regression.pt": await bin(all()),
      }),
      "m.pt",
      "Cannot read DIR/m-contact-regression.pt as it must hold contact_head.regression.weight: " +
      "it is absent",
    ],
    [
      "a training state in place of a state dict",
      async () => ({
        "pytorch_model.bin": await torchBytes({
          root: { dict: [["epoch", 3], ["state_dict", { dict: [] }]] },
        }),
        "config.json": config,
      }),
      "",
      "Cannot read DIR/pytorch_model.bin as it must hold a state dict of tensors: " +
      'current keys are ["epoch", "state_dict"]',
    ],
    [
      "a state dict whose storage is short",
      async () => ({
        "pytorch_model.bin": await torchBytes({
          root: {
            dict: [["w", tensor({ key: "0", type: "FloatStorage", length: 9, shape: [3, 3] })]],
          },
          storages: { 0: bytesOf(new Float32Array(5)) },
        }),
        "config.json": config,
      }),
      "",
      'Cannot read DIR/pytorch_model.bin as "data/0" must hold the 36 bytes of tensor "w": ' +
      "current value is 20 bytes",
    ],
    [
      "a pickle that runs a command",
      async () => ({
        "model.pt": await torchBytes({ root: { call: "os system", args: ["id"] } }),
      }),
      "model.pt",
      "Cannot read DIR/model.pt as its pickle asks for os.system, " +
      "and a checkpoint may only hold tensors and containers",
    ],
    [
      "a truncated torch file",
      async () => ({ "model.pt": (await fairEsmBytes(fair())).subarray(0, 3000) }),
      "model.pt",
      "Cannot read DIR/model.pt as it must be an undamaged zip archive: ",
    ],
  ];

for (const [what, files, open, message] of cases) {
  Deno.test(`openCheckpoint refuses ${what}`, async () => {
    await withTempDir(async (dir) => {
      for (const [name, contents] of Object.entries(await files())) {
        const path = join(dir, name);
        if (typeof contents === "string") await Deno.writeTextFile(path, contents);
        else await Deno.writeFile(path, contents);
      }
      const wanted = message.replaceAll("DIR", dir);
      const error = await openCheckpoint(open === "" ? dir : join(dir, open)).then(
        () => undefined,
        (e) => e,
      );
      const found: string = error?.message ?? "no error";
      equal(error?.name, "UserError", found);
      ok(!found.includes("\n"), found);
      // A message that ends in a space is only the beginning: the rest depends on a library.
      equal(message.endsWith(" ") ? found.slice(0, wanted.length) : found, wanted);
    });
  });
}
