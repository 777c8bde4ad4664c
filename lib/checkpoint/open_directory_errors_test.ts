import { safetensorsBytes } from "./testing/files.ts";
import { testRefusals } from "./testing/refusals.ts";
import { asSafetensors, type Named, SMALL_CONFIG, smallTensors } from "./testing/small_model.ts";

const config = JSON.stringify(SMALL_CONFIG);
const all = () => smallTensors((_fair, hf) => hf);
const file = (tensors: Named[]) => safetensorsBytes(asSafetensors(tensors));
const without = (name: string) => file(all().filter((t) => t.name !== name));
const change = (name: string, to: Partial<Named>) =>
  file(all().map((t) => t.name === name ? { ...t, ...to } : t));
const extra = (name: string, shape = [2]) =>
  file([...all(), { name, shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) }]);
const index = (map: unknown) => JSON.stringify({ weight_map: map });

testRefusals([
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
]);
