/** SAELens: sae_weights.safetensors, and cfg.json beside it (jbloomAus/SAELens, sae_lens/saes). */
import { shown, UserError } from "../../errors.ts";
import { depthOfHook, depthOfPath } from "../path_layer.ts";
import { matrixShape, readWeights, type StoredSae } from "../stored.ts";
import { lastIsNormalised, type SaeFile, type SaeFormat } from "./format.ts";
import { rescale, unshifted } from "./layers.ts";

/** Normalisations of cfg.json in our words: run_time_activation_ln_in is InterProt's z-score. */
const NORMALISATIONS: Record<string, SaeFile["normalisation"]> = {
  none: "none",
  layer_norm: "zscore",
  constant_norm_rescale: "rms",
};

type Config = Record<string, unknown> & { metadata?: Record<string, unknown> };

export const saelens: SaeFormat = {
  name: "saelens",
  recognises: ({ tensors, config }) =>
    tensors.has("W_enc") && config !== undefined && ("d_sae" in config || "d_in" in config),
  async read(stored, model): Promise<SaeFile> {
    const config = stored.config as Config;
    const kind = kindOf(stored, config);
    const [dModel, latents] = matrixShape(stored, "W_enc");
    const wEnc = await readWeights(stored, "W_enc", [dModel, latents]);
    const wDec = await readWeights(stored, "W_dec", [latents, dModel]);
    const bPre = await readWeights(stored, "b_dec", [dModel]);
    const bias = await readWeights(stored, "b_enc", [latents]);
    const bEnc = config.apply_b_dec_to_input === false ? unshifted(wEnc, bias, bPre) : bias;
    const threshold = kind === "jumprelu"
      ? await readWeights(stored, "threshold", [latents])
      : undefined;
    if (config.rescale_acts_by_decoder_norm === true) {
      // Latents are chosen by activation × length of direction, which then has the length 1.
      const lengths = Float32Array.from({ length: latents }, (_, j) => {
        const length = Math.hypot(...wDec.subarray(j * dModel, (j + 1) * dModel));
        return length > 0 ? 1 / length : 1;
      });
      rescale({ wEnc, bEnc, wDec }, lengths);
    }
    return {
      ...{ wEnc, bEnc, wDec, bPre },
      ...(threshold && { threshold }),
      ...(kind === "topk" && { k: { value: kOf(stored, config), from: "file" } }),
      depth: depthOfHook(hookOf(config)) ?? depthOfPath(stored.label),
      normalisation: normalisationOf(stored, config),
      afterFinalNorm: lastIsNormalised(model),
    };
  },
};

function kindOf(stored: StoredSae, config: Config): "standard" | "topk" | "jumprelu" {
  const { architecture = "standard", activation_fn_str, activation_fn } = config;
  const older = String(activation_fn_str ?? activation_fn ?? "relu");
  if (architecture === "standard") {
    if (older === "relu") return "standard";
    if (older === "topk") return "topk";
    return fail(stored, "its activation must be relu or topk", older);
  }
  if (architecture === "topk" || architecture === "jumprelu") return architecture;
  return fail(stored, "its architecture must be standard, topk or jumprelu", architecture);
}

function hookOf({ metadata, hook_name, hook_point }: Config): string {
  return String(metadata?.hook_name ?? hook_name ?? hook_point);
}

function kOf(stored: StoredSae, config: Config): number {
  const older = config.activation_fn_kwargs as { k?: unknown } | undefined;
  const k = config.k ?? older?.k;
  if (typeof k === "number" && Number.isInteger(k) && k >= 1) return k;
  return fail(stored, "k in its cfg.json must be a whole number from 1 on", k);
}

function normalisationOf(stored: StoredSae, config: Config): SaeFile["normalisation"] {
  const { normalize_activations: named = "none" } = config;
  const found = Object.hasOwn(NORMALISATIONS, String(named)) && NORMALISATIONS[String(named)];
  if (found) return found;
  const known = Object.keys(NORMALISATIONS).join(", ");
  return fail(stored, `normalize_activations in its cfg.json must be one of ${known}`, named);
}

function fail({ label }: StoredSae, rule: string, value: unknown): never {
  throw new UserError(`Cannot use ${label} as ${rule}: current value is ${shown(value)}`);
}
