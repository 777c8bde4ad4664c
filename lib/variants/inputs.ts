/** From files and flags to a target and its variants. */
import { sis1 } from "../../data/sis1.ts";
import { quote, UserError } from "../errors.ts";
import { tokenize } from "../esm2/mod.ts";
import { columnAt, parseTable } from "../io/csv.ts";
import { openTable, type StreamedTable } from "../io/csv_stream.ts";
import { isMissing } from "../io/numbers.ts";
import { readText } from "../io/text.ts";
import { ungapped } from "../proteins/gaps.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { exampleNote, readProtein, readProteins } from "../proteins/read.ts";
import * as column from "../proteins/table.ts";
import { readEdits } from "./grammar.ts";
import { isSubstitution } from "./resolve.ts";
import { isWholeSequence } from "./scan.ts";
import { allSingles, fromAssay, listedOrFile, type VariantSource } from "./source.ts";
import type { Target } from "./types.ts";

export interface InputFlags {
  sequence?: string;
  fasta?: string;
  id?: string;
  mutations?: string;
  assay?: string;
  reference?: string;
  cutoff?: number;
  offset: number;
  mutantColumn: string;
  sequenceColumn: string;
  measuredColumn: string;
  functionalColumn: string;
}

/** Columns of other sources' tables, taken where none is named and ProteinGym's are not there. */
const OTHER_COLUMNS = [
  { of: "MaveDB", mutantColumn: "hgvs_pro", measuredColumn: "score" },
  { of: "nn4dms", mutantColumn: "variant", measuredColumn: "score" },
] as const;

export interface Inputs {
  target: Target;
  source: VariantSource;
  /** What a reader of the results should know of the inputs. */
  notes: string[];
}

/**
 * Reads which protein and which variants of it to score.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function readInputs(given: InputFlags): Promise<Inputs> {
  const { assay, mutations, offset } = given;
  if (assay !== undefined && mutations !== undefined) {
    throw new UserError("Cannot use --assay and --mutations together as only one must be given");
  }
  if (assay === undefined) refuseAssayFlags(given);
  const notes: string[] = [];
  const table = assay === undefined ? undefined : await openTable(assay, { notes });
  const flags = table ? withColumns(given, table, notes) : given;
  if (table) checkAssay(table, flags);
  const entry = flags.reference === undefined ? undefined : await findReference(flags);
  const named = await namedProtein(flags, entry, notes);
  if (!named && !table) {
    notes.push(exampleNote(sis1));
  }
  const protein = named ?? (table ? await deduce(table, flags) : sis1);
  const target = checkTarget({ ...protein, offset });
  if (table) {
    const source = fromAssay(
      table,
      {
        mutant: flags.mutantColumn,
        sequence: flags.sequenceColumn,
        measured: flags.measuredColumn,
        functional: flags.functionalColumn,
      },
      flags.cutoff ?? (table.columns.includes(flags.functionalColumn) ? undefined : entry?.cutoff),
    );
    return { target, source, notes };
  }
  const source = mutations === undefined ? allSingles(target) : await listedOrFile(mutations);
  return { target, source, notes };
}

/** Several assays, or a table, are several proteins. */
export interface ManyFlags extends Omit<InputFlags, "assay"> {
  assay: readonly string[];
  table?: string;
}

/**
 * Reads the proteins of a run: of a table, one of each assay, or every record of a file where nothing
 * else is said; else one.
 *
 * @throws {UserError} as {@linkcode readInputs}, and for two of one name
 */
export async function readAll(
  flags: ManyFlags,
): Promise<{ proteins: Omit<Inputs, "notes">[]; notes: string[] }> {
  const { assay, table, sequence, fasta, id, mutations } = flags, notes: string[] = [];
  if (fasta !== undefined && assay.length === 0 && [table, id, mutations].every((x) => !x)) {
    refuseAssayFlags({ ...flags, assay: undefined });
    const found = await readProteins({ sequence, fasta }, notes);
    const proteins = found!.map((protein) => {
      const target = checkTarget({ ...protein, offset: flags.offset });
      return { target, source: allSingles(target) };
    });
    return { proteins, notes };
  }
  const proteins: (Omit<Inputs, "notes"> & { assay?: string })[] = [];
  for (const { own, place } of await proteinsOf(flags, notes)) {
    const read = () => readInputs({ ...flags, assay: undefined, ...own });
    const { notes: more, ...found } = await column.atRow(place, REPLACED, read);
    notes.push(...more);
    proteins.push({ ...found, assay: own.assay });
  }
  return { proteins: named(proteins), notes: [...new Set(notes)] };
}

/** Assays of one protein are told apart by their files. */
function named<P extends { target: Target; assay?: string }>(proteins: readonly P[]): P[] {
  const byId = Map.groupBy(proteins, ({ target }) => target.id);
  const found = proteins.map((protein) => {
    const { target, assay } = protein;
    if (byId.get(target.id)!.length === 1 || assay === undefined) return protein;
    return { ...protein, target: { ...target, id: stemOf(assay) } };
  });
  const [twice] = [...Map.groupBy(found, ({ target }) => target.id)]
    .find(([, same]) => same.length > 1) ?? [];
  if (twice === undefined) return found;
  throw new UserError(
    `Cannot score several proteins as they must have names of their own: ` +
      `current value is ${quote(twice)} twice`,
  );
}

