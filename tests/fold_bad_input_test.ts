/** `fold` on malformed models and sequences: one line that says what is wrong, and nothing written. */
import { execute } from "../lib/cli/main.ts";
import { type FolderChanges, foldFiles } from "../lib/fold/testing/folder.ts";
import { command } from "../tasks/fold.ts";
import { inFolder, listing } from "./analyze_run.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { type Array32, fixturePath } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any -- whatever a test makes of it
type Json = any;
type Files = Record<string, string | Uint8Array>;

const S12 = ["--sequence", "MKTAYIAKQRQW", "--recycles", "0", "--out", "out"];
const MODEL = ["--model", fixturePath("esmfold/model")];
const WEIGHTS = foldFiles()["model.safetensors"] as Uint8Array;

const inside = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`m/${name}`, content]));
const refused = (name: string, files: Files, says: RegExp): BadInput => ({
  ...{ name, files: inside(files), args: ["--model", "m", ...S12], says },
});
/** A folder with these changes. */
const changed = (name: string, changes: FolderChanges, says: RegExp) =>
  refused(name, foldFiles(changes), says);
const configured = (name: string, config: (json: Json) => void, says: RegExp) =>
  changed(name, { config }, says);
/** A value of the configuration, by its place in it. */
const value = (path: string, to: unknown, says: RegExp) =>
  configured(`${path} is ${JSON.stringify(to) ?? "left out"}`, (json) => {
    const parts = path.split("."), last = parts.pop()!;
    parts.reduce((at, part) => at[part], json)[last] = to;
  }, says);
const without = (tensor: string, says = new RegExp(`tensor ${escape(tensor)} .*absent`)) =>
  changed(`no ${tensor}`, { tensors: (arrays) => void arrays.delete(tensor) }, says);
const shaped = (tensor: string, shape: number[], says: RegExp) =>
  changed(`${tensor} of another shape`, {
    tensors: (arrays) =>
      void arrays.set(tensor, {
        ...{ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) },
      }),
  }, says);
const files = (name: string, own: Files, says: RegExp) =>
  refused(name, { "config.json": foldFiles()["config.json"], ...own }, says);
const sequence = (name: string, residues: string, says: RegExp): BadInput => ({
  ...{ name, args: [...MODEL, "--sequence", residues, "--out", "out"], says },
});
const fasta = (name: string, text: string, says: RegExp, ...more: string[]): BadInput => ({
  ...{ name, files: { "in.fasta": text }, says },
  args: [...MODEL, "--fasta", "in.fasta", "--out", "out", ...more],
});
const option = (name: string, args: string[], says: RegExp): BadInput => ({
  ...{ name, args: [...MODEL, ...S12, ...args], says },
});

function escape(text: string): string {
  return text.replaceAll(".", "\\.");
}

const fold = "esmfold_config", trunk = `${fold}.trunk`, module = `${trunk}.structure_module`;
const block = "trunk.blocks.1.";

