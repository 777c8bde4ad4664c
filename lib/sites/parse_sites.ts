/** Reads lists of residues such as `85,89`, `L85,Q89` or `85-89` and checks them against a sequence. */
import { quote, UserError } from "../errors.ts";
import { displayLetters } from "../esm2/tokenize.ts";
import type { Site } from "./types.ts";

/**
 * Sites in ascending order. Letters, where given, must be those of the sequence.
 *
 * @param text comma-, semicolon- or space-separated; `L85`, `85`, `85L` is refused, `85-89` is a range
 * @param where what to call the text in messages: `--sites`, or a file and line
 * @throws {UserError} naming the residue for a number outside the sequence, a wrong letter (with the
 *   offset that would mend all of them, if there is one) or a residue given twice
 */
export function parseSites(
  text: string,
  { id, residues }: { id: string; residues: string },
  where: string,
): Site[] {
  const letters = displayLetters(residues);
  const fail = (requirement: string, value: string | number): never => {
    throw new UserError(
      `Cannot read the sites of ${quote(id)} (${where}) as ${requirement}: current value is ` +
        quote(value),
    );
  };
  const wanted: { letter?: string; residue: number; token: string }[] = [];
  for (const token of text.split(/[\s,;]+/).filter(Boolean)) {
    const parts = /^([A-Za-z]?)(\d+)(?:-(\d+))?$/.exec(token);
    if (!parts || (parts[1] && parts[3])) {
      fail("each must be a residue number such as 85, L85 or 85-89", token);
    }
    const [, letter, first, last] = parts!;
    const begin = Number(first), end = Number(last ?? first);
    if (end < begin) fail("a range must ascend", token);
    if (begin < 1 || end > letters.length) {
      fail(`residue numbers must be in 1..${letters.length}`, token);
    }
    for (let residue = begin; residue <= end; residue++) {
      wanted.push({ letter: letter?.toUpperCase() || undefined, residue, token });
    }
  }
  if (wanted.length === 0) fail("there must be at least one", text);

  const wrong = wanted.find(({ letter, residue }) => letter && letters[residue - 1] !== letter);
  if (wrong) {
    const offset = mendingOffset(wanted, letters);
    throw new UserError(
      `Cannot read the sites of ${quote(id)} (${where}) as residue ${wrong.residue} must be the ` +
        `sequence's ${letters[wrong.residue - 1]}: current value is ${quote(wrong.token)}` +
        (offset === undefined ? "" : `; adding ${offset} to every number would fit all letters`),
    );
  }
  const seen = new Set<number>();
  for (const { residue } of wanted) {
    if (seen.has(residue)) fail("a residue must be given once", residue);
    seen.add(residue);
  }
  if (seen.size === letters.length) {
    fail("some residues must not be sites, to compare with", `all ${letters.length} residues`);
  }
  return [...seen].sort((a, b) => a - b)
    .map((residue) => ({ residue, letter: letters[residue - 1] }));
}

/** The smallest shift under which every given letter fits, if there is one. */
function mendingOffset(
  wanted: readonly { letter?: string; residue: number }[],
  letters: string,
): number | undefined {
  const checked = wanted.filter(({ letter }) => letter);
  // One or two letters fit somewhere by chance.
  if (checked.length < 3) return undefined;
  for (let size = 1; size < letters.length; size++) {
    for (const offset of [size, -size]) {
      if (checked.every(({ letter, residue }) => letters[residue - 1 + offset] === letter)) {
        return offset;
      }
    }
  }
  return undefined;
}
