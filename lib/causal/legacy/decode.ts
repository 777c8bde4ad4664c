/** Pre-activations of single tokens and what their k largest decode to. */
import { selectTopK } from "../../../kernels/topk_sae_encode/mod.ts";
import type { SaeCoder } from "../../sae/coder.ts";
import type { Sae } from "../../sae/types.ts";
import type { Subject } from "../survey.ts";

/** A mutated residue where the autoencoder reads it. */
export interface TokenPreActs {
  /** f32[F] of the wild type and of the mutant. */
  readonly wild: Float32Array;
  readonly mutant: Float32Array;
  /** The wild type's. */
  readonly mean: number;
  readonly std: number;
}

/** Pre-activations of the mutated residue of each subject. */
export async function preActsOf(
  coder: SaeCoder,
  subjects: readonly Subject[],
): Promise<TokenPreActs[]> {
  const { dModel, latents } = coder.sae.config;
  const rows = new Float32Array(subjects.length * 2 * dModel);
  subjects.forEach(({ wild, mutant, variant: { substitutions: [{ position: token }] } }, s) => {
    const row = (hidden: Float32Array) => hidden.subarray(token * dModel, (token + 1) * dModel);
    rows.set(row(wild.hidden), 2 * s * dModel);
    rows.set(row(mutant.hidden), (2 * s + 1) * dModel);
  });
  using hidden = coder.backend.upload("mutated residues", [subjects.length * 2, dModel], rows);
  const { preActs, scale } = await coder.preActs(hidden);
  using _ = preActs;
  const values = await preActs.read();
  const at = (row: number) => values.subarray(row * latents, (row + 1) * latents);
  return subjects.map((_, s) => ({
    wild: at(2 * s),
    mutant: at(2 * s + 1),
    mean: scale.mean[2 * s],
    std: scale.std[2 * s],
  }));
}

/** Latents among the k largest that are positive: those that the decoder sees. */
export function activeOf({ config: { latents, k } }: Sae, preActs: Float32Array): Uint32Array {
  const { topIndices } = selectTopK(preActs, 1, latents, k!);
  return topIndices.slice().sort().filter((j) => preActs[j] > 0);
}

/** Writes what pre-activations decode to at a token's scale: (z · wDec + bPre) · std + mean. */
export function decodeInto(
  out: Float32Array,
  sae: Sae,
  preActs: Float32Array,
  active: Uint32Array,
  { mean, std }: Pick<TokenPreActs, "mean" | "std">,
): void {
  const { wDec, bPre } = sae;
  const sum = Float64Array.from(bPre);
  for (const latent of active) {
    const z = preActs[latent], at = latent * sum.length;
    for (let d = 0; d < sum.length; d++) sum[d] += z * wDec[at + d];
  }
  for (let d = 0; d < sum.length; d++) out[d] = sum[d] * std + mean;
}
