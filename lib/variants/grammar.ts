/**
 * Mutations as people write them: `A10G`, `A10G:K20R` (also `,` `;` `/` `_` `+`), `SA108D`,
 * HGVS `p.Ala10Gly`, `p.[Ala10Gly;Lys20Arg]`, `p.Lys2_Gly3insGln`, `p.Ala3_Gly5del`, `…delins…`, `…dup`.
 */
import { quote, UserError } from "../errors.ts";
import { AMINO_ACIDS, oneLetter, THREE_LETTER_NAMES } from "./letters.ts";

/** A residue that a mutation names: its number as written and the letter it should have. */
export interface NamedResidue {
  residue: number;
  letter: string;
}

/** One change; residues carry the numbers as written. */
export interface Edit {
  text: string;
  /** Residues whose letters the text states, to be checked against the sequence. */
  named: NamedResidue[];
  /** Residues `begin` to `end` (inclusive) go; `end` = `begin` − 1 when nothing does. */
  begin: number;
  end: number;
  /** What comes in their place. */
  inserted: string;
  /** The residues stay and come once more. */
  duplicated?: boolean;
}

const RESIDUE = `(${THREE_LETTER_NAMES}|[A-Z])(-?\\d+)`;
const END = "(?=$|[\\s:,;/_+])";
const SUBSTITUTION = new RegExp(
  `(?:S(?=[A-Z]\\d))?${RESIDUE}(${THREE_LETTER_NAMES}|TER|[A-Z]|[=*])${END}`,
  "iy",
);
const INDEL = new RegExp(
  `${RESIDUE}(?:_${RESIDUE})?(delins|del|ins|dup)([A-Z]*)${END}`,
  "iy",
);
const SEPARATORS = /[\s:,;/_+]*/y;
const WILD_TYPE = /^(_?wt|wild[- _]?type|p\.\(?=\)?|=)$/i;

/**
 * The changes of one variant; none for the wild type (`WT`, `p.=`).
 *
 * @param where what to call the text in messages: `--mutations`, or a file and line
 * @throws {UserError} if the text is no list of mutations
 */
export function parseVariant(text: string, where: string): Edit[] {
  const trimmed = text.trim();
  if (WILD_TYPE.test(trimmed)) return [];
  const bare = trimmed.replace(/\bp\./g, "").replace(/[()[\]]/g, "");
  const edits: Edit[] = [];
  for (let at = 0; at < bare.length;) {
    const indel = matchAt(INDEL, bare, at), plain = indel ? null : matchAt(SUBSTITUTION, bare, at);
    const found = indel ?? plain;
    if (!found) fail(text, where, rest(bare, at));
    edits.push(indel ? indelOf(indel, where) : substitutionOf(plain!, where));
    at += found![0].length;
    at += matchAt(SEPARATORS, bare, at)![0].length;
  }
  if (edits.length === 0) fail(text, where, text);
  return edits;
}

/** Variants of a list such as `A10G,K20R:L21M`: commas, semicolons and white space part them. */
export function splitVariants(list: string): string[] {
  // Within brackets they part the mutations of one variant.
  return list.match(/(?:\[[^\]]*\]|[^\s,;[])+/g) ?? [];
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function substitutionOf([text, from, number, to]: RegExpExecArray, where: string): Edit {
  const residue = Number(number);
  if (to === "*" || /^ter$/i.test(to)) {
    throw new UserError(
      `Cannot score ${quote(text)} (${where}) as a mutation must leave a whole protein: ` +
        "current value is a stop",
    );
  }
  const letter = oneLetter(from);
  const inserted = to === "=" ? letter : oneLetter(to);
  if (to !== "=") checkLetters(inserted, text, where);
  return { text, named: [{ residue, letter }], begin: residue, end: residue, inserted };
}

function indelOf(match: RegExpExecArray, where: string): Edit {
  const [text, first, begin, second, last, written, letters] = match;
  const kind = written.toLowerCase();
  const named = [{ residue: Number(begin), letter: oneLetter(first) }];
  if (second) named.push({ residue: Number(last), letter: oneLetter(second) });
  const range = { begin: Number(begin), end: Number(last ?? begin) };
  const bad = (requirement: string) => {
    throw new UserError(
      `Cannot read mutation ${quote(text)} (${where}) as ${requirement}: current value is ` +
        quote(text),
    );
  };
  if (range.end < range.begin) bad("its residues must ascend");
  const inserted = lettersOf(letters);
  if ((kind === "ins" || kind === "delins") !== (inserted !== "")) {
    // HGVS once let the deleted letters be repeated after "del"; what they say is then checked.
    if (kind !== "del" || !namesRange(inserted, range, named)) {
      bad(kind === "ins" || kind === "delins" ? "letters must follow it" : "no letters may follow");
    }
  }
  if (kind === "ins" || kind === "delins") checkLetters(inserted, text, where);
  if (kind === "dup") return { text, named, ...range, inserted: "", duplicated: true };
  if (kind !== "ins") return { text, named, ...range, inserted: kind === "del" ? "" : inserted };
  if (range.end !== range.begin + 1) bad("an insertion must name the two residues beside it");
  return { text, named, begin: range.end, end: range.begin, inserted };
}

/** Adds the letters of a deleted stretch to the residues to check; false if their number is wrong. */
function namesRange(
  letters: string,
  { begin, end }: { begin: number; end: number },
  named: NamedResidue[],
): boolean {
  if (letters.length !== end - begin + 1) return false;
  [...letters].forEach((letter, i) => named.push({ residue: begin + i, letter }));
  return true;
}

/** `GlnSer` or `QS`: names of three letters only where every one has a capital and two small ones. */
function lettersOf(text: string): string {
  const names = new RegExp(`^(?:${THREE_LETTER_NAMES})+$`, "i").test(text) &&
    /^(?:[A-Z][a-z]{2})+$/.test(text);
  return names ? text.match(/.{3}/g)!.map(oneLetter).join("") : text.toUpperCase();
}

function checkLetters(letters: string, text: string, where: string): void {
  const bad = [...letters].find((letter) => !AMINO_ACIDS.includes(letter));
  if (bad === undefined) return;
  throw new UserError(
    `Cannot read mutation ${quote(text)} (${where}) as new letters must be amino acids ` +
      `(${AMINO_ACIDS}): current value is ${quote(bad)}`,
  );
}

const rest = (text: string, at: number) => text.slice(at).split(/[\s:,;/+]/, 1)[0] || text;

function fail(text: string, where: string, value: string): never {
  const within = value === text ? "" : ` of ${quote(text, 40)}`;
  throw new UserError(
    `Cannot read mutation ${
      quote(value)
    }${within} (${where}) as it must be like A10G, A10G:K20R, ` +
      `p.Ala10Gly or p.Ala3_Gly5del: current value is ${quote(value)}`,
  );
}
