/** Labelled proteins from tables, FASTA headers, files by class, and FASTA of labels. */
import { basename } from "node:path";
import { secondaryStructure } from "../../data/secondary_structure.ts";
import { quote, UserError } from "../errors.ts";
import { type Sequence, tokenize } from "../esm2/mod.ts";
import { parseTable, type TableRow } from "../io/csv.ts";
import { type FastaRecord, parseFasta } from "../io/fasta.ts";
import { readText } from "../io/text.ts";
import { type GapChoice, gapNote, withoutGaps } from "../proteins/gaps.ts";
import { contradict } from "../proteins/read.ts";
import { RecordIndex } from "../proteins/records.ts";
import { cannotTrain, type LabelledProtein, type Problem, type SetName } from "./types.ts";

/** The options that say where proteins and labels are. */
export interface LabelFlags {
  /** FASTA files. */
  fasta?: readonly string[];
  table?: string;
  /** FASTA of labels of residues, or a table of id and label. */
  labels?: string;
  mask?: string;
  label?: string;
  setColumn?: string;
  validationColumn?: string;
  group?: string;
  per?: Problem["per"];
  as?: Problem["kind"];
  minClass: number;
  gaps?: GapChoice;
  /** What is trained, in messages. @default a probe */
  learner?: string;
}

/** A protein as the input has it. */
interface Written extends Sequence {
  /** Text of the protein's label, or a letter a residue; absent or empty: no label. */
  label?: string;
  set?: SetName;
  group?: string;
  /** To name in messages. */
  place: string;
}

interface Found {
  per: Problem["per"];
  label: string;
  written: Written[];
  isAssay?: boolean;
}

/** Distinct numbers from which labels that all are numbers are not names of classes. */
const MOST_CLASSES = 20;

/** Between classes of one protein. */
const BETWEEN_CLASSES = /[;|]/;
/** What a protein says that has none of the classes. */
const NO_CLASS = "none";

const EXAMPLE_NOTE =
  "No labels were given: this is three-state secondary structure of 240 small proteins of FLIP.";

/** Letters of a string of labels that say that a residue has none. */
const NO_LABEL = "-?.";

/**
 * Reads what is to be learnt.
 *
 * @param notes takes what a reader of the results should know
 * @throws {UserError} for options that contradict each other and for anything wrong in the files
 */
export async function readProblem(flags: LabelFlags, notes: string[]): Promise<Problem> {
  const found = await readWritten(flags, notes);
  const written = ungapAll(found.written, flags.gaps, notes);
  for (const one of written) tokenize(one, { maxLength: Infinity });
  const mask = await readMask(flags, found.per, written);
  const isSets = flags.as === "sets";
  const texts = written.map((one, p) =>
    isSets ? classNames(one) : labelTexts(one, found.per, mask?.[p])
  );
  const named = texts.flat().filter((text) => text !== undefined);
  if (named.length === 0) {
    throw new UserError(
      `${cannotTrain(flags)} ${found.label} must have labels: current count is 0 ` +
        `in ${counted(written.length)}`,
    );
  }
  const kind = flags.as ?? kindOf(named, found.per);
  if (kind === "numbers") checkNumbers(texts, written, found);
  const isUnlabelled = (own: readonly (string | undefined)[]) =>
    own.length > 0 && own.every((text) => text === undefined);
  const without = texts.filter(isUnlabelled).length;
  if (without > 0) {
    notes.push(`${counted(without)} of ${written.length} without a label: left out.`);
  }
  const classes = kind === "numbers" ? [] : classesOf(texts, found.per, flags, notes);
  const number = new Map(classes.map((name, k) => [name, k]));
  const valueOf = (text: string | undefined) =>
    text === undefined ? NaN : kind === "numbers" ? Number(text) : number.get(text) ?? NaN;
  const proteins: LabelledProtein[] = [];
  written.forEach(({ id, residues, group, set }, p) => {
    if (isUnlabelled(texts[p])) return;
    const labels = isSets
      ? Float64Array.from(classes, (name) => Number(texts[p].includes(name)))
      : Float64Array.from(texts[p], valueOf);
    if (labels.every(Number.isNaN)) return;
    proteins.push({
      ...{ id, residues, labels },
      ...(group !== undefined && { group }),
      ...(set && { set }),
    });
  });
  return {
    ...{ per: found.per, kind, classes, label: found.label, proteins },
    ...(flags.learner !== undefined && { learner: flags.learner }),
    ...(found.isAssay && { isAssay: true }),
  };
}