/** A file's name without its ending. */
const stemOf = (path: string) => path.replace(/^.*[/\\]/, "").replace(/(\.\w+|\.\w+\.gz)$/, "");

/** Flags with the columns of the source that the assay's header shows, where it is not ProteinGym's. */
function withColumns(
  flags: InputFlags,
  { columns }: StreamedTable,
  notes: string[],
): InputFlags {
  if (renamed(flags).length > 0) return flags;
  const { mutantColumn, sequenceColumn, measuredColumn } = flags;
  if ([mutantColumn, sequenceColumn, measuredColumn].some((name) => columns.includes(name))) {
    return flags;
  }
  const found = OTHER_COLUMNS.find((each) =>
    columns.includes(each.mutantColumn) && columns.includes(each.measuredColumn)
  );
  if (!found) return flags;
  const { of, ...named } = found;
  notes.push(`Columns as of ${of}: ${named.mutantColumn} and ${named.measuredColumn}.`);
  return { ...flags, ...named };
}

const COLUMN_KEYS = ["mutant", "sequence", "measured", "functional"] as const;

/** Column flags whose value is not the usual one. */
const renamed = (flags: InputFlags) =>
  COLUMN_KEYS.filter((key) => flags[`${key}Column`] !== PROTEINGYM_COLUMNS[`${key}Column`]);

function refuseAssayFlags(flags: InputFlags): void {
  const given = [
    ...(flags.reference === undefined ? [] : ["--reference"]),
    ...(flags.cutoff === undefined ? [] : ["--cutoff"]),
    ...renamed(flags).map((key) => `--${key}-column`),
  ];
  if (given.length === 0) return;
  throw new UserError(
    `Cannot use ${given[0]} as --assay must be given with it: current value is none`,
  );
}

/** @throws {UserError} if a column that is needed or named is not there */
function checkAssay({ source: path, columns }: StreamedTable, flags: InputFlags): void {
  const need = (name: string, why: string) => {
    if (columns.includes(name)) return;
    throw new UserError(
      `Cannot read ${quote(path)} as it must have the column ${quote(name)}${why}: ` +
        `current value is ${quote(columns.join(", "), 120)}`,
    );
  };
  if (!columns.includes(flags.sequenceColumn)) {
    need(flags.mutantColumn, " (--mutant-column names another)");
  }
  // A column that a person names must be there; the usual names need not.
  for (const key of renamed(flags)) need(flags[`${key}Column`], ` that --${key}-column names`);
  if (flags.cutoff !== undefined) need(flags.measuredColumn, " to apply --cutoff to");
}

interface ReferenceEntry {
  id: string;
  residues: string;
  cutoff?: number;
}

/** The assay's row of ProteinGym's reference file, by file name or id. */
async function findReference({ reference, assay }: InputFlags): Promise<ReferenceEntry> {
  const path = reference!;
  const { rows } = parseTable(await readText(path), path, {
    required: ["DMS_id", "DMS_filename", "target_seq"],
  });
  const name = assay!.replace(/^.*[/\\]/, "");
  const row = rows.find(({ fields: { DMS_id, DMS_filename } }) =>
    DMS_filename === name || DMS_id === name.replace(/\.csv$/i, "")
  );
  if (!row) {
    throw new UserError(
      `Cannot find the assay in ${quote(path)} as a row must have its DMS_filename: ` +
        `current value is ${quote(name)}`,
    );
  }
  const { DMS_id, target_seq, DMS_binarization_cutoff: cutoff } = row.fields;
  return {
    id: DMS_id,
    residues: target_seq,
    ...(cutoff && Number.isFinite(Number(cutoff)) && { cutoff: Number(cutoff) }),
  };
}

async function namedProtein(
  flags: InputFlags,
  entry: ReferenceEntry | undefined,
  notes: string[],
): Promise<{ id: string; residues: string } | undefined> {
  const { sequence, fasta, id } = flags;
  if (sequence === undefined && fasta === undefined) {
    if (id === undefined) return entry && ungapped(entry, notes);
    throw new UserError(
      "Cannot use --id as --fasta or --sequence must be given with it: current value is none",
    );
  }
  // A sequence without a name is that of the assay's entry.
  return await readProtein({
    sequence,
    fasta,
    id: id ?? (sequence === undefined ? undefined : entry?.id),
  }, notes);
}

/** Rows that say together what the target of an assay is. */
const VOTES = 100;

/**
 * The target of an assay that does not state it: its substitutions, undone, as most of the first rows
 * have it, so that a row with a fault is found out by the others.
 */
