/** Proteins that `--fasta`, `--sequence` and `--id` name. */
import { createHash } from "node:crypto";
import { type ExampleProtein, examples } from "../../data/examples.ts";
import { quote, UserError } from "../errors.ts";
import { type Sequence, tokenize } from "../esm2/mod.ts";
import { type FastaRecord, parseFasta } from "../io/fasta.ts";
import { streamFasta } from "../io/fasta_stream.ts";
import { readText } from "../io/text.ts";
import { type GapChoice, gapNote, ungapped, withoutGaps } from "./gaps.ts";
import { chooseRecord, RecordIndex } from "./records.ts";

/** The options. */
export interface ProteinFlags {
  fasta?: string;
  sequence?: string;
  id?: string;
  gaps?: GapChoice;
}

/** @throws {UserError} always: two options were given that exclude each other */
export function contradict(one: string, other: string): never {
  throw new UserError(
    `Cannot use ${one} together with ${other} as only one of them may be given`,
  );
}

/**
 * The records of a FASTA file, the one that a name means, or the sequence itself; undefined where
 * neither is given.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the file
 */
export async function readProteins(
  flags: ProteinFlags,
  notes: string[],
): Promise<Sequence[] | undefined> {
  return await read(
    flags,
    notes,
    (records, { id, fasta }) =>
      id === undefined
        ? records.map(({ id, sequence }) => ({ id, residues: sequence }))
        : [chooseRecord(records, id, fasta!)],
  );
}

/** The same where there must be one protein: a record of several must be named. */
export async function readProtein(
  flags: ProteinFlags,
  notes: string[],
): Promise<Sequence | undefined> {
  const found = await read(flags, notes, (records, { id, fasta }) => [
    chooseRecord(records, id, fasta!),
  ]);
  return found?.[0];
}

async function read(
  flags: ProteinFlags,
  notes: string[],
  choose: (records: FastaRecord[], flags: ProteinFlags) => Sequence[],
): Promise<Sequence[] | undefined> {
  const { fasta, sequence, id, gaps } = flags;
  if (fasta !== undefined && sequence !== undefined) contradict("--fasta", "--sequence");
  const found = sequence !== undefined
    ? [{ id: id ?? "sequence", residues: sequence }]
    : fasta !== undefined
    ? choose(parseFasta(await readText(fasta, { notes }), fasta), flags)
    : undefined;
  return found?.map((protein) => ungapped(protein, notes, gaps));
}

/** The records of a FASTA file by what people call them. */
export async function openRecords(
  fasta: string,
  notes: string[],
): Promise<RecordIndex<FastaRecord>> {
  return new RecordIndex(fasta, parseFasta(await readText(fasta, { notes }), fasta));
}

/** What is said where an example stands in. */
export const exampleNote = ({ id, description }: { id: string; description: string }): string =>
  `No sequence was given: this is ${id}, ${description}.`;

/** {@linkcode ProteinFlags} of commands that read a protein when its turn comes. */
export interface StreamFlags extends ProteinFlags {
  maxLength: number;
}

/** Proteins that have been looked at once, so that nothing is wrong with them. */
export interface Proteins<P extends Sequence = Sequence> {
  readonly count: number;
  /** Of all of them together. */
  readonly residues: number;
  /** Of the longest. */
  readonly longest: number;
  /** Of their ids and residues in order, in hexadecimal. */
  readonly sha256: string;
  /** What a reader of the results should know of the inputs. */
  readonly notes: readonly string[];
  /** One after another, in the order of the file. */
  read(): AsyncIterable<P>;
}

/**
 * The records of a FASTA file, one of them, one sequence, or an example.
 *
 * @param example the protein where none is given
 * @throws {UserError} for flags that contradict each other and for anything wrong in the file
 */
export async function openProteins(
  flags: StreamFlags,
  example: ExampleProtein = examples.a2a,
): Promise<Proteins> {
  const { fasta, sequence, id } = flags;
  if (fasta !== undefined && sequence !== undefined) contradict("--fasta", "--sequence");
  if (sequence !== undefined) {
    return await checked(() => listed({ id: id ?? "sequence", residues: sequence }), flags, []);
  }
  if (fasta !== undefined) {
    const chosen = id === undefined ? undefined : await idOf(fasta, id), notes: string[] = [];
    return await checked(() => records(fasta, chosen, notes), flags, notes);
  }
  if (id !== undefined) {
    throw new UserError("Cannot use --id as --fasta or --sequence must be given with it");
  }
  return await checked(() => listed(example), flags, [exampleNote(example)]);
}

/**
 * Looks at proteins that are read as they are needed, once, so that nothing is wrong with them.
 *
 * @param written gives them anew at every call
 * @throws {UserError} for letters that ESM-2 does not know, and for proteins that are too long
 */
export async function checked<P extends Sequence>(
  written: () => AsyncIterable<P>,
  { maxLength, gaps: choice }: Pick<StreamFlags, "maxLength" | "gaps">,
  notes: string[],
): Promise<Proteins<P>> {
  let gaps = 0, gapped = 0;
  let count = 0, residues = 0, longer = 0, longest = 0;
  let first: Sequence | undefined;
  const hash = createHash("sha256");
  for await (const each of written()) {
    const [protein, removed] = withoutGaps(each, choice);
    if (removed > 0) {
      gaps += removed;
      gapped++;
    }
    count++;
    hash.update(`${protein.id}\n${protein.residues}\n`);
    const length = tokenize(protein, { maxLength: Infinity }).length - 2;
    residues += length;
    longest = Math.max(longest, length);
    if (length <= maxLength) continue;
    longer++;
    first ??= protein;
  }
  if (first && longer === 1) tokenize(first, { maxLength });
  if (first) {
    throw new UserError(
      `Cannot encode ${longer} of ${count} proteins, ${
        quote(first.id)
      } the first, as they must have at ` +
        `most ${maxLength} residues: the longest has ${longest}; --max-length ${longest} runs them whole`,
    );
  }
  if (gapped > 0) notes.push(gapNote(count === 1 ? "The protein" : `${gapped} proteins`, gaps));
  async function* read() {
    for await (const each of written()) yield withoutGaps(each, choice)[0];
  }
  return { count, residues, longest, sha256: hash.digest("hex"), notes, read };
}

/** The same of proteins that are at hand. @throws {UserError} for letters that ESM-2 does not know */
export const openListed = (
  proteins: readonly Sequence[],
  flags: Pick<StreamFlags, "maxLength" | "gaps">,
  notes: string[],
): Promise<Proteins> => checked(() => listed(...proteins), flags, notes);

async function* listed(...proteins: Sequence[]): AsyncGenerator<Sequence> {
  yield* proteins;
}

/** The whole id of the record that a name means. @throws {UserError} if there is none */
async function idOf(path: string, name: string): Promise<string> {
  const index = new RecordIndex<{ id: string }>(path);
  for await (const { id } of streamFasta(path)) index.add({ id });
  return index.need(name).id;
}

async function* records(
  path: string,
  id: string | undefined,
  notes: string[],
): AsyncGenerator<Sequence> {
  for await (const record of streamFasta(path, { notes })) {
    if (id === undefined || record.id === id) yield { id: record.id, residues: record.sequence };
  }
}