/** The classes that a protein has, none of them if it says so; undefined where nothing is said. */
function classNames({ label }: Written): (string | undefined)[] {
  if (label === undefined || label.trim() === "" || label === "-") return [undefined];
  const names = label.split(BETWEEN_CLASSES).map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== "" && name !== NO_CLASS))];
}

const counted = (n: number) => `${n} protein${n === 1 ? "" : "s"}`;

/** @throws {UserError} if a column is named where no table is read */
function refuseColumns({ label, group, setColumn, validationColumn }: LabelFlags): void {
  const columns = {
    ...{ "--label": label, "--group": group },
    ...{ "--set-column": setColumn, "--validation-column": validationColumn },
  };
  const [flag, value] = Object.entries(columns).find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return;
  throw new UserError(
    `Cannot use ${flag} as it names a column of --table (or of --labels), which must be given: ` +
      `current value is ${quote(value!)}`,
  );
}

async function readWritten(flags: LabelFlags, notes: string[]): Promise<Found> {
  const { fasta, table, labels } = flags;
  if (table !== undefined && labels !== undefined) contradict("--table", "--labels");
  if (table === undefined && labels === undefined) refuseColumns(flags);
  if (table !== undefined) return await fromTable(table, flags, notes);
  if (fasta === undefined) {
    if (labels !== undefined) {
      throw new UserError("Cannot use --labels as --fasta must be given with it");
    }
    if (flags.mask !== undefined) {
      throw new UserError("Cannot use --mask as --fasta must be given with it");
    }
    notes.push(EXAMPLE_NOTE);
    return {
      per: "residue",
      label: "secondary structure",
      written: secondaryStructure.map(({ id, residues, labels, set }) => ({
        ...{ id, residues, set },
        ...{ label: labels, place: `the example ${id}` },
      })),
    };
  }
  refuseLmdb(fasta[0]);
  const isTexts = labels !== undefined;
  if (isTexts && fasta.length > 1) {
    throw new UserError(
      `Cannot use --labels with ${fasta.length} files as --fasta must then be one file`,
    );
  }
  if (fasta.length > 1) return await fromFiles(fasta, notes);
  const records = parseFasta(await readText(fasta[0], { notes }), fasta[0]);
  if (!isTexts) return fromHeaders(records, fasta[0], flags);
  refuseLmdb(labels);
  const text = await readText(labels, { notes });
  const proteins = records.map(({ id, sequence, line }) => ({
    ...{ id, residues: sequence },
    place: `${fasta[0]} line ${line}`,
  }));
  return /^\s*[>;]/.test(text)
    ? fromLabelRecords(
      proteins,
      parseFasta(text, labels, { digits: true }),
      labels,
      basename(labels),
    )
    : fromLabelTable(proteins, text, labels, flags);
}

function refuseLmdb(path: string): void {
  if (!/\.(lmdb|mdb)(\/|$)/i.test(path)) return;
  throw new UserError(
    `Cannot read ${quote(path)} as labels must be a table or FASTA: current value is an LMDB ` +
      "database (PEER, TAPE); write it as CSV with sequence, label and set first",
  );
}

/** FLIP's and PEER's names of sets, and their short forms. */
const SET_NAMES: Readonly<Record<string, SetName>> = {
  train: "train",
  training: "train",
  valid: "validation",
  validation: "validation",
  val: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
};

function setOf(
  set: string | undefined,
  validation: string | undefined,
  place: string,
): SetName | undefined {
  if (set === undefined || set === "") return undefined;
  const found = SET_NAMES[set.toLowerCase()];
  if (!found) {
    throw new UserError(
      `Cannot read ${place} as its set must be train, validation or test: current value is ${
        quote(set)
      }`,
    );
  }
  const isValidation = validation !== undefined && /^(true|1|1\.0|yes)$/i.test(validation);
  return isValidation && found === "train" ? "validation" : found;
}

