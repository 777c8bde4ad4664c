/** The mutations that the published tool takes: single ones, measured lowest or drawn by pandas. */
import { quote, UserError } from "../../errors.ts";
import { checkChoice, chooseLowest } from "../choose.ts";
import {
  type CausalInputs,
  type CausalProtein,
  readVariants,
  type VariantFlags,
} from "../variants.ts";
import { LEGACY_BELOW, LEGACY_LOWEST, LEGACY_SCORES, LEGACY_SEED } from "./mode.ts";
import { pandasSample } from "./numpy_random.ts";

/** Seeds of NumPy's generator are 32-bit numbers. */
const LARGEST_SEED = 2 ** 32 - 1;

const NOTE =
  "As in the published tool every token runs through the blocks after the autoencoder alone: " +
  "the numbers are to be compared with that tool's and mean little else.";

export type LegacyVariantFlags = Omit<VariantFlags, "seed"> & { seed?: number };

/** How the tool chose the mutations of a kind of file, where nobody says otherwise. */
export type LegacyChoice = { lowest: number } | { sample: number };

/** @throws {UserError} if a protein has no such mutation, and as for any other input */
export async function readLegacyVariants(
  flags: LegacyVariantFlags,
  usual: LegacyChoice,
): Promise<CausalInputs> {
  const { seed = LEGACY_SEED } = flags;
  if (seed > LARGEST_SEED) {
    throw new UserError(
      `Cannot use --seed as NumPy's must be at most ${LARGEST_SEED}: current value is ${seed}`,
    );
  }
  checkChoice({ ...flags, seed });
  const { filter } = flags;
  const { lowest, sample } = (flags.lowest ?? flags.sample) === undefined
    ? { lowest: undefined, sample: undefined, ...usual }
    : flags;
  const inputs = await readVariants({
    ...{ ...flags, seed },
    ...{ singles: true, scoreColumn: LEGACY_SCORES },
    ...{ lowest: undefined, sample: Number.MAX_SAFE_INTEGER },
  });
  const notes = [NOTE, ...inputs.notes];
  const choose = ({ target: { id }, variants, hasMeasured }: CausalProtein) => {
    if (lowest !== undefined && (hasMeasured || flags.lowest !== undefined)) {
      return chooseLowest(id, variants, lowest, notes);
    }
    // The tool's own filter, unless there is another.
    const isFiltered = filter === undefined && hasMeasured;
    const below = isFiltered ? ` measured below ${LEGACY_BELOW}` : "";
    const kept = isFiltered ? variants.filter(({ measured }) => measured < LEGACY_BELOW) : variants;
    if (kept.length === 0) {
      throw new UserError(
        `Cannot explain ${quote(id)} as it must have a single substitution${below} ` +
          `(--filter chooses others): current count is 0 of ${variants.length} variants`,
      );
    }
    const most = sample ?? LEGACY_LOWEST;
    const chosen = kept.length <= most
      ? kept
      : pandasSample(kept.length, most, seed).map((i) => kept[i]);
    notes.push(
      `${chosen.length} of ${kept.length} single substitutions of ${id}${below}` +
        (chosen.length < kept.length ? ` are drawn as pandas does with seed ${seed}.` : "."),
    );
    return chosen;
  };
  const proteins = inputs.proteins.map((protein) => {
    const variants = choose(protein);
    const stated = variants.filter(({ score }) => score !== undefined).length;
    notes.push(
      `esm_score of ${protein.target.id}: ` +
        (stated === 0 ? "masked marginals of the model." : `the input's ${LEGACY_SCORES}` +
          (stated < variants.length
            ? `, masked marginals of the model where it has none (${
              variants.length - stated
            } of ${variants.length}).`
            : ".")),
    );
    return { ...protein, variants };
  });
  return { ...inputs, proteins, notes };
}
