/** The published tool's integrated gradients through pre-activations. */
import type { Attribution } from "../integrate.ts";
import type { LatentSpace } from "../latent_space.ts";
import type { ContextFreeTail, TokenMetric } from "./context_free_tail.ts";
import { activeOf, decodeInto, type TokenPreActs } from "./decode.ts";
import { LEGACY_STEPS } from "./mode.ts";

export interface LegacyAttribution {
  /** The metric at the wild type's pre-activations, and at the mutant's. */
  baseline: number;
  input: number;
  /** f32[F] */
  effects: Float32Array;
}

/** Attributions of the mutated residues' latents: mean gradient × the pre-activation's change. */
export async function legacyAttributions(
  tail: ContextFreeTail,
  { sae }: LatentSpace,
  tokens: readonly TokenPreActs[],
  metrics: readonly TokenMetric[],
): Promise<LegacyAttribution[]> {
  const { dModel, latents } = sae.config, steps = LEGACY_STEPS;
  const rows = new Float32Array(tokens.length * steps * dModel);
  const active = tokens.map((token, t) =>
    Array.from({ length: steps }, (_, s) => {
      const { wild, mutant } = token, at = (t * steps + s) * dModel;
      const preActs = wild.map((value, j) => value + s / steps * (mutant[j] - value));
      const chosen = activeOf(sae, preActs);
      decodeInto(rows.subarray(at, at + dModel), sae, preActs, chosen, token);
      return chosen;
    })
  );
  const { values, gradients } = await tail.gradients(
    rows,
    metrics.flatMap((metric) => Array.from({ length: steps }, () => metric)),
  );
  const ends = new Float32Array(tokens.length * dModel);
  tokens.forEach((token, t) => {
    const row = ends.subarray(t * dModel, (t + 1) * dModel);
    decodeInto(row, sae, token.mutant, activeOf(sae, token.mutant), token);
  });
  const inputs = await tail.values(ends, metrics);
  return tokens.map(({ wild, mutant, std }, t) => {
    const sums = new Float64Array(latents);
    active[t].forEach((chosen, s) => {
      const at = (t * steps + s) * dModel;
      for (const latent of chosen) {
        let slope = 0;
        for (let d = 0; d < dModel; d++) slope += sae.wDec[latent * dModel + d] * gradients[at + d];
        sums[latent] += slope * std;
      }
    });
    return {
      baseline: values[t * steps],
      input: inputs[t],
      effects: Float32Array.from(sums, (sum, j) => sum / steps * (mutant[j] - wild[j])),
    };
  });
}

/** The latents that have a part in the effect, as this project's own explanations name them. */
export function legacyNodes(
  { effects }: LegacyAttribution,
  { wild, mutant, std }: TokenPreActs,
  token: number,
  { norms }: LatentSpace,
): Attribution[] {
  return Array.from(effects.keys()).filter((latent) => effects[latent] !== 0).map((latent) => {
    const delta = mutant[latent] - wild[latent];
    const displacement = Math.abs(delta) * std * norms[latent];
    return { token, latent, delta, displacement, attribution: effects[latent] };
  });
}