/** The column of an option, which must be there, or one of a usual name where it is. */
function columnOf(
  columns: readonly string[],
  asked: string | undefined,
  option: string,
  usual: readonly string[],
  source: string,
): string | undefined {
  const found = asked ?? usual.find((name) => columns.includes(name));
  if (found === undefined || columns.includes(found)) return found;
  throw new UserError(
    `Cannot read ${quote(source)} as ${option} must name one of its columns, ${
      columns.join(", ").slice(0, 200)
    }: current value is ${quote(found)}`,
  );
}

/** The columns of ProteinGym's assays. */
const ASSAY = { id: "mutant", sequence: "mutated_sequence", label: "DMS_score" };

function columnsOf(columns: readonly string[], flags: LabelFlags, source: string) {
  const usual = ["label", "target", ASSAY.label];
  const label = columnOf(columns, flags.label, "--label", usual, source);
  if (label === undefined) {
    throw new UserError(
      `Cannot read ${quote(source)} as --label must name the column of the labels, of ${
        columns.join(", ").slice(0, 200)
      }: current value is none`,
    );
  }
  const own = { label };
  const fields = {
    set: columnOf(columns, flags.setColumn, "--set-column", ["set", "split"], source),
    validation: columnOf(
      columns,
      flags.validationColumn,
      "--validation-column",
      ["validation"],
      source,
    ),
    group: columnOf(columns, flags.group, "--group", [], source),
  };
  const read = ({ fields: row }: TableRow, place: string) => {
    const at = (name: string | undefined) => name === undefined ? undefined : row[name];
    const group = at(fields.group);
    return {
      label: row[own.label],
      set: setOf(at(fields.set), at(fields.validation), place),
      ...(group !== undefined && group !== "" && { group }),
    };
  };
  return { label, read };
}

async function fromTable(source: string, flags: LabelFlags, notes: string[]): Promise<Found> {
  refuseLmdb(source);
  const { columns, rows } = parseTable(await readText(source, { notes }), source);
  const { label, read } = columnsOf(columns, flags, source);
  const { fasta } = flags;
  if (fasta && fasta.length > 1) contradict("--table", `--fasta with ${fasta.length} files`);
  const records = fasta &&
    new RecordIndex(fasta[0], parseFasta(await readText(fasta[0], { notes }), fasta[0]));
  const [sequence, idColumn] = (["sequence", "id"] as const).map((name) =>
    [name, ASSAY[name]].find((column) => columns.includes(column))
  );
  if (!sequence && !(records && idColumn)) {
    throw new UserError(
      `Cannot read ${quote(source)} as it must have the column "sequence", or "id" of records of ` +
        `--fasta: current value is ${quote(columns.join(", "), 120)}`,
    );
  }
  const lines = new Map<string, number>();
  const written = rows.map((row): Written => {
    const place = `${source} line ${row.line}`;
    const id = idColumn ? row.fields[idColumn] : `line_${row.line}`;
    if (id === "") throw new UserError(`Cannot read ${place} as the id must not be empty`);
    if (lines.has(id)) {
      throw new UserError(
        `Cannot read ${place} as ids must differ (line ${lines.get(id)} has the same): ` +
          `current value is ${quote(id)}`,
      );
    }
    lines.set(id, row.line);
    const residues = (sequence && row.fields[sequence]) || records?.get(id)?.sequence;
    if (residues === undefined || residues === "") {
      throw new UserError(`Cannot read ${place} as ${quote(id)} must have a sequence`);
    }
    return { id, residues, place, ...read(row, place) };
  });
  const isAssay = sequence === ASSAY.sequence;
  return { per: flags.per ?? "protein", label, written, isAssay };
}

/** Labels of proteins in a table of their own. */
function fromLabelTable(
  proteins: Written[],
  text: string,
  source: string,
  flags: LabelFlags,
): Found {
  const { columns, rows } = parseTable(text, source, { required: ["id"] });
  const { label, read } = columnsOf(columns, flags, source);
  const index = new RecordIndex<{ id: string; row: TableRow }>(source);
  for (const row of rows) index.add({ id: row.fields.id, row });
  const missing = proteins.filter(({ id }) => !index.get(id));
  refuseMissing(missing, proteins.length, source);
  const written = proteins.map((one) => {
    const { row } = index.get(one.id)!;
    return { ...one, ...read(row, `${source} line ${row.line}`) };
  });
  return { per: flags.per ?? "protein", label, written };
}

