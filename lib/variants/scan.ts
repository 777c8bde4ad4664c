/** The first reading of the variants: everything that can be wrong is said before anything runs. */
import { createHash } from "node:crypto";
import { quote, UserError } from "../errors.ts";
import { parseVariant } from "./grammar.ts";
import { fromSequence, LetterCheck, mutate, resolveVariant } from "./resolve.ts";
import type { VariantSource } from "./source.ts";
import type { Target, Variant, VariantRow } from "./types.ts";

export interface Scan {
  rows: number;
  /** Rows with two or more substitutions. */
  multiple: number;
  indels: number;
  /** 1 at each position (from 1) that a substitution changes. */
  mutated: Uint8Array;
  /** SHA-256 of the rows as they are. */
  digest: string;
}

/**
 * Reads every row once.
 *
 * @throws {UserError} for the first row that cannot be read; wrong letters are judged over all rows
 */
export async function scanVariants(source: VariantSource, target: Target): Promise<Scan> {
  const check = new LetterCheck(target);
  const hash = createHash("sha256");
  const scan: Scan = {
    rows: 0,
    multiple: 0,
    indels: 0,
    mutated: new Uint8Array(target.residues.length + 1),
    digest: "",
  };
  for await (const row of source.rows()) {
    scan.rows++;
    hash.update(row.raw).update("\n");
    const variant = readVariant(row, target, check);
    if (!variant) continue;
    if (variant.indel !== undefined) scan.indels++;
    if (variant.substitutions.length > 1) scan.multiple++;
    for (const { position } of variant.substitutions) scan.mutated[position] = 1;
  }
  check.done();
  if (scan.rows === 0) {
    throw new UserError("Cannot score an assay as it must have a row: current count is 0");
  }
  scan.digest = hash.digest("hex");
  return scan;
}

/**
 * The variant that a row states by its mutations, its sequence or both.
 *
 * @param check collects letters that do not fit; without it they must have been checked before
 * @returns undefined where letters do not fit
 * @throws {UserError} if the mutations cannot be read, or do not make the sequence given
 */
export function readVariant(
  { text, mutated, place }: VariantRow,
  target: Target,
  check?: LetterCheck,
): Variant | undefined {
  if (isSequence(text, mutated, target)) {
    return fromSequence(text.toUpperCase(), target, place);
  }
  if (text === "") return fromSequence(mutated!, target, place);
  const edits = parseVariant(text, place);
  if (check && !check.add(edits, place)) return undefined;
  const variant = resolveVariant(edits, target, place);
  if (check && mutated !== undefined) compare(mutate(target, variant), mutated, text, place);
  return variant;
}

/** ProteinGym's indel assays have the whole sequence in the place of mutations. */
function isSequence(text: string, mutated: string | undefined, { residues }: Target): boolean {
  if (!/^[A-Z]{5,}$/i.test(text)) return false;
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
