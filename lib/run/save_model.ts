/** Writes a model as a Hugging Face folder, which every reader of ESM-2 opens. */
import { configToHf } from "../checkpoint/config.ts";
import { hfName, invFreqOf } from "../checkpoint/names.ts";
import type { Esm2Config, EsmTensorName } from "../checkpoint/mod.ts";
import { writeSafetensors, type WrittenTensor } from "../checkpoint/write_safetensors.ts";
import { TOKENS } from "../esm2/alphabet.ts";
import { type WeightArrays, weightShapes } from "../esm2/trainable.ts";
import type { OutputDir } from "../io/output.ts";

/** What is saved. */
export interface SavedModel {
  readonly config: Esm2Config;
  /** All of them, or all but those of the language-model head. */
  readonly weights: WeightArrays;
  /** f32[d ÷ 2] */
  readonly invFreq: Float32Array;
  /** The contact head's, where there is one. */
  readonly contactHead?: Readonly<Record<"weight" | "bias", Float32Array>>;
  /** What else config.json and the weights hold: of a head that was taught. @default nothing */
  readonly more?: {
    readonly config: Readonly<Record<string, unknown>>;
    readonly tensors: Readonly<Record<string, WrittenTensor>>;
  };
  /** Texts for the header of the weights. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly card: string;
}

const SPECIAL = {
  cls_token: "<cls>",
  eos_token: "<eos>",
  mask_token: "<mask>",
  pad_token: "<pad>",
  unk_token: "<unk>",
};

/** Writes config.json, model.safetensors, the tokenizer's files and the card. */
export async function saveModel(output: OutputDir, model: SavedModel): Promise<void> {
  const { config, weights, invFreq, contactHead, more, metadata, card } = model;
  const tensors: Record<string, WrittenTensor> = {};
  const add = (name: EsmTensorName, shape: readonly number[], data: Float32Array) => {
    tensors[hfName(name)] = { dtype: "F32", shape, data };
  };
  for (const [name, shape] of weightShapes(config)) {
    if (weights[name]) add(name, shape, weights[name]);
  }
  for (let layer = 0; layer < config.layers; layer++) {
    add(invFreqOf(layer), [invFreq.length], invFreq);
  }
  if (contactHead) {
    const { weight, bias } = contactHead;
    add("contact_head.regression.weight", [1, weight.length], weight);
    add("contact_head.regression.bias", [1], bias);
  }
  Object.assign(tensors, more?.tensors);
  await writeSafetensors(output.temporaryPath("model.safetensors"), tensors, {
    format: "pt",
    ...metadata,
  });
  const json = (name: string, value: unknown) =>
    output.write(name, `${JSON.stringify(value, null, 2)}\n`);
  await json("config.json", { ...configToHf(config), ...more?.config });
  await json("tokenizer_config.json", {
    ...SPECIAL,
    model_max_length: 1024,
    tokenizer_class: "EsmTokenizer",
  });
  await json("special_tokens_map.json", SPECIAL);
  await output.write("vocab.txt", TOKENS.map((token) => `${token}\n`).join(""));
  await output.write("MODEL_CARD.md", card);
}