function refuseMissing(missing: readonly Written[], all: number, source: string): void {
  if (missing.length === 0) return;
  throw new UserError(
    `Cannot read ${quote(source)} as every record must have its labels: ${missing.length} of ` +
      `${all} have none, ${quote(missing[0].id)} the first`,
  );
}

/** FLIP's layout: a record of labels for each protein, with SET and VALIDATION in its header. */
function fromLabelRecords(
  proteins: Written[],
  labels: readonly FastaRecord[],
  source: string,
  label: string,
): Found {
  const index = new RecordIndex(source, [...labels]);
  refuseMissing(proteins.filter(({ id }) => !index.get(id)), proteins.length, source);
  const written = proteins.map((one): Written => {
    const { sequence, line, description } = index.get(one.id)!;
    const place = `${source} line ${line}`;
    const { SET, VALIDATION } = attributes(description);
    return { ...one, label: sequence, set: setOf(SET, VALIDATION, place), place };
  });
  return { per: "residue", label, written };
}

/** `KEY=value` of a header. */
function attributes(description: string): Record<string, string> {
  const found = [...description.matchAll(/(\w+)=(\S+)/g)];
  return Object.fromEntries(found.map(([, key, value]) => [key.toUpperCase(), value]));
}

/** FLIP's other layout: TARGET, SET and VALIDATION in the headers of the proteins. */
function fromHeaders(
  records: readonly FastaRecord[],
  source: string,
  flags: Pick<LabelFlags, "learner">,
): Found {
  const written = records.map(({ id, description, sequence, line }): Written => {
    const { TARGET, SET, VALIDATION } = attributes(description), place = `${source} line ${line}`;
    return { id, residues: sequence, label: TARGET, set: setOf(SET, VALIDATION, place), place };
  });
  if (written.every(({ label }) => label === undefined)) {
    throw new UserError(
      `${
        cannotTrain(flags)
      } labels must be given: --labels, --table with --label, a file a class ` +
        `in --fasta, or TARGET= in the headers of ${quote(source)}, which have none`,
    );
  }
  return { per: "protein", label: "TARGET", written };
}

/** A class is a file, named by what differs of the files' names. */
async function fromFiles(files: readonly string[], notes: string[]): Promise<Found> {
  const stems = files.map((file) => basename(file).replace(/(\.\w+)?(\.gz)?$/, ""));
  let shared = 0;
  while (stems.every((stem) => stem.length > shared && stem[shared] === stems[0][shared])) shared++;
  const begin = stems[0].slice(0, shared).search(/[^_.-]*$/);
  const names = stems.map((stem) => stem.slice(begin));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UserError(
      `Cannot name classes by files as the files of --fasta must have names that differ: ` +
        `current value is ${quote(twice)} twice`,
    );
  }
  const places = new Map<string, string>(), written: Written[] = [];
  for (const [i, file] of files.entries()) {
    for (const { id, sequence, line } of parseFasta(await readText(file, { notes }), file)) {
      const place = `${file} line ${line}`;
      if (places.has(id)) {
        throw new UserError(
          `Cannot read ${place} as a protein must be of one class: ${quote(id)} is in ` +
            `${places.get(id)} too`,
        );
      }
      places.set(id, place);
      written.push({ id, residues: sequence, label: names[i], place });
    }
  }
  return { per: "protein", label: "class", written };
}

function ungapAll(
  written: readonly Written[],
  choice: GapChoice | undefined,
  notes: string[],
): Written[] {
  let gaps = 0, gapped = 0;
  const found = written.map((one) => {
    const [protein, removed] = withoutGaps(one, choice);
    gaps += removed;
    if (removed > 0) gapped++;
    return protein;
  });
  if (gaps > 0) notes.push(gapNote(counted(gapped), gaps));
  return found;
}

