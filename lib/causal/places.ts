/** Which tokens of a sequence an edit may touch. */
import { integerRanges, type Parser } from "../cli/parsers.ts";
import { badValue } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import type { Substitution, Target } from "../variants/types.ts";

/** The mutated residues, all tokens with `<cls>` and `<eos>`, or residues by number. */
export type Places = "mutated" | "all" | readonly number[];

/** Reads `mutated`, `all`, or residue numbers such as `5-20,41`. */
export const parsePlaces: Parser<Places> = (text, flag) => {
  if (text === "mutated" || text === "all") return text;
  try {
    return integerRanges({ min: 1, max: 1_000_000 })(text, flag);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw badValue(flag, 'mutated, all, or residues such as "5-20,41"', text);
  }
};

/**
 * Tokens of the places, ascending.
 *
 * @throws {UserError} if a residue is not in the protein
 */
export function tokensOf(
  places: Places,
  { residues, offset }: Target,
  substitutions: readonly Substitution[],
): number[] {
  if (places === "all") return Array.from({ length: residues.length + 2 }, (_, t) => t);
  if (places === "mutated") return substitutions.map(({ position }) => position);
  return places.map((residue) => {
    const position = residue - offset + 1;
    if (position >= 1 && position <= residues.length) return position;
    throw new UserError(
      `Cannot use --at as residues must be in ${offset}..${residues.length + offset - 1}: ` +
        `current value is ${residue}`,
    );
  });
}

/** What people call a token: its residue's number, `<cls>` or `<eos>`. */
export function placeName(token: number, { residues, offset }: Target): string {
  if (token === 0) return "<cls>";
  return token > residues.length ? "<eos>" : String(token + offset - 1);
}
