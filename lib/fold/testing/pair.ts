/** The tiny model in fair-esm's two files, made of Hugging Face's folder. */
import { bytesOf, torchBytes } from "../../checkpoint/testing/files.ts";
import { type Py, tensor } from "../../checkpoint/testing/pickle_writer.ts";
import { canonicalName } from "../../checkpoint/names.ts";
import { readFixture } from "../../../tests/fixtures.ts";

type Entries = [Py, Py][];

/** Extents as fair-esm names them. */
const STRUCTURE: Entries = [
  ...[["c_s", 24], ["c_z", 12], ["c_ipa", 4], ["c_resnet", 16], ["no_heads_ipa", 3]] as Entries,
  ...[["no_qk_points", 2], ["no_v_points", 3], ["no_blocks", 3]] as Entries,
  ...[["no_transition_layers", 1], ["no_resnet_blocks", 2], ["no_angles", 7]] as Entries,
  ...[["trans_scale_factor", 10], ["epsilon", { float: 1e-8 }]] as Entries,
];
const TRUNK: Entries = [
  ...[["num_blocks", 2], ["sequence_state_dim", 32], ["pairwise_state_dim", 16]] as Entries,
  ...[["sequence_head_width", 8], ["pairwise_head_width", 8], ["position_bins", 4]] as Entries,
  ...[["max_recycles", 4], ["chunk_size", null]] as Entries,
];

/** A configuration as OmegaConf pickles it: containers of nodes that know their containers' types. */
export function omegaConf(entries: Entries): Py {
  const object = (name: string, state: Entries): Py => ({
    build: { call: `omegaconf.${name}`, args: [] },
    state: { dict: state },
  });
  const metadata = (kind: string): Py =>
    object(`base ${kind}`, [["ref_type", { global: "typing Any" }], ["optional", true]]);
  const content = entries.map(([key, value]): [Py, Py] => [
    key,
    typeof value === "object" && value !== null && "build" in value
      ? value
      : object("nodes AnyNode", [["_metadata", metadata("Metadata")], ["_val", value]]),
  ]);
  return object("dictconfig DictConfig", [
    ["_metadata", metadata("ContainerMetadata")],
    ["_parent", null],
    ["_content", { dict: content }],
  ]);
}

/** How a configuration's dicts are written. */
export type Wrap = (entries: Entries) => Py;

/** Writes `esmfold_tiny.pt` and `esm2_tiny.pt`; the language model has a head that the folder leaves out. */
export async function writeFairEsmPair(
  dir: string,
  wrap: Wrap = (entries) => ({ dict: entries }),
  patch: (dict: Map<string, Float32Array>) => void = () => {},
): Promise<string> {
  const arrays = readFixture("esmfold/model/model", ["I64"]);
  const trunk = new Map<string, [number[], Float32Array]>(), language = new Map(trunk);
  for (const [key, { shape, data }] of Object.entries(arrays)) {
    if (key === "af2_to_esm" || key.includes("inv_freq")) continue;
    const own: [number[], Float32Array] = [[...shape], Float32Array.from(data)];
    if (!key.startsWith("esm.")) trunk.set(key, own);
    else {
      const name = canonicalName(key);
      if (name) language.set(`encoder.sentence_encoder.${name}`, own);
    }
  }
  const head = (name: string, shape: number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    language.set(`encoder.lm_head.${name}`, [shape, new Float32Array(count).fill(0.5)]);
  };
  head("dense.weight", [40, 40]);
  for (const name of ["dense.bias", "layer_norm.weight", "layer_norm.bias"]) head(name, [40]);
  head("bias", [33]);
  const values = new Map([...trunk].map(([key, [, data]]) => [key, data]));
  patch(values);
  for (const key of [...trunk.keys()]) if (!values.has(key)) trunk.delete(key);
  for (const [key, data] of values) trunk.set(key, [trunk.get(key)?.[0] ?? [data.length], data]);

  const structure = wrap(STRUCTURE), folding = wrap([...TRUNK, ["structure_module", structure]]);
  const config = wrap([
    ...[["esm_type", "esm2_tiny"], ["fp16_esm", true], ["embed_aa", true]] as Entries,
    ...[["use_esm_attn_map", false], ["lddt_head_hid_dim", 12], ["trunk", folding]] as Entries,
  ]);
  await Deno.writeFile(`${dir}/esmfold_tiny.pt`, await file(config, trunk));
  const model: Py = {
    namespace: [
      ...[["encoder_layers", 2], ["encoder_embed_dim", 40]] as Entries,
      ...[["encoder_attention_heads", 4], ["token_dropout", true]] as Entries,
    ],
  };
  await Deno.writeFile(`${dir}/esm2_tiny.pt`, await file(model, language));
  return `${dir}/esmfold_tiny.pt`;
}

function file(model: Py, tensors: ReadonlyMap<string, [number[], Float32Array]>) {
  const storages: Record<string, Uint8Array> = {};
  const dict = [...tensors].map(([name, [shape, values]], i): [Py, Py] => {
    storages[i] = bytesOf(values);
    return [name, tensor({ key: `${i}`, type: "FloatStorage", length: values.length, shape })];
  });
  const root: Py = { dict: [["cfg", { dict: [["model", model]] }], ["model", { dict }]] };
  return torchBytes({ root, storages });
}
