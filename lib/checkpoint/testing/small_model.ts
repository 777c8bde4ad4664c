/** A model of two layers, 8 wide, 2 heads, with its names spelt out in both vocabularies. */
import { bytesOf, type SafetensorsEntry, torchBytes, type TorchParts } from "./files.ts";
import { parameter, type Py, tensor } from "./pickle_writer.ts";

export const SMALL_CONFIG = {
  architectures: ["EsmForMaskedLM"],
  model_type: "esm",
  vocab_size: 33,
  num_hidden_layers: 2,
  hidden_size: 8,
  num_attention_heads: 2,
  intermediate_size: 32,
  token_dropout: true,
  position_embedding_type: "rotary",
  emb_layer_norm_before: false,
  layer_norm_eps: 1e-5,
  hidden_act: "gelu",
  mask_token_id: 32,
  pad_token_id: 1,
  is_folding_model: false,
};

/** fair-esm name, Hugging Face name, shape. */
export const SMALL_TENSORS: [fair: string, hf: string, shape: number[]][] = [
  ["embed_tokens.weight", "esm.embeddings.word_embeddings.weight", [33, 8]],
  ...[0, 1].flatMap((i): [string, string, number[]][] => {
    const f = `layers.${i}.`, h = `esm.encoder.layer.${i}.`;
    return [
      [`${f}self_attn.k_proj.weight`, `${h}attention.self.key.weight`, [8, 8]],
      [`${f}self_attn.k_proj.bias`, `${h}attention.self.key.bias`, [8]],
      [`${f}self_attn.v_proj.weight`, `${h}attention.self.value.weight`, [8, 8]],
      [`${f}self_attn.v_proj.bias`, `${h}attention.self.value.bias`, [8]],
      [`${f}self_attn.q_proj.weight`, `${h}attention.self.query.weight`, [8, 8]],
      [`${f}self_attn.q_proj.bias`, `${h}attention.self.query.bias`, [8]],
      [`${f}self_attn.out_proj.weight`, `${h}attention.output.dense.weight`, [8, 8]],
      [`${f}self_attn.out_proj.bias`, `${h}attention.output.dense.bias`, [8]],
      [
        `${f}self_attn.rot_emb.inv_freq`,
        `${h}attention.self.rotary_embeddings.inv_freq`,
        [2],
      ],
      [`${f}self_attn_layer_norm.weight`, `${h}attention.LayerNorm.weight`, [8]],
      [`${f}self_attn_layer_norm.bias`, `${h}attention.LayerNorm.bias`, [8]],
      [`${f}fc1.weight`, `${h}intermediate.dense.weight`, [32, 8]],
      [`${f}fc1.bias`, `${h}intermediate.dense.bias`, [32]],
      [`${f}fc2.weight`, `${h}output.dense.weight`, [8, 32]],
      [`${f}fc2.bias`, `${h}output.dense.bias`, [8]],
      [`${f}final_layer_norm.weight`, `${h}LayerNorm.weight`, [8]],
      [`${f}final_layer_norm.bias`, `${h}LayerNorm.bias`, [8]],
    ];
  }),
  ["emb_layer_norm_after.weight", "esm.encoder.emb_layer_norm_after.weight", [8]],
  ["emb_layer_norm_after.bias", "esm.encoder.emb_layer_norm_after.bias", [8]],
  ["lm_head.dense.weight", "lm_head.dense.weight", [8, 8]],
  ["lm_head.dense.bias", "lm_head.dense.bias", [8]],
  ["lm_head.layer_norm.weight", "lm_head.layer_norm.weight", [8]],
  ["lm_head.layer_norm.bias", "lm_head.layer_norm.bias", [8]],
  ["lm_head.bias", "lm_head.bias", [33]],
  ["contact_head.regression.weight", "esm.contact_head.regression.weight", [1, 4]],
  ["contact_head.regression.bias", "esm.contact_head.regression.bias", [1]],
];

/** Different, exactly representable numbers in each tensor. */
export function smallValues(fair: string): Float32Array {
  const row = SMALL_TENSORS.findIndex(([name]) => name === fair);
  const [, , shape] = SMALL_TENSORS[row];
  const count = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: count }, (_, i) => row + i / 1024 - 20);
}

export interface Named {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** Every tensor under the name that `rename` gives it; undefined leaves it out. */
export function smallTensors(rename: (fair: string, hf: string) => string | undefined): Named[] {
  return SMALL_TENSORS.flatMap(([fair, hf, shape]) => {
    const name = rename(fair, hf);
    return name === undefined ? [] : [{ name, shape, values: smallValues(fair) }];
  });
}

export function asSafetensors(tensors: Named[]): Record<string, SafetensorsEntry> {
  return Object.fromEntries(
    tensors.map(({ name, shape, values }) => [
      name,
      { dtype: "F32", shape, bytes: bytesOf(values) },
    ]),
  );
}

/** A state dict with one storage per tensor, and those storages. */
export function asStateDict(
  tensors: Named[],
  { parameters = false } = {},
): { dict: [Py, Py][]; storages: Record<string, Uint8Array> } {
  const storages: Record<string, Uint8Array> = {};
  const dict = tensors.map(({ name, shape, values }, i): [Py, Py] => {
    storages[i] = bytesOf(values);
    const spec = { key: `${i}`, type: "FloatStorage", length: values.length, shape };
    return [name, parameters ? parameter(spec) : tensor(spec)];
  });
  return { dict, storages };
}

export const SMALL_CFG: [Py, Py][] = [
  ["arch", "esm2"],
  ["encoder_layers", 2],
  ["encoder_embed_dim", 8],
  ["encoder_attention_heads", 2],
  ["token_dropout", true],
];

/** A fair-esm file: its configuration as a Namespace, as real ones, or as a dict. */
export function fairEsmBytes(
  tensors: Named[],
  { cfg = SMALL_CFG, namespace = true, ...parts }:
    & { cfg?: [Py, Py][]; namespace?: boolean }
    & Partial<TorchParts> = {},
): Promise<Uint8Array> {
  const { dict, storages } = asStateDict(tensors);
  const model: Py = namespace ? { namespace: cfg } : { dict: cfg };
  const root: Py = { dict: [["cfg", { dict: [["model", model]] }], ["model", { dict }]] };
  return torchBytes({ root, storages, ...parts });
}
