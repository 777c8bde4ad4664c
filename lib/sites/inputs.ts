/** From files and flags to proteins with sites. */
import { examples } from "../../data/examples.ts";
import { quote, UserError } from "../errors.ts";
import { tokenize } from "../esm2/mod.ts";
import { parseTable, type TableRow } from "../io/csv.ts";
import { chooseRecord, RecordIndex } from "../io/choose_record.ts";
import { type FastaRecord, parseFasta } from "../io/fasta.ts";
import { type GapChoice, ungapped } from "../io/gaps.ts";
import { readText } from "../io/text.ts";
import type { ProteinInput } from "./analyze.ts";
import { parseSites } from "./parse_sites.ts";

export interface InputFlags {
  fasta?: string;
  sequence?: string;
  id?: string;
  sites?: string;
  table?: string;
  siteSet?: string;
  /** Number of the first residue in the sites. @default 1 */
  offset?: number;
  /** Keeps the gaps of an alignment as tokens. */
  gaps?: GapChoice;
  maxLength: number;
}

export interface Inputs {
  proteins: ProteinInput[];
  /** What a reader of the results should know of the inputs. */
  notes: string[];
}

/**
 * Proteins to analyse: those of a table, else one sequence with its sites, else the A2A example.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function readInputs(flags: InputFlags): Promise<Inputs> {
  if (flags.table !== undefined) {
    const notes: string[] = [];
    return { proteins: await fromTable(flags.table, flags, notes), notes };
  }
  if (flags.fasta !== undefined || flags.sequence !== undefined) {
    const notes: string[] = [];
    return { proteins: [await fromSequence(flags, notes)], notes };
  }
  return example(flags);
}

function example({ id, sites, siteSet, offset }: InputFlags): Inputs {
  if (id !== undefined) {
    throw new UserError("Cannot use --id as --fasta or --sequence must be given with it");
  }
  const { a2a } = examples;
  const names = Object.keys(a2a.siteSets);
  if (sites !== undefined) {
    if (siteSet !== undefined) contradict("--sites", "--site-set");
    return {
      proteins: [{ ...a2a, sites: parseSites(sites, a2a, "--sites", offset) }],
      notes: [
        ...offsetNotes(offset),
        `No sequence was given: the sites are those of ${a2a.id}, ${a2a.description}.`,
      ],
    };
  }
  if (offset !== undefined && offset !== 1) {
    throw new UserError("Cannot use --offset as --sites must be given with it");
  }
  const name = siteSet ?? "published";
  const set = a2a.siteSets[name];
  if (!set) {
    throw new UserError(
      `Cannot use --site-set as it must be one of ${names.join(", ")}: current value is ${
        quote(name)
      }`,
    );
  }
  return {
    proteins: [{ ...a2a, sites: parseSites(set.sites.join(","), a2a, `site set ${name}`) }],
    notes: [`Sites of ${a2a.id} (${a2a.description}), set "${name}": ${set.source}`],
  };
}

async function fromSequence(flags: InputFlags, notes: string[]): Promise<ProteinInput> {
  const { fasta, sequence, id, sites } = flags;
  if (fasta !== undefined && sequence !== undefined) contradict("--fasta", "--sequence");
  if (flags.siteSet !== undefined) contradict("--site-set", "a sequence of your own");
  if (sites === undefined) {
    throw new UserError(
      "Cannot analyse a sequence as its --sites must be given, such as --sites 85,89 or L85,Q89: " +
        "current value is none",
    );
  }
  const protein = ungapped(
    fasta === undefined
      ? { id: id ?? "sequence", residues: sequence! }
      : chooseRecord(parseFasta(await readText(fasta, { notes }), fasta), id, fasta),
    notes,
    flags.gaps,
  );
  tokenize(protein, flags);
  notes.push(...offsetNotes(flags.offset));
  return { ...protein, sites: parseSites(sites, protein, "--sites", flags.offset) };
}

async function fromTable(
  path: string,
  flags: InputFlags,
  notes: string[],
): Promise<ProteinInput[]> {
  for (const name of ["sequence", "sites", "id"] as const) {
    if (flags[name] !== undefined) contradict("--table", `--${name}`);
  }
  if (flags.siteSet !== undefined) contradict("--table", "--site-set");
  const { columns, rows } = parseTable(await readText(path, { notes }), path, {
    required: ["id", "sites"],
  });
  let records: RecordIndex<FastaRecord> | undefined;
  if (flags.fasta !== undefined) {
    const { fasta } = flags;
    records = new RecordIndex(fasta, parseFasta(await readText(fasta, { notes }), fasta));
  } else if (!columns.includes("sequence")) {
    throw new UserError(
      `Cannot read ${quote(path)} as it must have a column "sequence", or --fasta must be given: ` +
        `current columns are ${columns.join(", ")}`,
    );
  }
  notes.push(...offsetNotes(flags.offset));
  if (rows.length === 0) {
    throw new UserError(`Cannot read ${quote(path)} as it must have a row: current count is 0`);
  }
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const { line, fields: { id } } = row;
    const place = `${path} line ${line}`;
    if (!id) throw new UserError(`Cannot read ${place} as the id must not be empty`);
    if (seen.has(id)) {
      throw new UserError(
        `Cannot read ${place} as an id must be given once: ${quote(id)} is also on line ${
          seen.get(id)
        }`,
      );
    }
    seen.set(id, line);
    const residues = sequenceOf(row, records, place, flags.fasta);
    const protein = ungapped({ id, residues }, notes, flags.gaps);
    tokenize(protein, flags);
    return { ...protein, sites: parseSites(row.fields.sites, protein, place, flags.offset) };
  });
}

/** That the numbers of the results are not those of the sites. */
function offsetNotes(offset = 1): string[] {
  if (offset === 1) return [];
  return [
    `Sites are numbered from ${offset}; results number residues from 1: ${offset} is 1 there.`,
  ];
}

/** A row's own sequence, else the FASTA record that `fasta_id` or else `id` names. */
function sequenceOf(
  { fields }: TableRow,
  records: RecordIndex<FastaRecord> | undefined,
  place: string,
  fasta: string | undefined,
): string {
  if (fields.sequence) return fields.sequence;
  const key = fields.fasta_id || fields.id;
  const found = records?.get(key);
  if (found !== undefined) return found.sequence;
  throw new UserError(
    fasta === undefined
      ? `Cannot read ${place} as the sequence must not be empty without --fasta`
      : `Cannot read ${place} as ${quote(fasta)} must have its record: current value is ${
        quote(key)
      }`,
  );
}

function contradict(one: string, other: string): never {
  throw new UserError(`Cannot use ${one} and ${other} together as only one must be given`);
}
