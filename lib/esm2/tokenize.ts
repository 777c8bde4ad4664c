/** From protein sequences to batches of token ids. */
import { quote, UserError } from "../errors.ts";
import { CLS, EOS, LETTERS, MASK, PAD } from "./alphabet.ts";

/** Longest sequence that ESM-2 saw in training, in residues. */
export const TRAINED_LENGTH = 1022;

/** A protein. */
export interface Sequence {
  /** Its name, for messages. */
  id: string;
  /** One-letter codes. */
  residues: string;
}

/** Sequences padded to one length. */
export interface TokenBatch {
  /** i32[B, T], row b is `<cls>` residues `<eos>` `<pad>`… */
  readonly ids: Int32Array;
  /** B */
  readonly size: number;
  /** T, tokens of the longest sequence. */
  readonly width: number;
  /** Tokens of each sequence without padding, `<cls>` and `<eos>` included. */
  readonly lengths: readonly number[];
}

/** What is allowed of a sequence. */
export interface TokenizeOptions {
  /** Most residues allowed; rotary positions have no limit of their own. @default 1022 */
  maxLength?: number;
}

/**
 * Token ids of one sequence with `<cls>` and `<eos>`.
 *
 * Lower case is raised; `<mask>` may stand for a residue; white space is not allowed.
 *
 * @throws {UserError} if the sequence is empty, too long, or has a letter that ESM-2 does not know
 */
export function tokenize(
  { id, residues }: Sequence,
  { maxLength = TRAINED_LENGTH }: TokenizeOptions = {},
): Int32Array<ArrayBuffer> {
  const ids = [CLS];
  for (let i = 0; i < residues.length; i++) {
    if (residues[i] === "<" && residues.startsWith("<mask>", i)) {
      ids.push(MASK);
      i += "<mask>".length - 1;
      continue;
    }
    // Characters outside the basic plane are two code units: show them whole.
    const letter = String.fromCodePoint(residues.codePointAt(i)!);
    const token = LETTERS.get(/^[a-z]$/.test(letter) ? letter.toUpperCase() : letter);
    if (token === undefined) {
      throw new UserError(
        `Cannot tokenize ${quote(id)} as residue ${ids.length} must be an ESM-2 letter ` +
          `(${[...LETTERS.keys()].join("")}): current value is ${quote(letter)}`,
      );
    }
    ids.push(token);
  }
  const length = ids.length - 1;
  if (length === 0) {
    throw new UserError(
      `Cannot tokenize ${quote(id)} as it must have at least one residue: current length is 0`,
    );
  }
  if (length > maxLength) {
    throw new UserError(
      `Cannot tokenize ${
        quote(id)
      } as it must have at most ${maxLength} residues: current length ` +
        `is ${length}; ESM-2 was trained on ${TRAINED_LENGTH}, --max-length ${length} runs it whole`,
    );
  }
  ids.push(EOS);
  return Int32Array.from(ids);
}

/** Pads token rows to the longest. */
export function padBatch(rows: readonly Int32Array[]): TokenBatch {
  if (rows.length === 0) throw new Error("Cannot pad a batch as it must have a row: it is empty");
  const width = Math.max(...rows.map((row) => row.length));
  const ids = new Int32Array(rows.length * width).fill(PAD);
  rows.forEach((row, b) => ids.set(row, b * width));
  return { ids, size: rows.length, width, lengths: rows.map((row) => row.length) };
}

/** Sequences in upper case with one character per residue; `<mask>` becomes `_`. For display. */
export function displayLetters(residues: string): string {
  return residues.replaceAll("<mask>", "_").toUpperCase();
}
