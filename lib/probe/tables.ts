/** The tables of a probe. */
import { formatTable } from "../cli/table.ts";
import { three } from "../cli/figures.ts";
import { type Column, columnsOf, type TableOf } from "../io/columns.ts";
import type { ClassScores } from "../stats/confusion.ts";
import {
  CLASS_METRICS,
  type MetricName,
  type Metrics,
  NUMBER_METRICS,
  RESIDUE_METRICS,
  SET_METRICS,
} from "./evaluate.ts";
import { type FeatureKind, KIND_NAMES } from "./features.ts";
import type { Problem } from "./types.ts";

/** One probe and how good it is on the test set. */
export interface ProbeRow {
  readonly kind: FeatureKind;
  readonly layer?: string;
  readonly pool?: string;
  readonly width: number;
  readonly penalty: number;
  readonly isAtEnd: boolean;
  readonly converged: boolean;
  readonly validation: number;
  /** Whether the validation set chose it among those of its kind. */
  chosen: boolean;
  readonly metrics: Metrics;
}

/** What a metric is. */
export const METRIC_MEANINGS: Readonly<Record<MetricName, string>> = {
  accuracy: "share that is right",
  balanced_accuracy: "mean over classes of the share of their members that is right",
  macro_f1: "mean over classes of F1",
  mcc: "Matthews correlation of all classes (Gorodkin 2004)",
  auc: "area under the ROC curve, one class against the rest, mean over classes",
  q3: "of residues: the share that is right, mean over proteins (Q3 where classes are H, E and C)",
  micro_f1: "F1 over all pairs of protein and class",
  exact: "share of the proteins of which every class is right",
  spearman: "rank correlation, ties at their mean rank",
  pearson: "linear correlation",
  r2: "1 − squared error ÷ that of the test set's own mean",
  rmse: "root of the mean squared error, in the unit of the label",
};

/** What a metric is called in a sentence. */
export const METRIC_NAMES: Readonly<Record<MetricName, string>> = {
  accuracy: "accuracy",
  balanced_accuracy: "balanced accuracy",
  macro_f1: "macro F1",
  mcc: "Matthews correlation",
  auc: "AUC",
  q3: "Q3",
  micro_f1: "micro F1",
  exact: "all right",
  spearman: "Spearman",
  pearson: "Pearson",
  r2: "R²",
  rmse: "RMSE",
};

const { text, integer, number, flag } = columnsOf<ProbeRow>();

const KIND_MEANING = "layer (states of the model), sae (latents of an autoencoder), random (the " +
  "model with random weights), window (one-hot letters of 15 residues), composition (shares of " +
  "the letters, of a protein with its length, of a residue among the 15 about it), shuffled (the " +
  "chosen features, labels of the training set shuffled), majority (no features)";

/** A statistic of the test set and its interval, as three columns. */
export function metricColumns<Row extends { readonly metrics: Metrics }>(
  name: MetricName,
): Column<Row>[] {
  const isIn = (names: readonly MetricName[]) => names.includes(name);
  const when = isIn(NUMBER_METRICS)
    ? "of numbers"
    : name === "q3"
    ? "of residues' classes"
    : isIn(SET_METRICS) && !isIn(RESIDUE_METRICS)
    ? "of several classes at once"
    : "of classes";
  const { number } = columnsOf<Row>();
  const column = (suffix: string, meaning: string, of: (row: Row) => number | undefined) =>
    number(`${name}${suffix}`, meaning, (row) => of(row), { when });
  return [
    column("", METRIC_MEANINGS[name], ({ metrics }) => metrics[name]?.value),
    column(
      "_low",
      "lower end of its 95 % bootstrap interval over proteins",
      ({ metrics }) => metrics[name]?.low,
    ),
    column("_high", "upper end of that interval", ({ metrics }) => metrics[name]?.high),
  ];
}

const HEAD_COLUMNS: readonly Column<ProbeRow>[] = [
  text("features", KIND_MEANING, "kind"),
  text("layer", "n: the stream after n blocks; last: after the final LayerNorm", "layer"),
  text("pool", "how residues became one vector", "pool"),
  integer("width", "features of a row", "width"),
  number(
    "penalty",
    "C of logistic regression or alpha of ridge that the validation set chose",
    "penalty",
  ),
  number(
    "validation",
    "what it was chosen by: accuracy of the validation set (balanced with --class-weights balanced), " +
      "R² of numbers",
    "validation",
  ),
  flag("chosen", "whether the validation set prefers it among those of its kind", "chosen"),
];

/** Of a problem, which statistics there are. */
export const metricsOf = ({ kind, per }: Pick<Problem, "kind" | "per">): readonly MetricName[] =>
  kind === "sets"
    ? SET_METRICS
    : kind === "numbers"
    ? NUMBER_METRICS
    : per === "residue"
    ? RESIDUE_METRICS
    : CLASS_METRICS;

/** The statistic that a problem is spoken of by. */
export const headlineOf = ({ kind }: Pick<Problem, "kind">, balanced: boolean): MetricName =>
  kind === "sets"
    ? "micro_f1"
    : kind === "numbers"
    ? "spearman"
    : balanced
    ? "balanced_accuracy"
    : "accuracy";

function metricsTableOf(names: readonly MetricName[]): TableOf<ProbeRow> {
  return {
    name: "metrics",
    rows: "one row per probe: features, layer and pool; measured on the test set",
    columns: [...HEAD_COLUMNS, ...names.flatMap((name) => metricColumns<ProbeRow>(name))],
  };
}

/** metrics.csv of a problem. */
export const metricsTable = (problem: Pick<Problem, "kind" | "per">): TableOf<ProbeRow> =>
  metricsTableOf(metricsOf(problem));

