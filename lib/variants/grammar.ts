/**
 * Mutations as people write them: `A10G`, `A10G:K20R` (also `,` `;` `/` `_` `+`), `SA108D`,
 * HGVS `p.Ala10Gly`, also behind an accession or gene (`NP_000537.3:p.Ala10Gly`), `p.[Ala10Gly;Lys20Arg]`, `p.Lys2_Gly3insGln`, `p.Ala3_Gly5del`, `…delins…`, `…dup`.
 * What HGVS can say but no protein model can score (`p.Lys20Ter`, `p.Ala20ProfsTer5`, `p.Met1?`,
 * `p.Ter57Leuext*?`, `p.0`) and Enrich2's `_sy` are understood as such.
 */
import { quote, UserError } from "../errors.ts";
import { AMINO_ACIDS, oneLetter, STOP, THREE_LETTER_NAMES } from "./letters.ts";
import type { Reason, Unscorable } from "./types.ts";

/** A residue that a mutation names: its number as written and the letter it should have. */
export interface NamedResidue {
  /** As it is numbered in the text. */
  residue: number;
  /** One-letter code. */
  letter: string;
}

/** One change; residues carry the numbers as written. */
export interface Edit {
  /** What was written. */
  text: string;
  /** Residues whose letters the text states, to be checked against the sequence. */
  named: NamedResidue[];
  /** Residues `begin` to `end` (inclusive) go; `end` = `begin` − 1 when nothing does. */
  begin: number;
  /** The last residue that goes. */
  end: number;
  /** What comes in their place. */
  inserted: string;
  /** The residues stay and come once more. */
  duplicated?: boolean;
  /** Why no score can be given. */
  unscorable?: Unscorable;
}

const NAME = `${THREE_LETTER_NAMES}|[A-Z]`;
const RESIDUE = `(${NAME})(-?\\d+)`;
const END = "(?=$|[\\s:,;/_+])";
const SUBSTITUTION = new RegExp(
  `(?:S(?=[A-Z]\\d))?${RESIDUE}(${NAME}|[=*])${END}`,
  "iy",
);
const INDEL = new RegExp(
  `${RESIDUE}(?:_${RESIDUE})?(delins|del|ins|dup)([A-Z*]*|X(?:aa)?\\d+|\\d+|\\?)${END}`,
  "iy",
);
/** A frameshift, a residue whose change is not known, a start before the first residue. */
const NO_PROTEIN = new RegExp(
  `${RESIDUE}(?:(${NAME})?(?:(fs)(?:TER|[*X])?(?:\\d+|\\?)?|(ext)(?:${NAME}|[*])?(?:-?\\d+|\\?)?)|\\?)${END}`,
  "iy",
);
/** The stop itself changed; it has no letter in the sequence. */
const STOP_LOST = new RegExp(`(?:TER|[*])-?\\d+(=)?(?:[A-Z*]|-?\\d+|[?])*${END}`, "iy");
const SEPARATORS = /[\s:,;/_+]*/y;
const WILD_TYPE = /^(_?wt|wild[- _]?type|p\.[([]?=[)\]]?|=)$/i;
/**
 * What may stand before the colon: any name where `p.` follows, also with the change of the gene as
 * ClinVar has it; otherwise an accession of RefSeq, Ensembl or UniProt or an entry name.
 */
const PREFIX = new RegExp(
  "^(?:" +
    "[A-Za-z][\\w.-]*(?:\\([\\w.-]+\\))?:(?:[cgmn]\\.\\S+\\s+)?(?=[([]*p\\.)|" +
    "(?:[NXY]P_\\d+(?:\\.\\d+)?|ENS[A-Z]*P\\d+(?:\\.\\d+)?|[A-Z0-9]{1,10}_[A-Z]{3,5}|" +
    "[OPQ]\\d[A-Z0-9]{3}\\d|[A-NR-Z]\\d(?:[A-Z][A-Z0-9]{2}\\d){1,2}(?:-\\d+)?):" +
    ")",
);
/** Whole variants that name no residue. */
const CODES: readonly [RegExp, Reason][] = [
  [/^_?syn?$|^synonymous$/i, "synonymous"],
  [/^(p\.)?\(?(\?|0\??)\)?$/i, "unknown"],
];

/** What is asked of a mutation that has this reason against it. */
const REQUIREMENTS: Record<Reason, string> = {
  ...{ empty: "it must name a mutation", synonymous: "it must name a residue" },
  ...{ stop: "a mutation must leave a whole protein", unknown: "its effect must be known" },
  frameshift: "a mutation must leave the reading frame",
  extension: "a mutation must leave both ends of the protein",
  letter: `new letters must be amino acids (${AMINO_ACIDS})`,
};

/** Why a mutation has no score. */
export function unscorable(
  reason: Reason,
  text: string,
  where: string,
  value = reason === "stop" || reason === "frameshift" ? `a ${reason}` : quote(text),
): Unscorable {
  const verb = reason === "letter" ? "read mutation" : "score";
  return {
    reason,
    message: `Cannot ${verb} ${quote(text)} (${where}) as ${REQUIREMENTS[reason]}: ` +
      `current value is ${value}`,
  };
}

/**
 * The changes of one variant; none for the wild type (`WT`, `p.=`).
 *
 * @param where what to call the text in messages: `--mutations`, or a file and line
 * @throws {UserError} if the text is no list of mutations, or has one that cannot be scored
 */
