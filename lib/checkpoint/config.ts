import { counted } from "../display.ts";
import { shown, UserError } from "../errors.ts";

/** What tells one ESM-2 model from another; everything else is the same for all of them. */
export interface Esm2Config {
  /** Blocks: 6 (8M) to 48 (15B). */
  layers: number;
  /** Width of the residual stream. */
  dModel: number;
  /** H, attention heads of a block. */
  heads: number;
  /** dModel / heads; even, since rotary embeddings turn pairs. */
  headDim: number;
  /** Width of the feed-forward layer. */
  ffn: number;
  /** Whether embeddings are rescaled for masked tokens (true for all published ESM-2). */
  tokenDropout: boolean;
}

/** A model's extents in words. */
export const configText = ({ layers, dModel, heads }: Esm2Config): string =>
  `${counted(layers, "layer")}, ${dModel} wide, ${counted(heads, "head")}`;

/** Bounds far above the 15B model (48, 5120, 20480), so that a damaged file cannot ask for terabytes. */
const LIMITS = { layers: 1024, dModel: 1 << 16, ffn: 1 << 18 };

type Fields = Record<string, unknown>;

/**
 * Reads the config.json of a Hugging Face ESM-2 model.
 *
 * @param label path for messages
 * @throws {UserError} if it describes anything but an ESM-2 language model
 */
export function configFromHf(json: unknown, label: string): Esm2Config {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new UserError(`Cannot read ${label} as it must hold a JSON object`);
  }
  const fields = json as Fields;
  requireField(fields, "model_type", "esm", label);
  const architectures = Array.isArray(fields.architectures) ? fields.architectures : [];
  if (fields.is_folding_model === true || architectures.includes("EsmForProteinFolding")) {
    throw new UserError(
      `Cannot open ${label} as it must be an ESM-2 language model: it is ESMFold, ` +
        `whose language model is published on its own as esm2_t36_3B_UR50D`,
    );
  }
  if (fields.position_embedding_type !== "rotary" || (fields.emb_layer_norm_before ?? false)) {
    const kind = fields.position_embedding_type ?? "absolute";
    const before = fields.emb_layer_norm_before ?? false;
    throw new UserError(
      `Cannot open ${label} as ESM-2 has rotary positions and no layer norm before its blocks: ` +
        `current position_embedding_type is ${shown(kind)}, emb_layer_norm_before is ` +
        `${shown(before)} ` +
        `(ESM-1b and ESM-1v are not supported)`,
    );
  }
  requireField(fields, "vocab_size", 33, label);
  requireField(fields, "layer_norm_eps", 1e-5, label, true);
  requireField(fields, "hidden_act", "gelu", label, true);
  requireField(fields, "pad_token_id", 1, label, true);
  requireField(fields, "mask_token_id", 32, label, true);
  return checked(
    {
      layers: fields.num_hidden_layers,
      dModel: fields.hidden_size,
      heads: fields.num_attention_heads,
      ffn: fields.intermediate_size,
      tokenDropout: fields.token_dropout ?? false,
    },
    {
      layers: "num_hidden_layers",
      dModel: "hidden_size",
      heads: "num_attention_heads",
      ffn: "intermediate_size",
      tokenDropout: "token_dropout",
    },
    label,
  );
}

/** Fields that are the same for every ESM-2. */
const SAME_IN_HF = {
  architectures: ["EsmForMaskedLM"],
  attention_probs_dropout_prob: 0,
  classifier_dropout: null,
  emb_layer_norm_before: false,
  esmfold_config: null,
  hidden_act: "gelu",
  hidden_dropout_prob: 0,
  initializer_range: 0.02,
  is_folding_model: false,
  layer_norm_eps: 1e-5,
  mask_token_id: 32,
  max_position_embeddings: 1026,
  model_type: "esm",
  pad_token_id: 1,
  position_embedding_type: "rotary",
  tie_word_embeddings: true,
  torch_dtype: "float32",
  use_cache: true,
  vocab_list: null,
  vocab_size: 33,
};

/** The config.json of a model, as transformers writes it. */
export const configToHf = (
  { dModel, ffn, heads, layers, tokenDropout }: Esm2Config,
): Readonly<Record<string, unknown>> => ({
  ...SAME_IN_HF,
  hidden_size: dModel,
  intermediate_size: ffn,
  num_attention_heads: heads,
  num_hidden_layers: layers,
  token_dropout: tokenDropout,
});

/**
 * Reads the `cfg.model` record of a fair-esm file; its feed-forward layer is always 4 · embed_dim
 * (fair-esm `esm/model/esm2.py`).
 *
 * @param field value of a field of the record, undefined when absent
 * @throws {UserError} if a field is missing or impossible
 */
export function configFromFairEsm(field: (name: string) => unknown, label: string): Esm2Config {
  const dModel = field("encoder_embed_dim");
  return checked(
    {
      layers: field("encoder_layers"),
      dModel,
      heads: field("encoder_attention_heads"),
      ffn: typeof dModel === "number" ? 4 * dModel : dModel,
      tokenDropout: field("token_dropout"),
    },
    {
      layers: "encoder_layers",
      dModel: "encoder_embed_dim",
      heads: "encoder_attention_heads",
      ffn: "encoder_ffn_embed_dim",
      tokenDropout: "token_dropout",
    },
    label,
  );
}

type Key = "layers" | "dModel" | "heads" | "ffn" | "tokenDropout";

function checked(
  values: Record<Key, unknown>,
  names: Record<Key, string>,
  label: string,
): Esm2Config {
  const fail = (key: Key, rule: string): never => {
    throw new UserError(
      `Cannot open ${label} as ${names[key]} must be ${rule}: current value is ` +
        shown(values[key]),
    );
  };
  const whole = (key: "layers" | "dModel" | "heads" | "ffn", limit: number): number => {
    const value = values[key];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > limit) {
      return fail(key, `a whole number in 1..${limit}`);
    }
    return value;
  };
  const layers = whole("layers", LIMITS.layers);
  const dModel = whole("dModel", LIMITS.dModel);
  const heads = whole("heads", dModel);
  const ffn = whole("ffn", LIMITS.ffn);
  const headDim = dModel / heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    fail("heads", `a divisor of ${names.dModel} ${dModel} that leaves an even head size`);
  }
  const { tokenDropout } = values;
  if (typeof tokenDropout !== "boolean") return fail("tokenDropout", "true or false");
  return { layers, dModel, heads, headDim, ffn, tokenDropout };
}

function requireField(
  fields: Fields,
  name: string,
  wanted: string | number,
  label: string,
  optional = false,
) {
  const value = fields[name];
  if (value === wanted || (optional && (value === undefined || value === null))) return;
  throw new UserError(
    `Cannot open ${label} as ${name} of an ESM-2 model must be ${
      shown(wanted)
    }: current value is ` +
      shown(value),
  );
}
