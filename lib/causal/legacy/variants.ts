/** The mutations that the published tool takes: harmful single ones, drawn by pandas. */
import { quote, UserError } from "../../errors.ts";
import { type CausalInputs, readVariants, type VariantFlags } from "../variants.ts";
import { LEGACY_BELOW, LEGACY_SAMPLE, LEGACY_SEED } from "./mode.ts";
import { pandasSample } from "./numpy_random.ts";

/** Seeds of NumPy's generator are 32-bit numbers. */
const LARGEST_SEED = 2 ** 32 - 1;

const NOTE =
  "As in the published tool every token runs through the blocks after the autoencoder alone: " +
  "the numbers are to be compared with that tool's and mean little else.";

export type LegacyVariantFlags = Omit<VariantFlags, "seed"> & { seed?: number };

/** @throws {UserError} if a protein has no such mutation, and as for any other input */
export async function readLegacyVariants(flags: LegacyVariantFlags): Promise<CausalInputs> {
  const { filter, sample = LEGACY_SAMPLE, seed = LEGACY_SEED } = flags;
  if (seed > LARGEST_SEED) {
    throw new UserError(
      `Cannot use --seed as NumPy's must be at most ${LARGEST_SEED}: current value is ${seed}`,
    );
  }
  const inputs = await readVariants({ ...flags, sample: Number.MAX_SAFE_INTEGER, seed });
  const notes = [NOTE, ...inputs.notes];
  const proteins = inputs.proteins.map((protein) => {
    const { target: { id }, hasMeasured } = protein;
    // The tool's own filter, unless there is another.
    const isHarmful = (measured: number) =>
      filter !== undefined || !hasMeasured || measured < LEGACY_BELOW;
    const kept = protein.variants.filter(({ substitutions, measured }) =>
      substitutions.length === 1 && isHarmful(measured)
    );
    if (kept.length === 0) {
      throw new UserError(
        `Cannot explain ${quote(id)} as it must have a single substitution` +
          (filter === undefined && hasMeasured
            ? ` measured below ${LEGACY_BELOW} (--filter chooses others)`
            : "") +
          `: current count is 0 of ${protein.variants.length} variants`,
      );
    }
    const chosen = kept.length <= sample
      ? kept
      : pandasSample(kept.length, sample, seed).map((i) => kept[i]);
    notes.push(
      `${chosen.length} of ${kept.length} single substitutions of ${id}` +
        (filter === undefined && hasMeasured ? ` measured below ${LEGACY_BELOW}` : "") +
        (chosen.length < kept.length ? ` are drawn as pandas does with seed ${seed}.` : "."),
    );
    return { ...protein, variants: chosen };
  });
  return { proteins, notes };
}
