/** From mutations as written to variants of the target, every letter checked. */
import { quote, UserError } from "../errors.ts";
import { checkLetters, type Edit, type NamedResidue } from "./grammar.ts";
import { AMINO_ACIDS, STOP, tokenOf } from "./letters.ts";
import type { Reading, Substitution, Target, Variant } from "./types.ts";

/** 1-based position along the sequence of a residue number. */
export const positionOf = (residue: number, { offset }: Target): number => residue - offset + 1;

/** Number that people give to a position. */
export const residueOf = (position: number, { offset }: Target): number => position + offset - 1;

/**
 * Checks the residues that mutations name against the sequence, over any number of rows; only at the
 * end does it say what is wrong, so that it can say what would mend all rows.
 */
export class LetterCheck {
  /** Every (residue, letter) named, once. */
  readonly #named = new Map<string, NamedResidue>();
  #first?: { edit: Edit; named: NamedResidue; place: string };

  /** @param action what cannot be done, in messages */
  constructor(readonly target: Target, readonly action = "score") {}

  /** Whether all residues of a row exist and have the letters named. */
  add(edits: readonly Edit[], place: string): boolean {
    let fits = true;
    for (const edit of edits) {
      for (const named of [...edit.named, ...ends(edit)]) {
        if (named.letter !== "") this.#named.set(`${named.letter}${named.residue}`, named);
        const found = this.#letterAt(named.residue, 0);
        if (found !== undefined && (named.letter === "" || found === named.letter)) continue;
        this.#first ??= { edit, named, place };
        fits = false;
      }
    }
    return fits;
  }

  /** @throws {UserError} naming the first row that does not fit, and the offset that mends all rows */
  done(): void {
    if (!this.#first) return;
    const { target, action } = this;
    const { edit, named: { residue, letter }, place } = this.#first;
    const found = this.#letterAt(residue, 0);
    const last = residueOf(target.residues.length, target);
    const shift = this.#mendingShift();
    const mend = shift === undefined
      ? ""
      : `; --offset ${target.offset - shift} would fit all ${this.#named.size} residues named`;
    throw new UserError(
      found === undefined
        ? `Cannot ${action} ${quote(edit.text)} (${place}) as residues of ${
          quote(target.id)
        } must be ` +
          `in ${target.offset}..${last}: current value is ${residue}${mend}`
        : `Cannot ${action} ${quote(edit.text)} (${place}) as residue ${residue} must be the ` +
          `sequence's ${found}: current value is ${quote(letter)}${mend}`,
    );
  }

  #letterAt(residue: number, shift: number): string | undefined {
    return this.target.residues[positionOf(residue, this.target) - 1 + shift];
  }

  /** The smallest shift of numbers under which every letter fits, if there is one. */
  #mendingShift(): number | undefined {
    const named = [...this.#named.values()];
    // One or two letters fit somewhere by chance.
    if (named.length < 3) return undefined;
    let first = Infinity, last = -Infinity;
    for (const { residue } of named) {
      const position = positionOf(residue, this.target);
      first = Math.min(first, position);
      last = Math.max(last, position);
    }
    // Under any other shift one of them would lie outside the sequence: never more than its length.
    const lowest = 1 - first, highest = this.target.residues.length - last;
    const possible = Array.from({ length: Math.max(0, highest - lowest + 1) }, (_, i) => lowest + i)
      .filter((shift) => shift !== 0)
      .sort((a, b) => Math.abs(a) - Math.abs(b) || b - a);
    return possible.find((shift) =>
      named.every(({ residue, letter }) => this.#letterAt(residue, shift) === letter)
    );
  }
}

/** The last residue of a stretch must exist even where no letter is given for it. */
function ends({ begin, end }: Edit): NamedResidue[] {
  return end > begin ? [{ residue: end, letter: "" }] : [];
}

/**
 * The variant that edits make of the target; letters must have passed a {@link LetterCheck}, and all
 * must be scorable.
 *
 * @throws {UserError} if a residue is changed twice or nothing is left
 */
export function resolveVariant(edits: readonly Edit[], target: Target, place: string): Variant {
  const sorted = [...edits].sort((a, b) => a.begin - b.begin || a.end - b.end);
  sorted.forEach((edit, i) => {
    if (i === 0) return;
    const before = sorted[i - 1];
    const bothInsert = edit.begin === before.begin && edit.end < edit.begin;
    if (edit.begin > before.end && !bothInsert) return;
    throw new UserError(
      `Cannot score ${quote(edit.text)} (${place}) as a residue must be changed once: ` +
        `current value is ${before.text} and ${edit.text}`,
    );
  });
  if (sorted.every(isSubstitution)) {
    return {
      substitutions: sorted.map(({ begin, inserted, named }) => ({
        position: positionOf(begin, target),
        from: named[0].letter,
        to: inserted,
      })),
    };
  }
  let { residues } = target;
  for (const { begin, end, inserted, duplicated } of sorted.toReversed()) {
    const from = positionOf(begin, target) - 1, to = positionOf(end, target);
    const letters = duplicated ? residues.slice(from, to).repeat(2) : inserted;
    residues = residues.slice(0, from) + letters + residues.slice(to);
  }
  if (residues === "") {
    throw new UserError(
      `Cannot score the sequence of ${place} as it must have residues: current value is none`,
    );
  }
  return variantOf(residues, target);
}

/** The variant whose sequence is given, unless letters of it cannot be scored. */
export function fromSequence(written: string, target: Target, place: string): Reading {
  // A stop may close the whole protein.
  const residues = written.length === target.residues.length + 1 && written.endsWith(STOP)
    ? written.slice(0, -1)
    : written;
  const isIndel = residues.length !== target.residues.length;
  // Rare letters of the target itself stay what they are.
  const changed = isIndel
    ? residues
    : [...residues].filter((letter, i) => letter !== target.residues[i]).join("");
  const own = isIndel ? [...target.residues].filter((letter) => tokenOf(letter)).join("") : "";
  const { unscorable } = checkLetters(changed, residues, place, AMINO_ACIDS + own);
  return unscorable ?? variantOf(residues, target);
}

/** Substitutions where the lengths agree, else an indel. */
function variantOf(residues: string, target: Target): Variant {
  if (residues.length !== target.residues.length) return { substitutions: [], indel: residues };
  const substitutions: Substitution[] = [];
  for (let i = 0; i < residues.length; i++) {
    const to = residues[i], from = target.residues[i];
    if (from !== to) substitutions.push({ position: i + 1, from, to });
  }
  return { substitutions };
}

/** The variant's own sequence. */
export function mutate({ residues }: Target, { substitutions, indel }: Variant): string {
  if (indel !== undefined) return indel;
  let out = "", at = 0;
  for (const { position, to } of substitutions) {
    out += residues.slice(at, position - 1) + to;
    at = position;
  }
  return out + residues.slice(at);
}

/** Whether an edit puts one residue in the place of another. */
export const isSubstitution = ({ begin, end, inserted, duplicated }: Edit) =>
  begin === end && inserted.length === 1 && !duplicated;
