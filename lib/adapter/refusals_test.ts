/** What readAdapter and adapted must refuse, each with a line that says what is wrong. */
import { equal, ok } from "../../tests/assert.ts";
import { fixturePath } from "../../tests/fixtures.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { adapted, readAdapter } from "./mod.ts";
import {
  type Contents,
  filesOf,
  recorded,
  safetensorsOf,
  torchOf,
  withFolder,
} from "./testing/folders.ts";

type Files = Record<string, string | Uint8Array>;

/** Fails unless an adapter with these files is refused with such a message. */
function refuses(what: string, files: () => Files | Promise<Files>, says: RegExp): void {
  Deno.test(`an adapter is refused: ${what}`, async () => {
    using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
    await withFolder(await files(), async (dir) => {
      const error = await readAdapter(dir).then((one) => void adapted(checkpoint, one))
        .catch((error) => error);
      equal(error?.name, "UserError", String(error?.stack ?? "no error"));
      ok(says.test(error.message), error.message);
      ok(!error.message.includes("\n"), error.message);
      ok(error.message.startsWith("Cannot "), error.message);
    });
  });
}

/** The same of a recorded adapter that is changed. */
const broken = (
  what: string,
  change: (contents: Contents) => void,
  says: RegExp,
  name = "seq_cls_qkv",
) =>
  refuses(what, () => {
    const contents = recorded(name);
    change(contents);
    return filesOf(contents);
  }, says);

const configured = (what: string, fields: Record<string, unknown>, says: RegExp, name?: string) =>
  broken(what, ({ config }) => Object.assign(config, fields), says, name);

const QUERY = "base_model.model.esm.encoder.layer.0.attention.self.query";
const zeros = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});

// Files.
refuses("an empty folder", () => ({}), /must be a folder with adapter_config\.json: it has none/);
refuses("no weights", () => ({
  "adapter_config.json": JSON.stringify(recorded("mlm_qkv").config),
}), /must hold its weights: none of adapter_model\.safetensors, adapter_model\.bin is there/);
refuses(
  "a configuration that is no JSON",
  () => ({ ...filesOf(recorded("mlm_qkv")), "adapter_config.json": "{" }),
  /adapter_config\.json must be readable JSON/,
);
refuses(
  "a configuration that is a list",
  () => ({ ...filesOf(recorded("mlm_qkv")), "adapter_config.json": "[]" }),
  /must hold a JSON object/,
);
refuses(
  "damaged weights",
  () => ({ ...filesOf(recorded("mlm_qkv")), "adapter_model.safetensors": "nothing" }),
  /must be/,
);
broken("no tensors", (one) => one.tensors = {}, /it is an adapter without tensors/);
refuses("a pickle without tensors", async () => ({
  "adapter_config.json": JSON.stringify(recorded("mlm_qkv").config),
  "adapter_model.bin": await torchOf({ config: {}, tensors: {} }),
}), /it is an adapter without tensors/);
refuses("two files that differ", async () => {
  const one = recorded("mlm_qkv"), other = recorded("mlm_qkv");
  other.tensors[`${QUERY}.lora_A.weight`].data[3] += 1;
  return { ...filesOf(one), "adapter_model.bin": await torchOf(other) };
}, /must hold the same where both are there: ".*query\.lora_A\.weight" differs/);
refuses("two files of which one has more", async () => {
  const one = recorded("mlm_qkv"), other = recorded("mlm_qkv");
  delete other.tensors[`${QUERY}.lora_A.weight`];
  return { ...filesOf(one), "adapter_model.bin": await torchOf(other) };
}, /is in the first only/);

