/** Lists of substitutions such as `W246A,A10G:K20R`, checked against a sequence. */
import { quote, UserError } from "../errors.ts";
import { parseVariant, splitVariants } from "./grammar.ts";
import { isSubstitution, LetterCheck, residueOf, resolveVariant } from "./resolve.ts";
import type { Substitution, Target } from "./types.ts";

/** Residues that are replaced together. */
export interface NamedSubstitutions {
  /** As people write it: `A10G:K20R`. */
  name: string;
  /** One or more, ascending. */
  substitutions: readonly Substitution[];
}

/**
 * Reads a list of variants that only replace residues.
 *
 * @param where what to call the text in messages: `--mutations`, or a file and line
 * @throws {UserError} for what is no substitution, a letter that the sequence does not have, or a
 *   variant given twice
 */
export function parseSubstitutions(
  text: string,
  target: Target,
  where: string,
): NamedSubstitutions[] {
  const fail = (requirement: string, value: string): never => {
    throw new UserError(
      `Cannot read the mutations of ${quote(target.id)} (${where}) as ${requirement}: ` +
        `current value is ${quote(value)}`,
    );
  };
  const listed = splitVariants(text).map((each) => ({ each, edits: parseVariant(each, where) }));
  if (listed.length === 0) fail("there must be at least one, such as A10G", text);
  const check = new LetterCheck(target, "read mutation");
  for (const { edits } of listed) check.add(edits, where);
  check.done();
  const seen = new Set<string>();
  return listed.map(({ each, edits }) => {
    if (edits.length === 0 || !edits.every(isSubstitution)) {
      fail("each must replace residues", each);
    }
    const { substitutions } = resolveVariant(edits, target, where);
    if (substitutions.some(({ from, to }) => from === to)) {
      fail("each must change its residue", each);
    }
    const name = substitutions.map(({ position, from, to }) =>
      `${from}${residueOf(position, target)}${to}`
    ).join(":");
    if (seen.has(name)) fail("each must be given once", each);
    seen.add(name);
    return { name, substitutions };
  });
}