async function deduce(
  { source, columns, rows }: StreamedTable,
  { mutantColumn, sequenceColumn, offset }: InputFlags,
): Promise<{ id: string; residues: string }> {
  const id = stemOf(source);
  const mutant = columnAt(columns, mutantColumn, source);
  const sequence = columnAt(columns, sequenceColumn, source);
  const cannot = (requirement: string, value: string) =>
    new UserError(
      `Cannot score ${
        quote(source)
      } as ${requirement}, or --sequence, --fasta or --reference must ` +
        `give the target: current value is ${value}`,
    );
  if (mutant < 0 || sequence < 0) {
    const missing = mutant < 0 ? mutantColumn : sequenceColumn;
    throw cannot(`it must have the column ${quote(missing)}`, "none");
  }
  const votes = new Map<string, number>();
  let left = VOTES, fault: UserError | undefined;
  for await (const { line, fields } of rows()) {
    const place = `${source} line ${line}`;
    if (isMissing(fields[mutant]) || isMissing(fields[sequence])) continue;
    if (isWholeSequence(fields[mutant])) {
      fault ??= cannot("mutations must be named", quote(fields[mutant], 20));
      continue;
    }
    const residues = [...fields[sequence].toUpperCase()];
    const edits = readEdits(fields[mutant], place);
    if (edits.some((edit) => edit.unscorable || !isSubstitution(edit))) continue;
    const wrong = edits.find(({ begin, inserted }) => residues[begin - offset] !== inserted);
    if (wrong) {
      const { begin, inserted, text } = wrong;
      fault ??= new UserError(
        `Cannot read the target from ${place} as residue ${begin} of its sequence must be the ` +
          `${inserted} of ${quote(text)}: current value is ${
            quote(residues[begin - offset] ?? "none")
          }; --offset tells the number of the first residue`,
      );
    } else {
      for (const { begin, named } of edits) residues[begin - offset] = named[0].letter;
      const target = residues.join("");
      votes.set(target, (votes.get(target) ?? 0) + 1);
    }
    if (--left === 0) break;
  }
  // The first of equals.
  const [best] = [...votes].sort(([, a], [, b]) => b - a);
  if (best) return { id, residues: best[0] };
  throw fault ?? cannot("a row must have mutations and sequence", "none");
}

/** @throws {UserError} if the sequence has a letter that ESM-2 does not know, or hides a residue */
function checkTarget({ id, residues, offset }: Target): Target {
  if (residues.includes("<")) {
    const at = residues.indexOf("<");
    throw new UserError(
      `Cannot score ${quote(id)} as every residue of the target must be known: ` +
        `current value of residue ${at + 1} is ${quote(residues.slice(at, at + 6))}`,
    );
  }
  const trimmed = residues.trim();
  tokenize({ id, residues: trimmed }, { maxLength: Infinity });
  return { id, residues: trimmed.toUpperCase(), offset };
}

/** What a row of a table of proteins may say, under the names of the options. */
const TABLE_COLUMNS = {
  assay: column.path,
  fasta: column.path,
  sequence: column.text,
  id: column.text,
  mutations: column.textOrPath,
  offset: column.residue,
  reference: column.path,
} as const;

/** What of the options differs from protein to protein, and where a table has it. */
export interface ProteinRow<C extends column.TableColumns = typeof TABLE_COLUMNS> {
  own: column.RowValues<typeof TABLE_COLUMNS & C>;
  place?: string;
}

/** Options that a table takes the place of. */
export const REPLACED = ["assay", "fasta", "sequence", "id", "mutations", "reference"] as const;

/**
 * What each protein of a run has of its own: from the table, or one per `--assay`.
 *
 * @param more columns that the command knows besides; each stands for its option
 */
export async function proteinsOf<C extends column.TableColumns>(
  flags: Omit<ProteinRow["own"], "assay"> & { assay: readonly string[]; table?: string },
  notes: string[],
  more: C = {} as C,
): Promise<ProteinRow<C>[]> {
  const { table, assay } = flags;
  if (table === undefined) {
    return assay.length > 0
      ? assay.map((assay) => ({ own: { assay } as ProteinRow<C>["own"] }))
      : [{ own: {} }];
  }
  const given = [...REPLACED, ...Object.keys(more)].find((name) => {
    const value = (flags as Record<string, unknown>)[name];
    return value !== undefined && (value as string | unknown[]).length !== 0;
  });
  if (given !== undefined) {
    throw new UserError(
      `Cannot use --table and --${given} together as the table has a column ${given}`,
    );
  }
  const columns = { ...TABLE_COLUMNS, ...more }, names = Object.keys(columns);
  return (await column.readTable(table, columns, notes)).map(({ place, get }) => {
    const given = names.flatMap((name) => get(name) === undefined ? [] : [[name, get(name)]]);
    const own: ProteinRow<C>["own"] = Object.fromEntries(given);
    if (own.assay ?? own.fasta ?? own.sequence) return { place, own };
    throw new UserError(
      `Cannot read ${place} as it must have an assay, a fasta or a sequence: current value is none`,
    );
  });
}
