/** True contacts from a file: an .npz map, a table of pairs, or a list as CASP has it. */
import { quote, UserError } from "../errors.ts";
import { parseTable } from "../io/csv.ts";
import { fileHead } from "../io/input.ts";
import { openNpz, type StoredArray } from "../io/npz.ts";
import { openRandomAccess } from "../io/random_access.ts";
import { readText } from "../io/text.ts";
import type { Truth } from "./types.ts";

/** What others put beside contacts, such as distances in bins, has less than that. */
const MOST_BYTES_PER_PAIR = 1024, MOST_BYTES = 1 << 20;

/** A protein whose contacts are read, in display letters. */
export interface Protein {
  /** Its name, for messages. */
  id: string;
  /** One-letter codes. */
  residues: string;
}

/** What counts as a contact in the file, and which chain. */
export interface TruthFileOptions {
  /** Pairs that a list gives a wider distance are no contacts, Å. @default 8 */
  cutoff?: number;
  /** Hears how a list was understood. */
  notes?: string[];
}

/**
 * Reads contacts of a sequence: an .npz archive with `contacts` [L, L] and perhaps `valid_residues` [L],
 * a table with columns i and j, or a list of pairs (CASP RR, PSICOV); residues are counted from 1.
 *
 * @throws {UserError} if the file does not fit the sequence
 */
export async function readTruth(
  path: string,
  protein: Protein,
  { cutoff = 8, notes = [] }: TruthFileOptions = {},
): Promise<Truth> {
  const { id, residues: { length } } = protein;
  const must = "true contacts: an .npz map, a table with columns i and j, or a list as CASP has it";
  const isArchive = /\.npz$/i.test(path) || isZip(await fileHead(path, 2, { must }));
  if (isArchive) return await fromArchive(path, id, length);
  const text = await readText(path, { must, notes });
  return isList(text)
    ? fromList(text, path, protein, cutoff, notes)
    : fromTable(text, path, id, length);
}

const isZip = (head: Uint8Array | undefined) => head?.[0] === 0x50 && head[1] === 0x4b;

async function fromArchive(path: string, id: string, length: number): Promise<Truth> {
  using source = await openRandomAccess(path);
  const archive = await openNpz(source, MOST_BYTES + length ** 2 * MOST_BYTES_PER_PAIR);
  const fail = (requirement: string, value: string): never => {
    throw new UserError(
      `Cannot use ${quote(path, 200)} for ${
        quote(id)
      } as ${requirement}: current value is ${value}`,
    );
  };
  const map = await archive.look("contacts"), valid = await archive.look("valid_residues");
  if (!map) {
    const names = archive.names.slice(0, 8).join(", ").slice(0, 200);
    return fail('it must hold an array "contacts"', names || "none");
  }
  const shapeIs = ({ shape }: StoredArray, ...extents: number[]) => shape.join() === extents.join();
  if (!shapeIs(map, length, length)) {
    fail(`contacts must be [${length}, ${length}], as the sequence`, `[${map.shape.join(", ")}]`);
  }
  if (valid && !shapeIs(valid, length)) {
    fail(`valid_residues must be [${length}]`, `[${valid.shape.join(", ")}]`);
  }
  const flags = async (array: StoredArray) =>
    Uint8Array.from(
      (await array.read()).data as ArrayLike<number>,
      (x) => Number(x) > 0.5 ? 1 : 0,
    );
  const contacts = await flags(map);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < i; j++) {
      if (contacts[i * length + j] !== contacts[j * length + i]) {
        fail("contacts must be symmetric", `residues ${j + 1} and ${i + 1} differ`);
      }
    }
  }
  const known = valid ? await flags(valid) : new Uint8Array(length).fill(1);
  return { source: path, contacts, known };
}

function fromTable(text: string, path: string, id: string, length: number): Truth {
  const { rows } = parseTable(text, path, { required: ["i", "j"] });
  return fromPairs(
    rows.map(({ line, fields: { i, j } }) => ({ line, i, j })),
    { path, id, length },
  );
}

/** A pair as a file has it. */
interface Pair {
  line: number;
  i: string;
  j: string;
}

