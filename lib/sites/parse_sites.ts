/** Reads lists of residues such as `85,89`, `L85,Gln89` or `85-89` and checks them against a sequence. */
import { quote, UserError } from "../errors.ts";
import { displayLetters } from "../esm2/tokenize.ts";
import { oneLetter, THREE_LETTER_NAMES } from "../variants/letters.ts";
import type { Site } from "./types.ts";

/** A residue with or without its letter, and the end of a range from it. */
const SITE = new RegExp(
  `^(${THREE_LETTER_NAMES}|[A-Z])?(-?\\d+)(?:-(${THREE_LETTER_NAMES}|[A-Z])?(-?\\d+))?$`,
  "i",
);

/**
 * Sites in ascending order, numbered from 1. Letters, where given, must be those of the sequence.
 *
 * @param text comma-, semicolon- or space-separated; `L85`, `Leu85`, `85`, `85L` is refused, `85-89` and
 *   `L85-Q89` are ranges
 * @param offset number of the sequence's first residue in the text
 * @param where what to call the text in messages: `--sites`, or a file and line
 * @throws {UserError} naming the residue for a number outside the sequence, a wrong letter (with the
 *   offset that would mend all of them, if there is one) or a residue given twice
 */
export function parseSites(
  text: string,
  { id, residues }: { id: string; residues: string },
  where: string,
  offset = 1,
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
    const parts = SITE.exec(token);
    if (!parts) {
      fail("each must be a residue number such as 85, L85, 85-89 or L85-Q89", token);
    }
    const [, letter, first, lastLetter, last = first] = parts!;
    const begin = Number(first), end = Number(last);
    if (end < begin) fail("a range must ascend", token);
    if (begin < offset || end > letters.length + offset - 1) {
      fail(`residue numbers must be in ${offset}..${letters.length + offset - 1}`, token);
    }
    for (let number = begin; number <= end; number++) {
      const own = number === begin ? letter : number === end ? lastLetter : undefined;
      wanted.push({ letter: own && oneLetter(own), residue: number - offset + 1, token });
    }
  }
  if (wanted.length === 0) fail("there must be at least one", text);

  const wrong = wanted.find(({ letter, residue }) => letter && letters[residue - 1] !== letter);
  if (wrong) {
    const shift = mendingShift(wanted, letters);
    throw new UserError(
      `Cannot read the sites of ${quote(id)} (${where}) as residue ${
        wrong.residue + offset - 1
      } must be the ` +
        `sequence's ${letters[wrong.residue - 1]}: current value is ${quote(wrong.token)}` +
        (shift === undefined ? "" : `; --offset ${offset - shift} would fit all letters`),
    );
  }
  const seen = new Set<number>();
  for (const { residue } of wanted) {
    if (seen.has(residue)) fail("a residue must be given once", residue + offset - 1);
    seen.add(residue);
  }
  if (seen.size === letters.length) {
    fail("some residues must not be sites, to compare with", `all ${letters.length} residues`);
  }
  return [...seen].sort((a, b) => a - b)
    .map((residue) => ({ residue, letter: letters[residue - 1] }));
}

/** The smallest shift under which every given letter fits, if there is one. */
function mendingShift(
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
