/** The published tool's integrated gradients through pre-activations. */
import type { Attribution } from "../integrate.ts";
import type { LatentSpace } from "../latent_space.ts";
import type { Metric } from "../metric.ts";
import type { ContextFreeTail } from "./context_free_tail.ts";
import { LEGACY_STEPS } from "./mode.ts";
import { decodeInto, type TokenPreActs } from "./survey.ts";

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
  space: LatentSpace,
  tokens: readonly TokenPreActs[],
  metrics: readonly Metric[],
): Promise<LegacyAttribution[]> {
  const { dModel, latents } = space, steps = LEGACY_STEPS;
  const rows = new Float32Array(tokens.length * steps * dModel);
  const active = tokens.map((token, t) =>
    Array.from({ length: steps }, (_, s) => {
      const { wild, mutant } = token, at = (t * steps + s) * dModel;
      const preActs = wild.map((value, j) => value + s / steps * (mutant[j] - value));
      return decodeInto(rows.subarray(at, at + dModel), space, preActs, token);
    })
  );
  const { values, gradients } = await tail.gradients(
    rows,
    metrics.flatMap((metric) => Array.from({ length: steps }, () => metric)),
  );
  const ends = new Float32Array(tokens.length * dModel);
  tokens.forEach((token, t) => {
    const row = ends.subarray(t * dModel, (t + 1) * dModel);
    decodeInto(row, space, token.mutant, token);
  });
  const inputs = await tail.values(ends, metrics);
  return tokens.map(({ wild, mutant, std }, t) => {
    const sums = new Float64Array(latents);
    active[t].forEach((chosen, s) => {
      const at = (t * steps + s) * dModel;
      for (const latent of chosen) {
        sums[latent] += space.project(latent, gradients, at) * std;
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
