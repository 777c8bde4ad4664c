import type { Esm2Config } from "./config.ts";

/** Modules of a block with a weight and a bias, fair-esm name to Hugging Face name. */
const BLOCK_MODULES = {
  "self_attn_layer_norm": "attention.LayerNorm",
  "self_attn.q_proj": "attention.self.query",
  "self_attn.k_proj": "attention.self.key",
  "self_attn.v_proj": "attention.self.value",
  "self_attn.out_proj": "attention.output.dense",
  "final_layer_norm": "LayerNorm",
  "fc1": "intermediate.dense",
  "fc2": "output.dense",
} as const satisfies Record<BlockModule, string>;
const INV_FREQ = "self_attn.rot_emb.inv_freq";
const HF_INV_FREQ = "attention.self.rotary_embeddings.inv_freq";

/** Tensors outside the blocks, fair-esm name to Hugging Face name without "esm.". */
const OUTER = {
  "embed_tokens.weight": "embeddings.word_embeddings.weight",
  "emb_layer_norm_after.weight": "encoder.emb_layer_norm_after.weight",
  "emb_layer_norm_after.bias": "encoder.emb_layer_norm_after.bias",
  "lm_head.dense.weight": "lm_head.dense.weight",
  "lm_head.dense.bias": "lm_head.dense.bias",
  "lm_head.layer_norm.weight": "lm_head.layer_norm.weight",
  "lm_head.layer_norm.bias": "lm_head.layer_norm.bias",
  "lm_head.weight": "lm_head.decoder.weight",
  "lm_head.bias": "lm_head.bias",
  "contact_head.regression.weight": "contact_head.regression.weight",
  "contact_head.regression.bias": "contact_head.regression.bias",
} as const satisfies Record<OuterTensorName, string>;

/** A module of a block that has a weight and a bias. */
export type BlockModule =
  | "self_attn_layer_norm"
  | `self_attn.${"q" | "k" | "v" | "out"}_proj`
  | "final_layer_norm"
  | "fc1"
  | "fc2";

/** Part of a block, such as "self_attn.q_proj.weight". */
export type BlockTensorName = `${BlockModule}.${"weight" | "bias"}` | "self_attn.rot_emb.inv_freq";

/** A tensor outside the blocks. */
export type OuterTensorName =
  | "embed_tokens.weight"
  | "lm_head.weight"
  | "lm_head.bias"
  | `${"emb_layer_norm_after" | "lm_head.dense" | "lm_head.layer_norm"}.${"weight" | "bias"}`
  | `contact_head.regression.${"weight" | "bias"}`;

/** Name of a tensor in fair-esm's vocabulary without prefix; every format is mapped to it. */
export type EsmTensorName = OuterTensorName | `layers.${number}.${BlockTensorName}`;

const BLOCK_TO_HF = new Map<string, string>([[INV_FREQ, HF_INV_FREQ]]);
for (const [fair, hf] of Object.entries(BLOCK_MODULES)) {
  for (const part of ["weight", "bias"]) BLOCK_TO_HF.set(`${fair}.${part}`, `${hf}.${part}`);
}
const HF_TO_BLOCK = new Map([...BLOCK_TO_HF].map(([fair, hf]) => [hf, fair]));
const HF_TO_OUTER = new Map<string, string>(Object.entries(OUTER).map(([fair, hf]) => [hf, fair]));

/** Names under which transformers 5 keeps the one set of frequencies of all blocks; the first is literal. */
const SHARED_INV_FREQ = new Set([
  `encoder.layer.*.${HF_INV_FREQ}`,
  HF_INV_FREQ.replace("attention.self.", ""),
]);

/** Whether a tensor holds the rotary frequencies of every block. */
export function isSharedInvFreq(stored: string): boolean {
  return SHARED_INV_FREQ.has(stored.replace(/^esm\./, ""));
}

/** The rotary frequencies of one block. */
export const invFreqOf = (layer: number): EsmTensorName => `layers.${layer}.${INV_FREQ}`;

/**
 * Canonical name of a tensor stored by fair-esm (with or without its prefixes) or Hugging Face (with
 * or without "esm."); undefined when ESM-2 has no such tensor.
 */