export function parseVariant(text: string, where: string): Edit[] {
  const edits = readEdits(text, where);
  const bad = edits.find(({ unscorable }) => unscorable);
  if (bad) throw new UserError(bad.unscorable!.message);
  return edits;
}

/**
 * The same, but mutations that cannot be scored are given with the reason, and with the residues
 * they name.
 *
 * @throws {UserError} if the text is no list of mutations
 */
export function readEdits(text: string, where: string): Edit[] {
  const trimmed = text.trim().replace(PREFIX, "");
  if (WILD_TYPE.test(trimmed)) return [];
  const code = CODES.find(([pattern]) => pattern.test(trimmed));
  if (code) {
    return [{ ...NOWHERE, text, unscorable: unscorable(code[1], text, where, quote(text)) }];
  }
  const bare = trimmed.replace(/\bp\./g, "").replace(/[()[\]]/g, "");
  const edits: Edit[] = [];
  for (let at = 0; at < bare.length;) {
    const [found, edit] = editAt(bare, at, where) ?? fail(text, where, rest(bare, at));
    edits.push(edit);
    at += found.length;
    at += matchAt(SEPARATORS, bare, at)![0].length;
  }
  if (edits.length === 0) fail(text, where, text);
  return edits;
}

const NOWHERE = { named: [], begin: 0, end: -1, inserted: "" };

function editAt(bare: string, at: number, where: string): [found: string, Edit] | undefined {
  for (const [pattern, edit] of FORMS) {
    const found = matchAt(pattern, bare, at);
    if (found) return [found[0], edit(found, where)];
  }
}

const FORMS: readonly [RegExp, (match: RegExpExecArray, where: string) => Edit][] = [
  [STOP_LOST, stopLost],
  [NO_PROTEIN, withoutProtein],
  [INDEL, indelOf],
  [SUBSTITUTION, substitutionOf],
];

/** Variants of a list such as `A10G,K20R:L21M`: commas, semicolons and white space part them. */
export function splitVariants(list: string): string[] {
  // Within brackets they part the mutations of one variant.
  return list.match(/(?:\[[^\]]*\]|[^\s,;[])+/g) ?? [];
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function stopLost([text, same]: RegExpExecArray, where: string): Edit {
  return {
    ...NOWHERE,
    text,
    unscorable: unscorable(same ? "synonymous" : "extension", text, where),
  };
}

function withoutProtein(
  [text, from, number, _, shift, extended]: RegExpExecArray,
  where: string,
): Edit {
  const residue = Number(number);
  const reason = shift ? "frameshift" : extended ? "extension" : "unknown";
  return {
    ...{ text, named: [{ residue, letter: oneLetter(from) }], begin: residue, end: residue },
    inserted: "",
    unscorable: unscorable(reason, text, where),
  };
}

function substitutionOf([text, from, number, to]: RegExpExecArray, where: string): Edit {
  const residue = Number(number);
  const letter = oneLetter(from);
  const inserted = to === "=" ? letter : oneLetter(to);
  return {
    ...{ text, named: [{ residue, letter }], begin: residue, end: residue, inserted },
    // A residue that stays may be any of the sequence's.
    ...(inserted !== letter && checkLetters(inserted, text, where)),
  };
}

function indelOf(match: RegExpExecArray, where: string): Edit {
  const [text, first, begin, second, last, written, letters] = match;
  const kind = written.toLowerCase();
  const named = [{ residue: Number(begin), letter: oneLetter(first) }];
  if (second) named.push({ residue: Number(last), letter: oneLetter(second) });
  if (named.some(({ letter }) => letter === STOP)) {
    // The stop has no letter in the sequence.
    return { ...NOWHERE, text, unscorable: unscorable("extension", text, where) };
  }
  const range = { begin: Number(begin), end: Number(last ?? begin) };
  const bad = (requirement: string) => {
    throw new UserError(
      `Cannot read mutation ${quote(text)} (${where}) as ${requirement}: current value is ` +
        quote(text),
    );
  };
  if (range.end < range.begin) bad("its residues must ascend");
  const inserted = /[\d?]/.test(letters) ? "X" : lettersOf(letters);
  if ((kind === "ins" || kind === "delins") !== (inserted !== "")) {
    // HGVS once let the letters be repeated after "del" and "dup"; what they say is then checked.
    if (kind === "ins" || kind === "delins" || !namesRange(inserted, range, named)) {
      bad(kind === "ins" || kind === "delins" ? "letters must follow it" : "no letters may follow");
    }
  }
  if (kind === "dup") return { text, named, ...range, inserted: "", duplicated: true };
  if (kind === "del") return { text, named, ...range, inserted: "" };
  const checked = { text, named, inserted, ...checkLetters(inserted, text, where) };
  if (kind === "delins") return { ...checked, ...range };
  if (range.end !== range.begin + 1) bad("an insertion must name the two residues beside it");
  return { ...checked, begin: range.end, end: range.begin };
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

/** Why letters cannot be scored, if they cannot. */
export function checkLetters(
  letters: string,
  text: string,
  where: string,
  allowed = AMINO_ACIDS,
): { unscorable?: Unscorable } {
  const bad = [...letters].find((letter) => !allowed.includes(letter));
  if (bad === undefined) return {};
  if (letters.includes(STOP)) return { unscorable: unscorable("stop", text, where) };
  if (letters.includes("?")) return { unscorable: unscorable("unknown", text, where, quote("?")) };
  return { unscorable: unscorable("letter", text, where, quote(bad)) };
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
