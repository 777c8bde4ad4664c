/** Writes our own SAE files: InterProt's tensors in .safetensors, and in its header what they lack. */
import { writeSafetensors } from "../checkpoint/write_safetensors.ts";
import type { Sae } from "./types.ts";

/** `format` in the header of our own files. */
export const SAE_FORMAT = "esmscope-sae";

/** What is written besides the weights. */
export interface WriteOptions {
  /** Number format of the weights; F16 halves the file. @default "F32" */
  dtype?: "F32" | "F16";
}

/**
 * Creates or replaces an SAE file.
 *
 * The header holds `format`, `name`, `layer`, `k`, `normalisation` and `after_final_norm` from the
 * configuration, and `metadata` besides.
 *
 * @param metadata further facts as texts: `model`, `model_sha256`, `trained_on` …
 */
export async function writeSae(
  path: string,
  { config, wEnc, wDec, bEnc, bPre, threshold }: Sae,
  metadata: Readonly<Record<string, string>> = {},
  { dtype = "F32" }: WriteOptions = {},
): Promise<void> {
  const { dModel, latents } = config;
  const tensor = (shape: number[], values: Float32Array) => ({
    dtype,
    shape,
    data: dtype === "F16" ? new Float16Array(values) : values,
  });
  await writeSafetensors(
    path,
    {
      w_enc: tensor([dModel, latents], wEnc),
      w_dec: tensor([latents, dModel], wDec),
      b_enc: tensor([latents], bEnc),
      b_pre: tensor([dModel], bPre),
      ...(threshold && { threshold: tensor([latents], threshold) }),
    },
    {
      ...metadata,
      format: SAE_FORMAT,
      name: config.name,
      layer: String(config.depth),
      normalisation: config.normalisation,
      after_final_norm: String(config.afterFinalNorm),
      ...(config.k !== undefined && { k: String(config.k) }),
    },
  );
}