/** The text of the one label, or of each residue's; undefined where there is none. */
function labelTexts(
  { id, residues, label, place }: Written,
  per: Problem["per"],
  mask: string | undefined,
): (string | undefined)[] {
  if (per === "protein") {
    return [label === undefined || label === "" || label === "-" ? undefined : label];
  }
  if (label === undefined || label === "") return Array(residues.length).fill(undefined);
  checkLength(label, "labels", id, residues.length, place);
  return Array.from(
    label,
    (letter, i) => NO_LABEL.includes(letter) || mask?.[i] === "0" ? undefined : letter,
  );
}

function checkLength(text: string, what: string, id: string, length: number, place: string): void {
  if (text.length === length) return;
  const at = Math.min(text.length, length) + 1;
  throw new UserError(
    `Cannot read ${place} as ${quote(id)} must have ${what} for its ${length} residues: current ` +
      `count is ${text.length}, residue ${at} is the first ` +
      (text.length < length ? "without" : "that is not there"),
  );
}

async function readMask(
  { mask }: LabelFlags,
  per: Problem["per"],
  written: readonly Written[],
): Promise<string[] | undefined> {
  if (mask === undefined) return undefined;
  if (per === "protein") {
    throw new UserError("Cannot use --mask as labels must be of residues: these are of proteins");
  }
  const records = parseFasta(await readText(mask), mask, { digits: true });
  const index = new RecordIndex(mask, records);
  refuseMissing(written.filter(({ id }) => !index.get(id)), written.length, mask);
  return written.map(({ id, residues }) => {
    const { sequence, line } = index.get(id)!, place = `${mask} line ${line}`;
    checkLength(sequence, "a mask", id, residues.length, place);
    const wrong = sequence.search(/[^01]/);
    if (wrong >= 0) {
      throw new UserError(
        `Cannot read ${place} as a mask must be of 0 and 1: current value is ${
          quote(sequence[wrong])
        } at residue ${wrong + 1} of ${quote(id)}`,
      );
    }
    return sequence;
  });
}

function kindOf(named: readonly string[], per: Problem["per"]): Problem["kind"] {
  if (per === "residue" || !named.every(isNumber)) return "classes";
  return new Set(named).size > MOST_CLASSES ? "numbers" : "classes";
}

const isNumber = (text: string) =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));

function checkNumbers(
  texts: readonly (readonly (string | undefined)[])[],
  written: readonly Written[],
  { label }: Found,
): void {
  texts.forEach((own, p) => {
    const at = own.findIndex((text) => text !== undefined && !isNumber(text));
    if (at < 0) return;
    throw new UserError(
      `Cannot read ${written[p].place} as ${quote(label)} must be a number: current value is ${
        quote(own[at]!)
      }`,
    );
  });
}

/** The classes in the order of their names, those with enough members. */
function classesOf(
  texts: readonly (readonly (string | undefined)[])[],
  per: Problem["per"],
  { minClass: least, ...flags }: Pick<LabelFlags, "minClass" | "learner">,
  notes: string[],
): string[] {
  // Of residues a class must be in so many proteins: residues of one are no two examples.
  const members = new Map<string, number>();
  for (const own of texts) {
    for (const name of new Set(own)) {
      if (name !== undefined) members.set(name, (members.get(name) ?? 0) + 1);
    }
  }
  const kept = [...members].filter(([, count]) => count >= least).map(([name]) => name);
  const left = [...members].filter(([, count]) => count < least);
  if (left.length > 0) {
    notes.push(
      `Classes with fewer than ${least} proteins are left out: ${
        left.map(([name, count]) => `${name} (${count})`).join(", ").slice(0, 300)
      }.`,
    );
  }
  if (kept.length < 2) {
    throw new UserError(
      `${cannotTrain(flags)} labels must be of at least two classes: current value is ${
        kept.length === 0 ? "none" : quote(kept[0])
      }`,
    );
  }
  const single = [...members].find(([name, count]) => count === 1 && kept.includes(name));
  if (single) {
    throw new UserError(
      `${cannotTrain(flags)} every class must have two proteins, one to learn from and one to be ` +
        `tested with: ${quote(single[0])} has one; --min-class 2 leaves such classes out` +
        (per === "residue" ? " (their residues count as not labelled)" : ""),
    );
  }
  return kept.sort(isNumberOrder);
}

/** Numbers by size, other names by letters. */
const isNumberOrder = (a: string, b: string) =>
  isNumber(a) && isNumber(b) ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;