testBadInputs("fold", (args, settings) => execute(command, args, settings), [
  // The configuration.
  refused("a configuration that is no JSON", { "config.json": "{" }, /config\.json/),
  refused("a configuration that is a list", { "config.json": "[]" }, /config\.json/),
  value("is_folding_model", false, /must be of an ESMFold model/),
  value(fold, undefined, /must be of an ESMFold model/),
  value(trunk, undefined, /trunk\.sequence_state_dim must be a whole number.*none/),
  value(module, undefined, /trunk\.structure_module\.num_blocks must be a whole number.*none/),
  value(
    `${trunk}.num_blocks`,
    0,
    /trunk\.num_blocks must be a whole number from 1 .*: current value is 0/,
  ),
  value(`${trunk}.num_blocks`, "two", /trunk\.num_blocks .*current value is "two"/),
  value(`${trunk}.num_blocks`, 3, /tensor trunk\.blocks\.2\.\S+ must have shape .*absent/),
  value(`${trunk}.num_blocks`, 1, /only ESMFold's tensors in its blocks: "trunk\.blocks\.1\./),
  value(`${trunk}.sequence_state_dim`, -1, /trunk\.sequence_state_dim .*current value is -1/),
  value(`${trunk}.sequence_state_dim`, 40, /must have shape .*40.*: current shape is/),
  value(`${trunk}.pairwise_state_dim`, 17, /trunk\.pairwise_state_dim must be even and a multiple/),
  value(
    `${trunk}.sequence_head_width`,
    7,
    /multiple of trunk\.sequence_head_width: current values are 32 and 7/,
  ),
  value(
    `${trunk}.pairwise_head_width`,
    5,
    /multiple of trunk\.pairwise_head_width: current values are 16 and 5/,
  ),
  value(`${trunk}.position_bins`, 5, /pairwise_positional_embedding.* must have shape \[12, 16\]/),
  value(`${trunk}.max_recycles`, 1.5, /trunk\.max_recycles .*current value is 1\.5/),
  value(`${fold}.use_esm_attn_map`, true, /use_esm_attn_map must be false: current value is true/),
  value(`${fold}.bypass_lm`, true, /bypass_lm must be false/),
  value(`${fold}.embed_aa`, false, /embed_aa must be true/),
  value(`${fold}.esm_ablate_pairwise`, true, /esm_ablate_pairwise must be false/),
  value(`${fold}.lddt_head_hid_dim`, 13, /lddt_head\.\d\.\S+ must have shape .*13/),
  value(`${module}.sequence_dim`, 25, /must have shape .*25/),
  value(`${module}.num_heads_ipa`, 4, /structure_module\.ipa\.\S+ must have shape/),
  value(`${module}.ipa_dim`, null, /trunk\.structure_module\.ipa_dim .*current value is null/),
  value(`${module}.num_qk_points`, 1e9, /num_qk_points must be a whole number from 1 to 65536/),
  value(`${module}.num_resnet_blocks`, 3, /angle_resnet\.layers\.2\.\S+ must have shape .*absent/),
  value(`${module}.trans_scale_factor`, "ten", /trans_scale_factor .*"ten"/),
  value("hidden_size", 48, /tensor \S+ must have shape .*48/),
  value("num_hidden_layers", 3, /esm\.encoder\.layer\.2\./),
  value("hidden_act", "relu", /hidden_act/),
  // The weights.
  files("no weights", {}, /model\.safetensors/),
  files("an empty file", { "model.safetensors": "" }, /model\.safetensors/),
  files("text for weights", { "model.safetensors": "weights" }, /model\.safetensors/),
  files(
    "a file cut in its header",
    { "model.safetensors": WEIGHTS.subarray(0, 100) },
    /model\.safetensors/,
  ),
  files(
    "a file cut in its data",
    { "model.safetensors": WEIGHTS.subarray(0, 300_000) },
    /model\.safetensors/,
  ),
  files("a pointer in place of weights", {
    "model.safetensors": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
  }, /Git LFS/),
  files("an index of files that are not there", {
    "model.safetensors.index.json": '{"weight_map": {"esm_s_combine": "a.safetensors"}}',
  }, /a\.safetensors/),
  files(
    "an index that names nothing",
    { "model.safetensors.index.json": '{"weight_map": {}}' },
    /weight_map/,
  ),
  files("an index that is none", { "model.safetensors.index.json": "[]" }, /weight_map/),
  without("esm_s_combine"),
  without("embedding.weight"),
  without("lm_head.weight"),
  without(`${block}tri_att_end.linear.weight`),
  without(`${block}pair_to_sequence.layernorm.bias`),
  without("trunk.structure_module.ipa.head_weights"),
  without("lddt_head.3.bias"),
  without("esm.encoder.layer.1.output.dense.weight"),
  without("esm.embeddings.word_embeddings.weight"),
  shaped("distogram_head.weight", [16, 64], /distogram_head\.weight must have shape \[64, 16\]/),
  shaped("esm_s_combine", [4], /esm_s_combine must have shape \[3\]: current shape is \[4\]/),
  shaped(
    `${block}mlp_pair.mlp.1.weight`,
    [16, 16],
    /mlp_pair\.mlp\.1\.weight must have shape \[64, 16\]/,
  ),
  shaped("trunk.recycle_disto.weight", [15, 15], /recycle_disto\.weight must have shape/),
  changed("a tensor under two names", {
    tensors: (arrays) =>
      void arrays.set(
        "trunk.structure_module.ipa.linear_q_points.linear.bias",
        arrays.get("trunk.structure_module.ipa.linear_q_points.bias")!,
      ),
  }, /each tensor once: .*linear_q_points\.bias" is there under two names/),
  changed("a tensor that no block has", {
    tensors: (arrays) => void arrays.set(`${block}extra`, { shape: [1], data: Float32Array.of(1) }),
  }, /only ESMFold's tensors in its blocks: "trunk\.blocks\.1\.extra"/),
  {
    name: "a language model for one that folds",
    args: ["--model", fixturePath("rand_t2_d64_h4"), ...S12],
    says: /must be of an ESMFold model/,
  },
  {
    name: "a model that is not there",
    args: ["--model", "none", ...S12],
    says: /nothing is there/,
  },
  {
    name: "weights without their folder",
    files: { "m.safetensors": WEIGHTS },
    args: ["--model", "m.safetensors", ...S12],
    says: /fair-esm's ESMFold file .* or a folder of Hugging Face's/,
  },
  {
    name: "a .pt that is none",
    files: { "m.pt": "PK" },
    args: ["--model", "m.pt", ...S12],
    says: /m\.pt/,
  },
  // Sequences and files of them.
  sequence("no residues", "", /--sequence|must have a residue/),
  sequence("a chain of length 0 at the beginning", ":MKT", /every chain must have a residue/),
  sequence("a chain of length 0 at the end", "MKT:", /every chain must have a residue/),
  sequence("nothing but a separator", ":", /every chain must have a residue/),
  sequence("a digit", "MKT1A", /residue 4 .*"1"/),
  sequence("a letter that is none", "MKT\u00c9", /residue 4/),
  fasta("an empty file", "", /in\.fasta/),
  fasta("a record without residues", ">a\n>b\nMKT\n", /in\.fasta.*line 1|"a"/),
  fasta("two records of one id", ">a\nMKT\n>a\nMKV\n", /in\.fasta.*a/),
  fasta("residues before a header", "MKT\n>a\nMKT\n", /in\.fasta/),
  fasta("an id that is not in it", ">a\nMKT\n", /--id/, "--id", "b"),
  fasta(
    "a chain without residues in a record",
    ">a\nMKT\n>b\nMK::T\n",
    /"b".*every chain|every chain/,
  ),
  { name: "a file that is not there", args: [...MODEL, "--fasta", "no.fasta"], says: /no\.fasta/ },
  option("a file and a sequence", ["--fasta", "in.fasta"], /--fasta|--sequence/),
  option("passes below none", ["--recycles=-1"], /--recycles/),
  option("half a pass", ["--recycles", "1.5"], /--recycles/),
  option("no rows at a time", ["--chunk-size", "0"], /--chunk-size/),
  option("rows that are no number", ["--chunk-size", "many"], /--chunk-size/),
  option("a backend that is none", ["--backend", "tpu"], /--backend/),
  option("a shard of others", ["--shard", "3/2"], /--shard/),
]);

for (
  const [what, tensor, says] of [
    [
      "the trunk",
      `${block}tri_mul_in.linear_z.weight`,
      /tensor trunk\.blocks\.1\.tri_mul_in\.linear_z\.weight must be of finite numbers: element 7 is NaN/,
    ],
    [
      "the structure module",
      "trunk.structure_module.linear_in.bias",
      /linear_in\.bias must be of finite numbers: element 7 is NaN/,
    ],
    [
      "the language model",
      "esm.encoder.layer.1.output.dense.bias",
      /weights must be finite numbers: .*\[7\] is NaN/,
    ],
  ] as const
) {
  Deno.test({
    name: `fold stops at a weight of ${what} that is no number, and leaves nothing`,
    ...{ sanitizeOps: false, sanitizeResources: false },
    fn: () =>
      inFolder(async (dir) => {
        const tensors = (arrays: Map<string, Array32>) => {
          const own = arrays.get(tensor)!, data = Float32Array.from(own.data);
          data[7] = NaN;
          arrays.set(tensor, { ...own, data });
        };
        await Deno.mkdir(`${dir}/m`);
        for (const [name, content] of Object.entries(foldFiles({ tensors }))) {
          const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
          await Deno.writeFile(`${dir}/m/${name}`, bytes);
        }
        const out: string[] = [], err: string[] = [];
        const args = ["--model", `${dir}/m`, "--backend", "cpu", "--quiet", ...S12.slice(0, 4)];
        const code = await execute(command, [...args, "--out", `${dir}/out`], {
          output: { out: (line) => out.push(line), err: (line) => err.push(line) },
        });
        equal(code, 2, err.join("\n"));
        match(err.at(-1)!, says);
        deepEqual(out, []);
        deepEqual(listing(dir).filter((name) => name !== "m"), []);
      }),
  });
}
