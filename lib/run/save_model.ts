/** Writes a model as a Hugging Face folder, which every reader of ESM-2 opens. */
import { configToHf } from "../checkpoint/config.ts";
import { hfName, invFreqOf } from "../checkpoint/names.ts";
import type { Esm2Config, EsmTensorName } from "../checkpoint/mod.ts";
import { writeSafetensors, type WrittenTensor } from "../checkpoint/write_safetensors.ts";
import { UserError } from "../errors.ts";
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
  /** Number format of the weights of the blocks and the embedding. @default "f32" */
  readonly dtype?: ModelDType;
}

/** How weights are stored: f16 halves the file and rounds them. */
export const MODEL_DTYPES = ["f32", "f16"] as const;
export type ModelDType = typeof MODEL_DTYPES[number];

const SPECIAL = {
  cls_token: "<cls>",
  eos_token: "<eos>",
  mask_token: "<mask>",
  pad_token: "<pad>",
  unk_token: "<unk>",
};

/**
 * Writes config.json, model.safetensors, the tokenizer's files and the card.
 *
 * @throws {UserError} for a weight that f16 cannot hold
 */
export async function saveModel(output: OutputDir, model: SavedModel): Promise<void> {
  const { config, weights, invFreq, contactHead, more, metadata, card, dtype = "f32" } = model;
  const tensors: Record<string, WrittenTensor> = {};
  const add = (name: EsmTensorName, shape: readonly number[], data: Float32Array) => {
    tensors[hfName(name)] = { dtype: "F32", shape, data };
  };
  for (const [name, shape] of weightShapes(config)) {
    if (!weights[name]) continue;
    if (dtype === "f16") {
      tensors[hfName(name)] = { dtype: "F16", shape, data: halves(name, weights) };
    } else add(name, shape, weights[name]);
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
  await json("config.json", {
    ...configToHf(config),
    ...dtype === "f16" && { torch_dtype: "float16" },
    ...more?.config,
  });
  await json("tokenizer_config.json", {
    ...SPECIAL,
    model_max_length: 1024,
    tokenizer_class: "EsmTokenizer",
  });
  await json("special_tokens_map.json", SPECIAL);
  await output.write("vocab.txt", TOKENS.map((token) => `${token}\n`).join(""));
  await output.write("MODEL_CARD.md", card);
}

/** Rounded to nearest, ties to even. */
function halves(name: string, weights: WeightArrays): Float16Array {
  const rounded = new Float16Array(weights[name]);
  const at = rounded.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return rounded;
  throw new UserError(
    `Cannot write ${name} as f16 as its numbers must be at most 65504: ` +
      `current value is ${weights[name][at]}`,
  );
}
