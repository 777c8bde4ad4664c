/** What the published tool's patching and integrated gradients have in common. */
import { UserError } from "../../errors.ts";
import type { SaeCoder } from "../../sae/coder.ts";
import type { SaeConfig } from "../../sae/types.ts";
import type { LatentSpace } from "../latent_space.ts";
import type { Subject, SurveyCommand, SurveyFlags } from "../survey.ts";
import type { Metric } from "../metric.ts";
import { activeOf, readPreActs } from "../path.ts";
import { ContextFreeTail } from "./context_free_tail.ts";
import { LEGACY_K, LEGACY_SEED, type LegacyMode } from "./mode.ts";
import { MaskedModel } from "./masked_model.ts";
import { type LegacyChoice, readLegacyVariants } from "./variants.ts";

/** A mutated residue where the autoencoder reads it. */
export interface TokenPreActs {
  /** f32[F] of the wild type and of the mutant. */
  readonly wild: Float32Array;
  readonly mutant: Float32Array;
  /** The wild type's. */
  readonly mean: number;
  readonly std: number;
}

/** Mutations of one group under one autoencoder. */
export interface LegacyWork {
  tail: ContextFreeTail;
  space: LatentSpace;
  subjects: readonly Subject[];
  tokens: TokenPreActs[];
  metrics: Metric[];
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
): Pick<SurveyCommand<R>, "read" | "check" | "together" | "analyse"> {
  let masked: MaskedModel | undefined;
  return {
    read: () => readLegacyVariants(flags, usual),
    check: checkSae,
    together: (copies) => Math.min(TOGETHER, copies),
    async analyse({ coder, space }, subjects, _wild, { esm }) {
      masked ??= new MaskedModel(esm, signal);
      const metrics = subjects.map(({ metric }) => metric);
      const esmScores: number[] = [];
      for (const subject of subjects) {
        const { score = await masked.value(subject) } = subject.variant;
        esmScores.push(score);
      }
      const tokens = await preActsOf(coder, subjects);
      const tail = new ContextFreeTail(esm, space.sae.config.depth, signal);
      return await analyse({ tail, space, subjects, tokens, metrics, esmScores });
    },
  };
}

/** Pre-activations of the mutated residue of each subject, at the wild type's scale. */
async function preActsOf(coder: SaeCoder, subjects: readonly Subject[]): Promise<TokenPreActs[]> {
  const { latents } = coder.sae.config;
  const { values, scale: { mean, std } } = await readPreActs(
    coder,
    subjects.flatMap(({ wild, mutant, variant: { substitutions: [{ position: token }] } }) =>
      [wild, mutant].map((capture) => ({ capture, token }))
    ),
  );
  const at = (row: number) => values.subarray(row * latents, (row + 1) * latents);
  return subjects.map((_, s) => ({
    ...{ wild: at(2 * s), mutant: at(2 * s + 1) },
    ...{ mean: mean[2 * s], std: std[2 * s] },
  }));
}

/** Writes what pre-activations decode to, those that stay of them, which it returns. */
export function decodeInto(
  out: Float32Array,
  space: LatentSpace,
  preActs: Float32Array,
  { mean, std }: TokenPreActs,
): Uint32Array {
  const indices = activeOf(preActs, space.sae.config);
  out.set(
    space.decode({ indices, deltas: Float64Array.from(indices, (j) => preActs[j]) }, mean, std),
  );
  return indices;
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
