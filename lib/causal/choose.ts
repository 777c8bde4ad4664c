/** Which of a protein's variants are explained, of those that could be. */
import { quote, UserError } from "../errors.ts";
import { sampleIndices } from "./sample.ts";
import type { CausalProtein, CausalVariant } from "./variants.ts";

/** How many of all single substitutions are drawn where nobody says which. */
const DEFAULT_SAMPLE = 20;

export interface Choice {
  /** Only variants with one substitution. */
  singles?: boolean;
  /** Those that were measured lowest, in that order. */
  lowest?: number;
  /** So many drawn at random. */
  sample?: number;
  seed: number;
}

/** @throws {UserError} for two ways of choosing at once */
export function checkChoice({ lowest, sample }: Choice): void {
  if (lowest === undefined || sample === undefined) return;
  throw new UserError("Cannot use --lowest and --sample together as only one must choose");
}

/**
 * The variants that are chosen; what that leaves out is noted.
 *
 * @param ofMany whether they are all substitutions there are, so that some are drawn unless all are asked for
 * @throws {UserError} if none is left, or measured values are wanted and there are none
 */
export function chooseVariants(
  { target: { id }, variants }: CausalProtein,
  { singles = false, lowest, sample, seed }: Choice,
  ofMany: boolean,
  notes: string[],
): CausalVariant[] {
  const fitting = singles
    ? variants.filter(({ substitutions }) => substitutions.length === 1)
    : variants;
  if (fitting.length === 0) {
    throw new UserError(
      `Cannot explain ${quote(id)} as it must have a variant with one substitution: ` +
        `current count is 0 of ${variants.length}`,
    );
  }
  if (fitting.length < variants.length) {
    notes.push(
      `${fitting.length} of ${variants.length} variants of ${id} have one substitution: the others are left out.`,
    );
  }
  if (lowest !== undefined) return chooseLowest(id, fitting, lowest, notes);
  const wanted = sample ?? (ofMany ? DEFAULT_SAMPLE : fitting.length);
  if (wanted < fitting.length) {
    notes.push(`${wanted} of ${fitting.length} variants of ${id} are drawn (--sample).`);
  }
  return sampleIndices(fitting.length, wanted, seed).map((i) => fitting[i]);
}

/**
 * Those with the lowest measured values, ascending; of equal ones the first in the input.
 *
 * @throws {UserError} if nothing was measured
 */
export function chooseLowest(
  id: string,
  variants: readonly CausalVariant[],
  count: number,
  notes: string[],
): CausalVariant[] {
  const chosen = variants.filter(({ measured }) => !Number.isNaN(measured))
    .sort((a, b) => a.measured - b.measured || a.number - b.number)
    .slice(0, count);
  if (chosen.length === 0) {
    throw new UserError(
      `Cannot take the variants of ${quote(id)} that were measured lowest as one must have a ` +
        `measured value (--measured-column names its column): current count is 0 of ${variants.length}`,
    );
  }
  notes.push(`${chosen.length} of ${variants.length} variants of ${id}: those measured lowest.`);
  return chosen;
}