/** A prediction. */
export interface PredictionRow {
  readonly id: string;
  /** 1-based, of residues. */
  readonly position?: number;
  readonly residue?: string;
  readonly label?: string | number;
  readonly predicted: string | number;
  readonly probabilities: readonly number[];
}

/** predictions.csv. @param isApplied without labels */
export function predictionsTable(
  { per, kind, classes }: Pick<Problem, "per" | "kind" | "classes">,
  isApplied = false,
): TableOf<PredictionRow> {
  const { columns } = PREDICTIONS, isClasses = kind !== "numbers";
  const probability = columns.at(-1)!;
  return {
    ...PREDICTIONS,
    columns: [
      ...columns.slice(0, -1).filter(({ name }) =>
        (per === "residue" || (name !== "position" && name !== "residue")) &&
        !(isApplied && name === "label")
      ).map((column) =>
        !isClasses && (name(column) === "label" || name(column) === "predicted")
          ? { ...column, type: "number" as const }
          : column
      ),
      ...(isClasses
        ? classes.map((one, k): Column<PredictionRow> => ({
          ...probability,
          name: `p_${one}`,
          of: ({ probabilities }) => probabilities[k],
        }))
        : []),
    ],
  };
}
const name = (column: { name: string }) => column.name;

const of = columnsOf<PredictionRow>();

/** predictions.csv with all that it can have. */
export const PREDICTIONS: TableOf<PredictionRow> = {
  name: "predictions",
  rows:
    "one row per protein or labelled residue of the test set, by the chosen probe; with --apply of all",
  columns: [
    of.text("id", "of the protein", "id"),
    of.integer("position", "residue, from 1", "position", { when: "of residues" }),
    of.text("residue", "its letter", "residue", { when: "of residues" }),
    of.text("label", "what the input says", "label", { when: "without --apply" }),
    of.text("predicted", "the most probable class, or the number", "predicted"),
    of.number("p_CLASS", "probability of each class", () => undefined, { when: "of classes" }),
  ],
};

/** One cell of the confusion of classes. */
export interface ConfusionRow {
  readonly label: string;
  readonly predicted: string;
  readonly count: number;
  readonly share: number;
}

const cell = columnsOf<ConfusionRow>();

/** confusion.csv */
export const CONFUSION: TableOf<ConfusionRow> = {
  name: "confusion",
  rows: "one row per class and class predicted, of the test set by the chosen probe",
  when: "of classes",
  columns: [
    cell.text("label", "the class", "label"),
    cell.text("predicted", "what was predicted", "predicted"),
    cell.integer("count", "how often", "count"),
    cell.number("share", "of the class's members", "share"),
  ],
};

/** A class and how well it is told. */
export interface ClassRow extends ClassScores {
  readonly name: string;
  /** Members of the training set. */
  readonly train: number;
}

const per = columnsOf<ClassRow>();

/** classes.csv */
export const CLASSES: TableOf<ClassRow> = {
  name: "classes",
  rows: "one row per class, of the test set by the chosen probe",
  when: "of classes",
  columns: [
    per.text("class", "its name", "name"),
    per.integer("train", "members that were learnt from", "train"),
    per.integer("support", "members of the test set", "support"),
    per.number("precision", "share of those predicted that are of the class", "precision"),
    per.number("recall", "share of its members that is predicted so", "recall"),
    per.number("f1", "harmonic mean of both", "f1"),
  ],
};

/** A latent that a class's read-out weighs. */
export interface LatentRow {
  readonly name: string;
  readonly rank: number;
  readonly latent: number;
  readonly weight: number;
}

const latent = columnsOf<LatentRow>();

/** Latents of a class that are listed. */
export const LATENTS_LISTED = 20;

/** latents.csv */
export const LATENTS: TableOf<LatentRow> = {
  name: "latents",
  rows: `one row per class and latent: the ${LATENTS_LISTED} with the largest weights`,
  when: "with --on sae",
  columns: [
    latent.text("class", "whose read-out it is; the label of numbers", "name"),
    latent.integer("rank", "from 1", "rank"),
    latent.integer("latent", "numbered from 0", "latent"),
    latent.number("weight", "of the standardised latent in the best probe of latents", "weight"),
  ],
};

/** All that a run may write. */
export const TABLES: readonly TableOf<never>[] = [
  metricsTableOf([...RESIDUE_METRICS, ...NUMBER_METRICS]),
  PREDICTIONS,
  CONFUSION,
  CLASSES,
  LATENTS,
];

/** The names of a probe's features: `layer 3 mean`. */
export function rowName({ kind, layer, pool }: Pick<ProbeRow, "kind" | "layer" | "pool">): string {
  const place = layer === undefined ? "" : layer === "last" ? "the last layer" : `layer ${layer}`;
  const what = kind === "layer" ? place : [KIND_NAMES[kind], place].filter(Boolean).join(", ");
  return pool === undefined || pool === "mean" ? what : `${what}, ${pool}`;
}

/** Probes in a table for a terminal. */
export function rowsText(rows: readonly ProbeRow[], names: readonly MetricName[]): string {
  return formatTable(
    [
      { header: "features" },
      { header: "layer" },
      { header: "pool" },
      { header: "C" },
      { header: "chosen by", format: three },
      ...names.flatMap((name) => [
        { header: METRIC_NAMES[name], format: three },
        { header: "95 %" },
      ]),
      { header: "" },
    ],
    rows.map((row) => [
      row.kind,
      row.layer ?? "",
      row.pool ?? "",
      String(row.penalty),
      row.validation,
      ...names.flatMap((name) => {
        const { value, low, high } = row.metrics[name]!;
        return [value, Number.isNaN(low) ? "–" : `${three(low)}–${three(high)}`];
      }),
      row.chosen ? "chosen" : "",
    ]),
  );
}
