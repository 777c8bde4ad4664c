/** What the published tool's patching and integrated gradients have in common. */
import { UserError } from "../../errors.ts";
import type { SaeConfig } from "../../sae/types.ts";
import { tokenOf } from "../../variants/letters.ts";
import type { LatentSpace } from "../latent_space.ts";
import type { Subject, SurveyCommand, SurveyFlags } from "../survey.ts";
import { ContextFreeTail, type TokenMetric } from "./context_free_tail.ts";
import { preActsOf, type TokenPreActs } from "./decode.ts";
import { LEGACY_K, LEGACY_SEED, type LegacyMode } from "./mode.ts";
import { MaskedModel } from "./masked_model.ts";
import { type LegacyChoice, readLegacyVariants } from "./variants.ts";

/** Mutations of one group under one autoencoder. */
export interface LegacyWork {
  tail: ContextFreeTail;
  space: LatentSpace;
  subjects: readonly Subject[];
  tokens: TokenPreActs[];
  metrics: TokenMetric[];
  /** The input's, or the whole model's masked marginals. */
  esmScores: number[];
}

/** Mutations that run together, at most: their patched tokens fill a batch. */
const TOGETHER = 16;

/** The options with the tool's own values where it fixes them. */
export function legacyFlags<T extends Omit<SurveyFlags, "seed"> & { seed?: number }>(
  o: T,
): T & { seed: number } {
  return { ...o, k: o.k ?? LEGACY_K, seed: o.seed ?? LEGACY_SEED, at: "mutated" };
}

/**
 * Reading and analysing of a survey command.
 *
 * @param usual which mutations the tool took
 * @param analyse gives the results in order
 */
export function legacySurvey<R extends object>(
  flags: SurveyFlags,
  usual: LegacyChoice,
  signal: AbortSignal,
  analyse: (work: LegacyWork) => Promise<R[]>,
): Pick<SurveyCommand<R>, "read" | "prepare"> {
  return {
    read: () => readLegacyVariants(flags, usual),
    prepare({ esm, lenses }) {
      const tails = new Map(lenses.map(({ space: { sae: { config } } }) => {
        checkSae(config);
        return [config, new ContextFreeTail(esm, config.depth, signal)];
      }));
      const masked = new MaskedModel(esm, signal);
      return {
        together: (copies) => Math.min(TOGETHER, copies),
        async analyse({ coder, space }, subjects) {
          const metrics = subjects.map(metricOf);
          const esmScores: number[] = [];
          for (const [s, subject] of subjects.entries()) {
            const { score = await masked.value(subject, metrics[s]) } = subject.variant;
            esmScores.push(score);
          }
          const tokens = await preActsOf(coder, subjects);
          const tail = tails.get(space.sae.config)!;
          return await analyse({ tail, space, subjects, tokens, metrics, esmScores });
        },
      };
    },
  };
}

function metricOf({ variant: { substitutions: [{ from, to }] } }: Subject): TokenMetric {
  return { plus: tokenOf(to)!, minus: tokenOf(from)! };
}

function checkSae({ name, k, normalisation, afterFinalNorm }: SaeConfig): void {
  if (k !== undefined && normalisation === "zscore" && !afterFinalNorm) return;
  throw new UserError(
    `Cannot use --legacy with ${name} as the autoencoder must keep the k largest latents of ` +
      `z-scored tokens, as InterProt's do: current value is ${k ? `k ${k}` : "ReLU"}, ` +
      `normalisation ${normalisation}`,
  );
}

/**
 * Refuses options that the tool fixes itself.
 *
 * @param specs the command's options, whose defaults stand for "not given"
 * @throws {UserError} for one that differs from its default
 */
export function checkFixed(
  mode: LegacyMode,
  o: object,
  specs: Readonly<Record<string, { default: unknown }>>,
  fixed: readonly string[],
): void {
  const values = o as Record<string, unknown>;
  const given = fixed.find((key) =>
    JSON.stringify(values[key]) !== JSON.stringify(specs[key].default)
  );
  if (given === undefined) return;
  throw new UserError(
    `Cannot use --${given} and --legacy ${mode} together as the published tool fixes it`,
  );
}
