/** Results as tables: their columns, and what the terminal says of them. */
import { known, three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { quote, UserError } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { csvValue, parseRecord } from "../io/csv.ts";
import { NpzWriter } from "../io/npz.ts";
import {
  type Performance,
  type ProteinMean,
  STATISTIC_LABELS,
  STATISTIC_MEANINGS,
  STATISTICS,
} from "./evaluate.ts";
import { AVERAGES } from "./aggregate_table.ts";
import { AMINO_ACIDS } from "./letters.ts";
import type { ScoreMatrix } from "./matrix.ts";
import { residueOf } from "./resolve.ts";
import { isVariant, type Scan } from "./scan.ts";
import type { ScoredRow } from "./score.ts";
import type { VariantSource } from "./source.ts";
import { type Mode, type Reading, REASONS, type Target } from "./types.ts";

/** Said of columns that tell proteins apart. */
const SEVERAL = { when: "of several proteins" };

/** A table without the column that tells proteins apart, where there is one protein. */
export function tableFor<Row>(table: TableOf<Row>, proteins: number): TableOf<Row> {
  return proteins > 1 ? table : { ...table, columns: table.columns.slice(1) };
}

/** A row of scores.csv. */
export interface ProteinScore extends ScoredRow {
  target: Target;
  source: VariantSource;
}

const { text, number } = columnsOf<ProteinScore>();

const PROTEIN = text(
  "protein",
  "its id; an assay's file where several are of one",
  ({ target }) => target.id,
  SEVERAL,
);

/** What runs have besides the score itself. */
export interface ScoreKinds {
  mode: Mode;
  scans: readonly Pick<Scan, "indels" | "unscorable">[];
}

/** Our columns: the score's, and one each where runs have more to say. */
function ownColumns(name: string, { mode, scans }: ScoreKinds) {
  const length = ({ reading, target }: ProteinScore) =>
    isVariant(reading) && reading.indel?.length || target.residues.length;
  const some = (has: (scan: ScoreKinds["scans"][number]) => boolean) => scans.some(has);
  return [
    number(
      name,
      "log p(mutant) − log p(wild type), negative where the mutant is less likely; named after the " +
        "model, or --column; empty where a row of an assay cannot be scored: a stop, a frameshift, " +
        "?, a letter that is no amino acid, nothing",
      ({ score }) => known(score),
      { unit: "nats" },
    ),
    ...(mode === "pseudo-perplexity"
      ? [
        number(
          `${name}_pseudo_log_likelihood`,
          "sum of log p over the variant's residues",
          ({ pll }) => known(pll),
          { unit: "nats", when: "with --mode pseudo-perplexity" },
        ),
        number(
          `${name}_pseudo_perplexity`,
          "exp(− that sum ÷ residues)",
          (row) => known(Math.exp(-row.pll / length(row))),
          { when: "with --mode pseudo-perplexity" },
        ),
      ]
      : []),
    ...(some(({ indels }) => indels > 0)
      ? [number(
        `${name}_per_residue`,
        "of variants changed in length: the pseudo-log-likelihood per residue minus the wild type's",
        ({ perResidue }) => known(perResidue),
        { unit: "nats", when: "where there are such variants" },
      )]
      : []),
    ...(some(({ unscorable }) => unscorable.size > 0)
      ? [text(
        `${name}_reason`,
        "why there is no score",
        ({ reading }) => isVariant(reading) ? "" : REASONS[reading.reason],
        { when: "where there is such a row" },
      )]
      : []),
  ];
}

/**
 * scores.csv: the input's own columns and ours. Of several proteins it has those own columns that all
 * inputs have, and the variant under `mutant` where they call it differently.
 *
 * @throws {UserError} if the input has a column of such a name
 */
export function scoresTable(
  name: string,
  sources: readonly VariantSource[],
  kinds: ScoreKinds,
): TableOf<ProteinScore> {
  const [first, ...others] = sources;
  const shared = first.columns.filter((column) =>
    others.every(({ columns }) => columns.includes(column))
  );
  const ours = ownColumns(name, kinds);
  const taken = [...(others.length > 0 ? [PROTEIN] : []), ...ours]
    .find((column) => shared.includes(column.name));
  if (taken) {
    throw new UserError(
      `Cannot add the scores as their column must have a name that the input lacks (--column): ` +
        `current value is ${quote(taken.name)}`,
    );
  }
  const isNamed = sources.every(({ mutantColumn }) =>
    mutantColumn === first.mutantColumn && shared.includes(mutantColumn ?? shared[0])
  );
  return {
    ...SCORES,
    columns: [
      ...(others.length > 0 ? [PROTEIN] : []),
      ...(isNamed ? [] : [text("mutant", "the variant as it is written", ({ row }) => row.text)]),
      ...shared.filter((column) => isNamed || column !== "mutant").map((column) =>
        text(column, "the input's own", (row) => fieldsOf(row)[row.source.columns.indexOf(column)])
      ),
      ...ours,
    ],
  };
}

/** The last row that was asked for, since one is asked for each column. */
let parsed: { row?: unknown; fields: string[] } = { fields: [] };

function fieldsOf({ row, source }: ProteinScore): string[] {
  if (parsed.row !== row) {
    parsed = { row, fields: parseRecord(row.raw, source.delimiter, row.place, 1) };
  }
  return parsed.fields;
}

/** The table of one protein as lines: the input's rows as they are, ours behind them. */
export function scoreLines({ columns }: TableOf<ProteinScore>, source: VariantSource) {
  const ours = columns.slice(source.columns.length), { delimiter, header } = source;
  return {
    header: [header, ...ours.map(({ name }) => name)].join(delimiter),
    of: (row: ProteinScore) =>
      [row.row.raw, ...ours.map((column) => csvValue(column.of(row)))].join(delimiter),
  };
}

const SCORES: TableOf<ProteinScore> = {
  name: "scores",
  rows: "one row per variant",
  columns: [
    PROTEIN,
    text(
      "mutant",
      "the variant; an assay's own columns are kept as they are, of several assays those that all have",
      ({ row }) => row.text,
    ),
    ...ownColumns("MODEL", {
      mode: "pseudo-perplexity",
      scans: [{ indels: 1, unscorable: new Map([["stop", 1]]) }],
    }),
  ],
};

/** A residue of a matrix. */
interface MatrixRow {
  matrix: ScoreMatrix;
  position: number;
}

const at = columnsOf<MatrixRow>();

/** matrix.csv: positions at which at least one score was computed. */
export const MATRIX: TableOf<MatrixRow> = {
  name: "matrix",
  rows: "one row per residue",
  columns: [
    at.text("protein", "its id", ({ matrix }) => matrix.target.id, SEVERAL),
    at.integer(
      "position",
      "the residue's number, by --offset",
      ({ matrix, position }) => residueOf(position, matrix.target),
    ),
    at.text(
      "wild_type",
      "its letter",
      ({ matrix, position }) => matrix.target.residues[position - 1],
    ),
    ...[...AMINO_ACIDS].map((letter) =>
      at.number(
        letter,
        "score of the substitution",
        ({ matrix, position }) => matrix.score(position, letter),
        { unit: "nats" },
      )
    ),
    at.number(
      "mean_score",
      "mean of the 19 substitutions",
      ({ matrix, position }) => matrix.sensitivity(position),
      { unit: "nats" },
    ),
    at.number(
      "entropy",
      "of the predicted 20 letters",
      ({ matrix, position }) => matrix.entropy[position - 1],
      { unit: "nats" },
    ),
    at.number(
      "wild_type_log_prob",
      "log p of the residue's own letter",
      ({ matrix, position }) => matrix.wildTypeLogProb[position - 1],
      { unit: "nats" },
    ),
  ],
};

/** Positions at which at least one score was computed. */
export function matrixRows(matrix: ScoreMatrix): MatrixRow[] {
  return Array.from(matrix.target.residues, (_, i) => ({ matrix, position: i + 1 }))
    .filter(({ position }) =>
      [...AMINO_ACIDS].some((letter) => !Number.isNaN(matrix.score(position, letter)))
    );
}

/** matrix.npz: the whole matrix, NaN where nothing was computed, with what its axes mean. */
export async function writeMatrixNpz(path: string, matrix: ScoreMatrix): Promise<void> {
  const { target: { residues, offset }, scores, entropy, wildTypeLogProb } = matrix;
  const length = residues.length;
  const codes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  await using npz = await NpzWriter.create(path);
  await npz.add("scores", { shape: [length, AMINO_ACIDS.length], data: scores });
  await npz.add("entropy", { shape: [length], data: entropy });
  await npz.add("wild_type_log_prob", { shape: [length], data: wildTypeLogProb });
  const positions = Int32Array.from({ length }, (_, i) => i + offset);
  await npz.add("positions", { shape: [length], data: positions });
  await npz.add("wild_type", { shape: [length], data: codes(residues) });
  await npz.add("amino_acids", { shape: [AMINO_ACIDS.length], data: codes(AMINO_ACIDS) });
  await npz.close();
}

/** Statistics of a protein's group of variants. */
export type ProteinPerformance = Performance & { protein: string };

const of = columnsOf<ProteinPerformance>();
const LABELLED: ReadonlySet<string> = new Set(["auc", "mcc"]);

/** performance.csv: statistics against the assay. */
export const PERFORMANCE: TableOf<ProteinPerformance> = {
  name: "performance",
  rows: "one row per group of variants",
  when: "with measured values",
  columns: [
    of.text("protein", "its id", "protein", SEVERAL),
    of.text(
      "group",
      "all substitutions, single, multiple, regions of --by; apart from these synonymous, indel, " +
        "indel_per_residue (by that column)",
      "group",
      { short: "variants" },
    ),
    of.integer("variants", "how many have a score and a measured value", "variants", {
      short: "n",
    }),
    of.integer("labelled", "how many of them have a label", "labelled"),
    ...STATISTICS.flatMap((name) => [
      of.number(
        name,
        STATISTIC_MEANINGS[name] + (LABELLED.has(name) ? "; of the variants with a label" : ""),
        ({ values }) => values[name],
      ),
      ...(["low", "high"] as const).map((end) =>
        of.number(
          `${name}_${end}`,
          `${end === "low" ? "lower" : "upper"} end of its 95 % bootstrap interval over variants`,
          ({ intervals }) => intervals?.[name][end],
        )
      ),
    ]),
  ],
};

const over = columnsOf<ProteinMean>();

/** summary.csv: statistics over proteins. */
export const SUMMARY: TableOf<ProteinMean> = {
  name: "summary",
  rows: "one row per group and statistic",
  when: "of several proteins with measured values",
  columns: [
    over.text("group", "as in performance.csv", "group"),
    over.text("statistic", "its column there", "statistic"),
    over.integer("proteins", "for how many it is defined", "proteins"),
    over.number("mean", "over these", "mean", { show: three }),
    over.number(
      "low",
      "lower end of its 95 % bootstrap interval over proteins",
      ({ interval }) => interval?.low,
      { show: three },
    ),
    over.number(
      "high",
      "upper end of its 95 % bootstrap interval over proteins",
      ({ interval }) => interval?.high,
      { show: three },
    ),
  ],
};

/** Every table of the command. */
export const TABLES = [
  SCORES,
  // The 20 letters as one.
  {
    ...MATRIX,
    columns: MATRIX.columns.filter(({ name }) => name === "A" || !AMINO_ACIDS.includes(name))
      .map((column) => column.name === "A" ? { ...column, name: "A … Y" } : column),
  },
  PERFORMANCE,
  SUMMARY,
  AVERAGES,
];

/** The statistics as a table for the terminal, intervals in brackets. */
export function performanceText(performance: readonly ProteinPerformance[]): string {
  const shown = STATISTICS.filter((name) =>
    performance.some(({ values }) => !Number.isNaN(values[name]))
  );
  // Of no interest where all or none have a label.
  const some = performance.some(({ variants, labelled }) => labelled > 0 && labelled < variants);
  const several = new Set(performance.map(({ protein }) => protein)).size > 1;
  return formatTable(
    [
      { header: several ? "protein" : "variants" },
      { header: "n" },
      ...(some ? [{ header: "labelled" }] : []),
      ...shown.map((name) => ({ header: STATISTIC_LABELS[name], align: "right" as const })),
    ],
    performance.map(({ protein, group, variants, labelled, values, intervals }) => [
      several ? protein : group,
      variants,
      ...(some ? [labelled] : []),
      ...shown.map((name) => {
        const { low, high } = intervals?.[name] ?? { low: NaN, high: NaN };
        const range = Number.isNaN(low) ? "" : ` (${three(low)} to ${three(high)})`;
        return three(values[name]) + range;
      }),
    ]),
  );
}

/** A scored variant for the terminal. */
interface NamedScore {
  name: string;
  /** Or why there is none. */
  score: number | string;
}

/** A variant with its score. */
export interface Scored extends NamedScore {
  score: number;
  reading?: Reading;
}

/** The variants scored lowest and highest, or all of them in input order when they are few. */
export class Extremes {
  readonly #most: number;
  #all: NamedScore[] | null = [];
  #low: Scored[] = [];
  #high: Scored[] = [];

  constructor(most = 5) {
    this.#most = most;
  }

  /** @param score or why there is none @param reading what the name says, to find it again */
  add(name: string, score: number | string, reading?: Reading): void {
    if (this.#all && this.#all.push({ name, score }) > 4 * this.#most) this.#all = null;
    if (typeof score === "string") return;
    this.#low = this.#best(this.#low, { name, score, reading }, 1);
    this.#high = this.#best(this.#high, { name, score, reading }, -1);
  }

  /** From the lowest. */
  get lowest(): readonly Scored[] {
    return this.#low;
  }

  /** From the highest. */
  get highest(): readonly Scored[] {
    return this.#high;
  }

  /** The highest and the lowest. */
  get ends(): (string | number)[] {
    return [this.#high[0], this.#low[0]].flatMap((end) => end ? [end.name, end.score] : ["", NaN]);
  }

  text(): string {
    const column = (header: string) => ({ header });
    const score = { header: "score", format: (value: number) => value.toFixed(3) };
    if (this.#all) {
      return formatTable(
        [column("variant"), score],
        this.#all.map(({ name, score }) => [name, score]),
      );
    }
    return formatTable(
      [column("highest"), score, column("lowest"), score],
      this.#high.map(({ name, score }, i) => [name, score, this.#low[i].name, this.#low[i].score]),
    );
  }

  #best(kept: Scored[], one: Scored, sign: 1 | -1): Scored[] {
    const last = kept.at(-1);
    if (Number.isNaN(one.score)) return kept;
    if (last && kept.length >= this.#most && sign * one.score >= sign * last.score) return kept;
    return [...kept, one].sort((a, b) => sign * (a.score - b.score)).slice(0, this.#most);
  }
}

/** A line per protein: how many variants, the highest and the lowest. */
export function proteinsText(
  proteins: readonly { id: string; rows: number; ends: (string | number)[] }[],
): string {
  const score = { header: "score", format: three };
  return formatTable(
    [{ header: "protein" }, { header: "variants" }, { header: "highest" }, score, {
      header: "lowest",
    }, score],
    proteins.map(({ id, rows, ends }) => [id, rows, ...ends]),
  );
}