function fromPairs(
  pairs: readonly Pair[],
  { path, id, length }: { path: string; id: string; length: number },
): Truth {
  const contacts = new Uint8Array(length * length);
  for (const pair of pairs) {
    const [i, j] = (["i", "j"] as const).map((name) => {
      const value = Number(pair[name]);
      if (Number.isInteger(value) && value >= 1 && value <= length) return value;
      throw new UserError(
        `Cannot use ${quote(path, 200)} line ${pair.line} for ${quote(id)} as ${name} must be a ` +
          `residue in 1..${length}: current value is ${quote(pair[name])}`,
      );
    });
    contacts[(i - 1) * length + j - 1] = contacts[(j - 1) * length + i - 1] = 1;
  }
  return { source: path, contacts, known: new Uint8Array(length).fill(1) };
}

/** Two numbers at the beginning of a line, or the records of CASP. */
const LISTED = /^\s*\d+[\s,;]+\d+([\s,;]|$)/, CASP = /^PFRMAT\s+RR\b/;

function isList(text: string): boolean {
  const first = text.split(/\r\n|\n|\r/).find((line) => line.trim() !== "" && line[0] !== "#") ??
    "";
  return LISTED.test(first) || CASP.test(first);
}

/** Least probability of a pair that counts as a contact. */
const LEAST_PROBABILITY = 0.5;

/**
 * Pairs of CASP's format RR, with or without its records: `i j`, a value, or the two ends of the distance
 * and the probability; of its newer form with probabilities of bins the first, which is that of 8 Å.
 */
function fromList(
  text: string,
  path: string,
  { id, residues }: Protein,
  cutoff: number,
  notes: string[],
): Truth {
  const pairs: (Pair & { value?: number; distance?: number })[] = [];
  let sequence = "";
  for (const [at, written] of text.split(/\r\n|\n|\r/).entries()) {
    const line = written.trim();
    if (/^(END|ENDMDL)$/.test(line)) break;
    if (line === "" || /^(#|PFRMAT|TARGET|AUTHOR|REMARK|METHOD|RMODE|MODEL|SCORE)/.test(line)) {
      continue;
    }
    const words = line.split(/[\s,;]+/), numbers = words.map(Number);
    if (words.length === 1 && /^[A-Za-z-]+$/.test(line)) {
      sequence += line;
      continue;
    }
    if (words.length < 2 || numbers.some((value) => Number.isNaN(value))) {
      throw new UserError(
        `Cannot read ${quote(path, 200)} line ${at + 1} as a pair must be numbers (i j, or ` +
          `i j 0 8 probability): current value is ${quote(line)}`,
      );
    }
    const isInterval = words.length >= 5 && words.length < 12;
    pairs.push({
      ...{ line: at + 1, i: words[0], j: words[1] },
      value: isInterval ? numbers[4] : numbers[2],
      ...(isInterval && { distance: numbers[3] }),
    });
  }
  if (sequence !== "" && !agree(sequence.toUpperCase(), residues)) {
    throw new UserError(
      `Cannot use ${quote(path, 200)} for ${quote(id)} as its sequence must be the protein's: ` +
        `current value is ${quote(sequence, 40)} (${sequence.length} residues)`,
    );
  }
  // Scores that are no probabilities, or measured distances, say that a pair is listed, no more.
  const areProbable = pairs.length > 0 &&
    pairs.every(({ value }) => value !== undefined && value >= 0 && value <= 1);
  const taken = pairs.filter(({ value, distance }) =>
    (!areProbable || value! >= LEAST_PROBABILITY) && (distance === undefined || distance <= cutoff)
  );
  if (taken.length === 0) {
    throw new UserError(
      `Cannot use ${quote(path, 200)} for ${quote(id)} as a pair must have a probability of ` +
        `${LEAST_PROBABILITY} at least, within ${cutoff} Å: current count is 0 of ${pairs.length}`,
    );
  }
  if (taken.length < pairs.length) {
    const which = areProbable ? ` of a probability of ${LEAST_PROBABILITY} at least` : "";
    notes.push(
      `${id}: ${taken.length} of ${pairs.length} pairs of ${path}, those${which} within ${cutoff} Å, ` +
        "are taken for contacts.",
    );
  }
  // The others are checked as well.
  fromPairs(pairs, { path, id, length: residues.length });
  return fromPairs(taken, { path, id, length: residues.length });
}

/** Whether two sequences are the same, where both are known. */
function agree(one: string, other: string): boolean {
  return one.length === other.length &&
    [...one].every((letter, i) => letter === other[i] || letter === "X" || other[i] === "X");
}