export function canonicalName(stored: string): EsmTensorName | undefined {
  // As transformers writes the norms of a model that was made from a configuration, and reads all.
  const hf = stored.replace(/^esm\./, "")
    .replace(/(layer_?norm(?:_after)?)\.gamma$/i, "$1.weight")
    .replace(/(layer_?norm(?:_after)?)\.beta$/i, "$1.bias");
  const outer = HF_TO_OUTER.get(hf);
  if (outer !== undefined) return outer as EsmTensorName;
  const hfBlock = /^encoder\.layer\.(0|[1-9]\d*)\.(.+)$/.exec(hf);
  if (hfBlock !== null) {
    const part = HF_TO_BLOCK.get(hfBlock[2]);
    return part === undefined ? undefined : `layers.${hfBlock[1]}.${part}` as EsmTensorName;
  }
  const fair = stripFairEsmPrefix(stored);
  if (Object.hasOwn(OUTER, fair)) return fair as EsmTensorName;
  const fairBlock = /^layers\.(?:0|[1-9]\d*)\.(.+)$/.exec(fair);
  return fairBlock !== null && BLOCK_TO_HF.has(fairBlock[1]) ? fair as EsmTensorName : undefined;
}

/** Hugging Face name of a canonical tensor, for messages. */
export function hfName(name: EsmTensorName): string {
  const block = /^layers\.(\d+)\.(.+)$/.exec(name);
  if (block !== null) return `esm.encoder.layer.${block[1]}.${BLOCK_TO_HF.get(block[2])}`;
  const hf = OUTER[name as keyof typeof OUTER];
  return hf.startsWith("lm_head.") ? hf : `esm.${hf}`;
}

/** Drops the prefixes "encoder.sentence_encoder." and "encoder.", as fair-esm's loader does. */
export function stripFairEsmPrefix(stored: string): string {
  return stored.replace(/^encoder\.(?:sentence_encoder\.)?/, "");
}

/** Whether a name without canonical counterpart belongs to a block, and so changes what it computes. */
export function isBlockTensor(stored: string): boolean {
  return /(?:^|\.)layers?\.\d+\./.test(stored);
}

/** Whether only ESM-1b and ESM-1v hold such a tensor: learned positions, or a norm before the blocks. */
export function isEsm1Tensor(stored: string): boolean {
  return /^(embed_positions|emb_layer_norm_before)\./.test(stripFairEsmPrefix(stored)) ||
    /^(esm\.)?embeddings\.layer_norm\./.test(stored);
}

/** Whether a Hugging Face tensor is stored though rotary models never read it. */
export function isRedundant(stored: string): boolean {
  return /^(esm\.)?(pooler\.|embeddings\.position_embeddings\.|embeddings\.position_ids$)/.test(
    stored,
  );
}

export interface ExpectedTensor {
  readonly name: EsmTensorName;
  readonly shape: readonly number[];
  /** Optional tensors: the contact head, the untied decoder, and frequencies that can be computed. */
  readonly optional: boolean;
}

/** Every tensor that a model of this configuration can hold. */
export function expectedTensors(config: Esm2Config): ExpectedTensor[] {
  const { layers, dModel: d, heads, headDim, ffn } = config;
  const list: ExpectedTensor[] = [];
  const add = (name: EsmTensorName, shape: number[], optional = false) =>
    list.push({ name, shape, optional });
  add("embed_tokens.weight", [33, d]);
  for (let layer = 0; layer < layers; layer++) {
    for (const module of Object.keys(BLOCK_MODULES) as (keyof typeof BLOCK_MODULES)[]) {
      const norm = module.endsWith("layer_norm");
      const out = module === "fc1" ? ffn : d;
      const from = module === "fc2" ? ffn : d;
      add(`layers.${layer}.${module}.weight`, norm ? [d] : [out, from]);
      add(`layers.${layer}.${module}.bias`, [out]);
    }
    add(`layers.${layer}.${INV_FREQ}`, [headDim / 2], true);
  }
  add("emb_layer_norm_after.weight", [d]);
  add("emb_layer_norm_after.bias", [d]);
  add("lm_head.dense.weight", [d, d]);
  add("lm_head.dense.bias", [d]);
  add("lm_head.layer_norm.weight", [d]);
  add("lm_head.layer_norm.bias", [d]);
  add("lm_head.weight", [33, d], true);
  add("lm_head.bias", [33]);
  add("contact_head.regression.weight", [1, layers * heads], true);
  add("contact_head.regression.bias", [1], true);
  return list;
}
