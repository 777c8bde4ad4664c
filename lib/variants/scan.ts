/** The first reading of the variants: everything that can be wrong is said before anything runs. */
import { createHash } from "node:crypto";
import { quote, UserError } from "../errors.ts";
import { readEdits, unscorable } from "./grammar.ts";
import { fromSequence, LetterCheck, mutate, resolveVariant } from "./resolve.ts";
import type { VariantSource } from "./source.ts";
import {
  type Reading,
  type Reason,
  REASONS,
  type Target,
  type Unscorable,
  type Variant,
  type VariantRow,
} from "./types.ts";

/** What a first reading of the variants finds. */
export interface Scan {
  /** How many there are. */
  rows: number;
  /** Rows with two or more substitutions. */
  multiple: number;
  /** Rows that change the length. */
  indels: number;
  /** Rows whose measured value is infinite, which counts as none. */
  infinite: number;
  /** How many rows have no score, by reason, in the order in which reasons came up. */
  unscorable: Map<Reason, number>;
  /** 1 at each position (from 1) that a substitution changes. */
  mutated: Uint8Array;
  /** SHA-256 of the rows as they are. */
  digest: string;
}

/** Whether a row is a variant that can be scored. */
export const isVariant = (reading: Reading): reading is Variant => !("reason" in reading);

/**
 * Reads every row once. Rows of an assay that cannot be scored are counted; elsewhere a person asked
 * for just them.
 *
 * @throws {UserError} for the first row that cannot be read; wrong letters are judged over all rows;
 * if no row can be scored
 */
export async function scanVariants(source: VariantSource, target: Target): Promise<Scan> {
  const check = new LetterCheck(target);
  const hash = createHash("sha256");
  const scan: Scan = {
    rows: 0,
    multiple: 0,
    indels: 0,
    infinite: 0,
    unscorable: new Map(),
    mutated: new Uint8Array(target.residues.length + 1),
    digest: "",
  };
  let first: Unscorable | undefined;
  for await (const row of source.rows()) {
    scan.rows++;
    hash.update(row.raw).update("\n");
    if (row.isInfinite) scan.infinite++;
    const reading = readRow(row, target, check);
    if (!reading) continue;
    if (!isVariant(reading)) {
      if (source.kind !== "assay") throw new UserError(reading.message);
      first ??= reading;
      scan.unscorable.set(reading.reason, (scan.unscorable.get(reading.reason) ?? 0) + 1);
      continue;
    }
    if (reading.indel !== undefined) scan.indels++;
    if (reading.substitutions.length > 1) scan.multiple++;
    for (const { position } of reading.substitutions) scan.mutated[position] = 1;
  }
  check.done();
  if (scan.rows === 0) {
    throw new UserError("Cannot score an assay as it must have a row: current count is 0");
  }
  if (first && countUnscorable(scan) === scan.rows) {
    throw new UserError(
      `Cannot score an assay as a row must be a variant that can be scored: current count is 0 of ` +
        `${scan.rows} (${reasonCounts(scan)}); the first: ${first.message}`,
    );
  }
  scan.digest = hash.digest("hex");
  return scan;
}

/** Rows without a score. */
export const countUnscorable = ({ unscorable }: Pick<Scan, "unscorable">): number =>
  [...unscorable.values()].reduce((sum, count) => sum + count, 0);

/** `3 stop, 1 frameshift`, most frequent first. */
export const reasonCounts = ({ unscorable }: Pick<Scan, "unscorable">): string =>
  [...unscorable].toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${REASONS[reason]}`).join(", ");

/** What a reader of the results should know of the rows. */
export function rowNotes(
  scan: Pick<Scan, "rows" | "indels" | "infinite" | "unscorable">,
): string[] {
  const notes: string[] = [], left = countUnscorable(scan);
  if (left > 0) {
    notes.push(
      `${left} of ${scan.rows} rows ${left === 1 ? "has" : "have"} no score and ${
        left === 1 ? "is" : "are"
      } left out of statistics: ${reasonCounts(scan)}.`,
    );
  }
  if (scan.infinite > 0) {
    notes.push(
      `${scan.infinite} of ${scan.rows} measured values ${
        scan.infinite === 1 ? "is infinite and counts" : "are infinite and count"
      } as missing.`,
    );
  }
  if (scan.indels > 0) {
    notes.push(
      `${scan.indels} of ${scan.rows} variants changed in length: such a score is a difference of ` +
        "pseudo-log-likelihoods, which every residue lost raises and every residue gained lowers. " +
        "Compare them by the score per residue, and not with substitutions.",
    );
  }
  return notes;
}

/**
 * What a row states by its mutations, its sequence or both.
 *
 * @param check collects letters that do not fit; without it they must have been checked before
 * @returns undefined where letters do not fit
 * @throws {UserError} if the mutations cannot be read, or do not make the sequence given
 */
export function readRow(
  { text, mutated, place }: VariantRow,
  target: Target,
  check?: LetterCheck,
): Reading | undefined {
  if (isSequence(text, mutated, target)) {
    return fromSequence(text.toUpperCase(), target, place);
  }
  if (text === "" && mutated === undefined) return unscorable("empty", text, place, "none");
  if (text === "") return fromSequence(mutated!, target, place);
  const edits = readEdits(text, place);
  if (check && !check.add(edits, place)) return undefined;
  const bad = edits.find((edit) => edit.unscorable);
  if (bad) return bad.unscorable;
  const variant = resolveVariant(edits, target, place);
  if (check && mutated !== undefined) compare(mutate(target, variant), mutated, text, place);
  return variant;
}

/** Whether a text can only be the letters of a protein. */
export const isWholeSequence = (text: string): boolean => /^[A-Z*]{5,}$/i.test(text);

/** ProteinGym's indel assays have the whole sequence in the place of mutations. */
function isSequence(text: string, mutated: string | undefined, { residues }: Target): boolean {
  if (!isWholeSequence(text)) return false;
  return text.toUpperCase() === mutated || text.length > residues.length / 2;
}

function compare(expected: string, found: string, text: string, place: string): void {
  if (expected === found) return;
  if (expected.length !== found.length) {
    throw new UserError(
      `Cannot score ${quote(text)} (${place}) as its sequence must have ${expected.length} ` +
        `residues, as the target with these mutations has: current length is ${found.length}`,
    );
  }
  const at = [...expected].findIndex((letter, i) => letter !== found[i]);
  throw new UserError(
    `Cannot score ${quote(text)} (${place}) as letter ${at + 1} of its sequence must be ` +
      `${expected[at]}, as the target with these mutations has: current value is ${
        quote(found[at])
      }`,
  );
}