// Options.
configured("another kind of adapter", { peft_type: "IA3" }, /peft_type must be "LORA".*"IA3"/);
configured("no kind of adapter", { peft_type: undefined }, /peft_type must be "LORA".*absent/);
for (
  const [option, value] of Object.entries({
    layer_replication: [[0, 2], [1, 2]],
    target_parameters: ["mlp.weight"],
    trainable_token_indices: [1],
    use_qalora: true,
    use_bdlora: { nblocks: 2 },
    arrow_config: { top_k: 2 },
    monteclora_config: { k: 1 },
    velora_config: { k: 1 },
    kasa_config: { k: 1 },
    alora_invocation_tokens: [4],
    megatron_config: { tensor_model_parallel_size: 1 },
  })
) {
  configured(option, { [option]: value }, new RegExp(`must do without ${option}`));
}
configured("an option of the future", { use_everything: true }, /"use_everything" is none/);
configured("a start that changes the base", {
  init_lora_weights: "pissa_niter_4",
}, /init_lora_weights must leave the base's weights.*"pissa_niter_4"/);
configured(
  "a rank of nothing",
  { r: 0 },
  /r must be a whole number in 1\.\..*: current value is 0/,
);
configured("a rank in words", { r: "4" }, /r must be a whole number.*"4"/);
configured("no number of alpha", { lora_alpha: "8" }, /lora_alpha must be a number/);
configured("a dropout above 1", { lora_dropout: 1.5 }, /lora_dropout must be in 0\.\.1.*1\.5/);
configured("an unknown bias", { bias: "some" }, /bias must be none, all or lora_only.*"some"/);
configured("an unknown task", { task_type: "MLM" }, /task_type must be null or one of.*"MLM"/);
configured("a flag in words", { use_dora: "yes" }, /use_dora must be true or false.*"yes"/);
configured("no targets", { target_modules: null }, /target_modules must name what/);
configured("targets of nothing", { target_modules: [] }, /target_modules must name what/);
configured("targets that are numbers", { target_modules: [1] }, /target_modules must be a list of/);
configured(
  "a target that is no expression",
  { target_modules: "(query" },
  /target_modules of .* must be a regular expression.*"\(query"/,
);
configured(
  "an expression that matches nothing",
  { target_modules: ".*nothing" },
  /target_modules must match a linear layer/,
);
configured(
  "a target that matches nothing",
  { target_modules: ["query", "key", "value", "gate_proj"] },
  /each of target_modules must be the end of a module's path.*"gate_proj" matches none/,
);
configured(
  "a part of a module's name",
  { target_modules: ["query", "key", "value", "uery"] },
  /"uery" matches none/,
);
configured(
  "layers of an expression",
  { target_modules: ".*(query|key|value)", layers_to_transform: [0] },
  /target_modules must be a list where layers_to_transform is given/,
);
configured(
  "layers in words",
  { layers_to_transform: ["0"] },
  /layers_to_transform must be numbers/,
);
configured("ranks in a list", { rank_pattern: [2] }, /rank_pattern must be an object/);
configured("a rank of zero", { rank_pattern: { query: 0 } }, /rank_pattern of "query" must be/);
configured("alpha in words", { alpha_pattern: { query: "x" } }, /alpha_pattern of "query" must be/);
configured(
  "DoRA with a bias of B",
  { use_dora: true, lora_bias: true },
  /lora_bias must be false where use_dora/,
);

// Tensors against the configuration.
broken(
  "A without B",
  ({ tensors }) => delete tensors[`${QUERY}.lora_B.weight`],
  /layer\.0\.attention\.self\.query must have both lora_A and lora_B: it has lora_A and no lora_B/,
);
broken(
  "B without A",
  ({ tensors }) => delete tensors[`${QUERY}.lora_A.weight`],
  /it has lora_B and no lora_A/,
);
broken(
  "A and B of other ranks",
  ({ tensors }) => tensors[`${QUERY}.lora_B.weight`] = zeros(64, 3),
  /must be \[r, in\] and lora_B \[out, r\]: current shapes are \[4, 64\] and \[64, 3\]/,
);
configured(
  "a rank that the tensors have not",
  { r: 8 },
  /must have the rank .* says, 8: .*\[4, 64\]/,
);
broken(
  "a rank that a pattern says",
  ({ config }) => config.rank_pattern = { "layer.1.attention.self.key": 2 },
  /layer\.1\.attention\.self\.key must have the rank .* says, 2/,
);
configured("DoRA without magnitudes", { use_dora: true }, /must have lora_magnitude_vector/);
configured(
  "magnitudes without DoRA",
  { use_dora: false },
  /use_dora must be true where .* has lora_magnitude_vector/,
  "seq_cls_dora",
);
broken(
  "magnitudes of another length",
  ({ tensors }) => tensors[`${QUERY}.lora_magnitude_vector`] = zeros(32),
  /lora_magnitude_vector of .*query must be \[64\]: current shape is \[32\]/,
  "seq_cls_dora",
);
configured(
  "a bias of B that is absent",
  { lora_bias: true },
  /must have lora_B\.bias where lora_bias/,
);
broken(
  "a bias of B that nobody asked for",
  ({ tensors }) => tensors[`${QUERY}.lora_B.bias`] = zeros(64),
  /lora_bias must be true where .* has lora_B\.bias/,
);
configured("biases that are absent", { bias: "lora_only" }, /bias of each target must be there/);
broken(
  "one bias that is absent",
  ({ tensors }) => delete tensors[`${QUERY}.base_layer.bias`],
  /that of esm\.encoder\.layer\.0\.attention\.self\.query is absent/,
  "seq_cls_bias_lora_only",
);
broken(
  "a target without tensors",
  ({ tensors }) => {
    for (const part of ["A", "B"]) delete tensors[`${QUERY}.lora_${part}.weight`];
  },
  /each target must have lora_A and lora_B: esm\.encoder\.layer\.0\.attention\.self\.query has none/,
);
configured(
  "tensors without a target",
  { target_modules: ["query", "value"] },
  /target_modules must match every module that has tensors.*key is not matched/,
);
configured(
  "tensors of layers that are left out",
  { layers_to_transform: [1], layers_pattern: "layer" },
  /layer\.0\.attention\.self\.(query|key|value) is not matched/,
);
configured(
  "tensors that are excluded",
  { exclude_modules: ["layer.1.attention.self.value"] },
  /layer\.1\.attention\.self\.value is not matched/,
);
broken("a tensor of no module", ({ tensors }) => {
  tensors["base_model.model.esm.encoder.layer.0.attention.self.gate.lora_A.weight"] = zeros(4, 64);
  tensors["base_model.model.esm.encoder.layer.0.attention.self.gate.lora_B.weight"] = zeros(64, 4);
}, /gate\.lora_A\.weight" belongs to none, and would be without use/);
broken(
  "whole weights of no module",
  ({ tensors }) => tensors["base_model.model.esm.adapter.weight"] = zeros(2, 2),
  /esm\.adapter\.weight" belongs to none/,
);
broken(
  "a part of another kind of adapter",
  ({ tensors }) => tensors[`${QUERY}.lora_C.weight`] = zeros(2, 2),
  /lora_C\.weight" is no part of a LoRA or DoRA adapter/,
);
broken(
  "an adapted embedding",
  ({ tensors }) =>
    tensors["base_model.model.esm.embeddings.word_embeddings.lora_embedding_A"] = zeros(4, 33),
  /lora_embedding_A" adapts an embedding, which is not supported/,
);
broken(
  "tensors of two models",
  ({ tensors }) => {
    tensors["base_model.model.encoder.layer.0.output.dense.lora_A.weight"] = zeros(4, 256);
  },
  /tensors must be of one model: .* lies in "esm", .* does not/,
);
broken(
  "a tensor twice with two values",
  ({ tensors }) => {
    const { shape, data } = tensors[`${QUERY}.lora_A.weight`];
    tensors[`${QUERY}.lora_A.default.weight`] = { shape, data: data.map((x) => x + 1) };
  },
  /must hold each tensor once: .*their values differ/,
);
broken(
  "a number that is none",
  ({ tensors }) => tensors[`${QUERY}.lora_A.weight`].data[5] = NaN,
  /weights must be finite numbers: element 5 of ".*query\.lora_A\.weight" is NaN/,
);
broken(
  "whole numbers",
  ({ tensors }) => tensors[`${QUERY}.lora_A.weight`].dtype = "I64",
  /must be of F32, F16, BF16 or F64: current value is I64/,
);

// Against the model.
broken("a layer that the model has not", ({ tensors }) => {
  for (const part of ["A", "B"]) {
    tensors[`base_model.model.esm.encoder.layer.7.attention.self.query.lora_${part}.weight`] =
      tensors[`${QUERY}.lora_${part}.weight`];
  }
}, /layer\.7\.attention\.self\.query is none \(it was made for "rand_t2_d64_h4"\)/);
broken("a model of another width", ({ tensors }) => {
  tensors[`${QUERY}.lora_A.weight`] = zeros(4, 320);
}, /lora_A and lora_B of .*query must fit its \[64, 64\]: current shapes are \[4, 320\] and/);
broken(
  "a bias of another width",
  ({ tensors }) => {
    tensors[`${QUERY}.base_layer.bias`] = zeros(32);
  },
  /q_proj\.bias must have the model's shape \[64\]: current shape is \[32\]/,
  "seq_cls_bias_lora_only",
);

// Heads.
const headless = ({ tensors }: Contents) => {
  for (const key of Object.keys(tensors)) if (key.includes("classifier")) delete tensors[key];
};
broken(
  "a classifier without its head",
  headless,
  /task_type SEQ_CLS must hold its head.*be random/,
);
broken(
  "a classifier of residues without its head",
  headless,
  /task_type TOKEN_CLS must hold its head, classifier\.weight/,
  "token_cls_qkv",
);
configured(
  "another head than the task's",
  { task_type: "TOKEN_CLS" },
  /must hold its head.*: it has a head of sequences/,
);
broken(
  "half a head",
  ({ tensors }) => delete tensors["base_model.model.classifier.out_proj.bias"],
  /its head must have .*out_proj\.bias: classifier\.out_proj\.bias is absent/,
);
broken(
  "a head of another width",
  ({ tensors }) => {
    tensors["base_model.model.classifier.weight"] = zeros(3, 32);
  },
  /classifier\.weight must read 64 numbers.*\[3, 32\]/,
  "token_cls_qkv",
);
broken(
  "a bias of a head that does not fit",
  ({ tensors }) => tensors["base_model.model.classifier.bias"] = zeros(2),
  /classifier\.weight must be \[out, in\] and classifier\.bias \[out\]/,
  "token_cls_qkv",
);
broken("two heads", ({ tensors }) => {
  tensors["base_model.model.classifier.weight"] = zeros(3, 64);
}, /must have one head/);
broken("only a head", ({ tensors }) => {
  for (const key of Object.keys(tensors)) if (key.includes("lora")) delete tensors[key];
}, /must hold lora_A and lora_B of an adapter: it has 4 tensors and none of these/);

Deno.test("a folder that is a file, and one that is not there, are refused", async () => {
  await withFolder({ one: safetensorsOf(recorded("mlm_qkv")) }, async (dir) => {
    for (const [path, reason] of [["one", "it is a file"], ["two", "nothing is there"]]) {
      const error = await readAdapter(`${dir}/${path}`).catch((error) => error);
      ok(error.message.endsWith(reason), error.message);
    }
  });
});
