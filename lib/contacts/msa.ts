/** Columns of an alignment of a protein's family for its sequence. */
import { quote, UserError } from "../errors.ts";
import { alignLetters } from "../structure/align.ts";
import type { Msa } from "./msa_file.ts";

/** States of a column: the 20 amino acids in token order and the gap last. */
export const STATES = 21;
const ORDER = "LAGVSERTIDPKQNFYMHWC-";
const STATE = new Map([...ORDER].map((letter, i) => [letter, i]));

/** An alignment's columns that are residues of a protein. */
export interface MsaColumns {
  /** u8[N, W] states of the columns that belong to residues. */
  states: Uint8Array;
  /** N */
  rows: number;
  /** Residue (0-based) of each column, ascending. */
  residues: number[];
  /** Which row stands for the sequence, for people. */
  note: string;
}

/**
 * Columns of an alignment that belong to residues of a sequence: those of the row that is the sequence,
 * else of the row most like it.
 *
 * @throws {UserError} if no row resembles the sequence
 */
export function columnsFor(
  { source, rows }: Pick<Msa, "source" | "rows">,
  { id, residues }: { id: string; residues: string },
): MsaColumns {
  const bare = (row: string) => row.replaceAll("-", "");
  const same = rows.findIndex((row) => bare(row) === residues);
  const chosen = same >= 0 ? same : mostAlike(rows, residues);
  const letters = bare(rows[chosen]);
  const { toChain, aligned, identical } = alignLetters(residues, letters);
  if (aligned === 0 || identical < aligned / 2 || aligned < residues.length / 2) {
    throw new UserError(
      `Cannot use ${quote(source, 200)} for ${quote(id)} as a row must resemble the sequence: ` +
        `row ${chosen + 1} agrees in ${identical} of ${residues.length} residues`,
    );
  }
  const columnOf = [...rows[chosen]].flatMap((letter, column) => letter === "-" ? [] : [column]);
  const pairs = [...toChain].flatMap((at, residue) =>
    at < 0 ? [] : [{ residue, column: columnOf[at] }]
  );
  const states = new Uint8Array(rows.length * pairs.length);
  rows.forEach((row, r) =>
    // Letters that stand for several amino acids count as gaps.
    pairs.forEach(({ column }, c) => states[r * pairs.length + c] = STATE.get(row[column]) ?? 20)
  );
  return {
    states,
    rows: rows.length,
    residues: pairs.map(({ residue }) => residue),
    note: `${id}: row ${chosen + 1} of ${source} stands for the sequence (${identical} of ` +
      `${residues.length} residues agree, ${rows.length} rows).`,
  };
}

/** The row that shares most words of three letters with a sequence. */
function mostAlike(rows: readonly string[], residues: string): number {
  const words = (text: string) =>
    new Set(Array.from({ length: Math.max(0, text.length - 2) }, (_, i) => text.slice(i, i + 3)));
  const wanted = words(residues);
  let best = 0, most = -1;
  rows.forEach((row, r) => {
    let shared = 0;
    for (const word of words(row.replaceAll("-", ""))) if (wanted.has(word)) shared++;
    if (shared > most) [best, most] = [r, shared];
  });
  return best;
}
