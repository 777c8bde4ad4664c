/** The tables of a fine-tuning. */
import { three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import {
  type Metric,
  type MetricName,
  type Metrics,
  NUMBER_METRICS,
  RESIDUE_METRICS,
  SET_METRICS,
} from "../probe/evaluate.ts";
import {
  CLASSES as PROBE_CLASSES,
  CONFUSION as PROBE_CONFUSION,
  METRIC_NAMES,
  metricColumns,
  PREDICTIONS,
  predictionsTable,
} from "../probe/tables.ts";
import type { CurveRowOf } from "../train/curve.ts";
import type { EpochReport, StepReport } from "./train.ts";
import type { HeadKind, Mode } from "./types.ts";

/** What came of a mode. */
export interface ModeRow {
  readonly mode: Mode;
  readonly head: HeadKind;
  /** Numbers that were trained. */
  readonly trained: number;
  readonly epochs: number;
  /** Whose weights were kept. */
  readonly best: number;
  readonly steps: number;
  readonly tokens: number;
  readonly seconds: number;
  /** Largest resident memory while it trained. */
  readonly peakBytes: number;
  /** Of the validation set. */
  readonly validation: number;
  readonly metrics: Metrics;
  /** How much better it is than the first mode on the same resampled proteins. */
  readonly gain?: Metric;
  /** Perplexity of masked residues. */
  readonly before?: number;
  readonly after?: number;
}

const { text, integer, number } = columnsOf<ModeRow>();

/** modes.csv. @param names statistics of the problem */
export const modesTable = (names: readonly MetricName[]): TableOf<ModeRow> => ({
  name: "modes",
  rows: "one row per mode; statistics of the test set",
  columns: [
    text("mode", "frozen (the head alone), lora, full (every weight and the head)", "mode"),
    text("head", "mean, cls, attention, mlp, token", "head"),
    integer("trained_parameters", "numbers that were trained", "trained"),
    integer("epochs", "passes over the training set", "epochs"),
    integer(
      "best_epoch",
      "after which the validation set was told best; its weights are kept",
      "best",
    ),
    integer("steps", "steps of the optimiser", "steps"),
    integer("tokens", "tokens that were learnt from, without padding", "tokens"),
    number("seconds", "of training and validation", "seconds", { unit: "s" }),
    integer(
      "peak_memory",
      "largest resident memory of the process while it trained; what an earlier mode has left counts",
      "peakBytes",
      { unit: "bytes" },
    ),
    number(
      "validation",
      "what it was chosen by: the headline statistic of the validation set",
      "validation",
    ),
    ...names.flatMap((name) => metricColumns<ModeRow>(name)),
    number(
      "gain",
      "headline statistic minus that of the first mode, of the same proteins",
      (row) => row.gain?.value,
      { when: "of several modes" },
    ),
    number(
      "gain_low",
      "lower end of its 95 % bootstrap interval over proteins",
      (row) => row.gain?.low,
      {
        when: "of several modes",
      },
    ),
    number("gain_high", "upper end of that interval", (row) => row.gain?.high, {
      when: "of several modes",
    }),
    number(
      "perplexity_before",
      "of masked residues (--perplexity), by the model as it was",
      "before",
    ),
    number(
      "perplexity_after",
      "the same after the training: what the model has forgotten",
      "after",
    ),
  ],
});

/** An epoch of a mode. */
export interface EpochRow extends EpochReport {
  readonly mode: Mode;
}

const epoch = columnsOf<EpochRow>();

/** epochs.csv */
export const EPOCHS: TableOf<EpochRow> = {
  name: "epochs",
  rows: "one row per mode and epoch",
  columns: [
    epoch.text("mode", "as in modes.csv", "mode"),
    epoch.integer("epoch", "from 1", "epoch"),
    epoch.integer("step", "steps that were done", "step"),
    epoch.integer("tokens", "tokens that were seen", "tokens"),
    epoch.number("train_loss", "mean over its steps", "trainLoss"),
    epoch.number(
      "validation_loss",
      "mean over the rows of the validation set: −log p of classes in nats, squared error of numbers " +
        "in standard deviations",
      "loss",
    ),
    epoch.number("validation", "the headline statistic of the validation set", "metric"),
    epoch.flag("best", "whether it was the best so far", "best"),
  ],
};

/** A step of a mode. */
export type CurveStep = StepReport & { readonly mode: Mode };
/** Means of some steps. */
export type CurveRow = CurveRowOf<CurveStep>;
/** Of a mode, at most. */
export const CURVE_ROWS = 300;

const curve = columnsOf<CurveRow>();

/** curve.csv */
export const CURVE: TableOf<CurveRow> = {
  name: "curve",
  rows: "one row per mode and step, or mean of some",
  columns: [
    curve.text("mode", "as in modes.csv", "mode"),
    curve.integer("step", "steps that are done", "step"),
    curve.integer("epoch", "from 1", "epoch"),
    curve.integer("tokens", "tokens that were seen", "tokens"),
    curve.number("loss", "as in epochs.csv, of the training set", "loss"),
    curve.number("norm", "length of the gradient before it is clipped", "norm"),
    curve.number("rate", "learning rate", "rate"),
    curve.number("tokens_per_second", "of the run that wrote this row", "tokensPerSecond"),
  ],
};

/** Proteins whose predictions are drawn. */
export const MOST_APPLIED = 40;

const of = (words: string) => words.replaceAll("by the chosen probe", "by the fine-tuned model");

/** predictions.csv, confusion.csv and classes.csv are those of probes. */
export const predictions: typeof predictionsTable = (problem, isApplied) => {
  const table = predictionsTable(problem, isApplied);
  return { ...table, rows: of(table.rows) };
};
/** confusion.csv */
export const CONFUSION = { ...PROBE_CONFUSION, rows: of(PROBE_CONFUSION.rows) };
/** classes.csv */
export const CLASSES = { ...PROBE_CLASSES, rows: of(PROBE_CLASSES.rows) };

/** All that a run may write. */
export const TABLES: readonly TableOf<never>[] = [
  modesTable([...new Set([...RESIDUE_METRICS, ...NUMBER_METRICS, ...SET_METRICS])]),
  EPOCHS,
  CURVE,
  { ...PREDICTIONS, rows: of(PREDICTIONS.rows) },
  CONFUSION,
  CLASSES,
];

/** Modes in a table for a terminal. */
export function modesText(rows: readonly ModeRow[], names: readonly MetricName[]): string {
  const has = (key: "before" | "after") => rows.some((row) => row[key] !== undefined);
  return formatTable(
    [
      { header: "mode" },
      { header: "trained" },
      { header: "epochs" },
      { header: "seconds", format: three },
      { header: "memory" },
      { header: "chosen by", format: three },
      ...names.flatMap((name) => [
        { header: METRIC_NAMES[name], format: three },
        { header: "95 %" },
      ]),
      ...(has("after") ? [{ header: "perplexity before" }, { header: "after" }] : []),
    ],
    rows.map((row) => [
      row.mode,
      String(row.trained),
      `${row.best} of ${row.epochs}`,
      row.seconds,
      `${(row.peakBytes / 1e9).toFixed(2)} GB`,
      row.validation,
      ...names.flatMap((name) => {
        const { value, low, high } = row.metrics[name]!;
        return [value, Number.isNaN(low) ? "–" : `${three(low)}–${three(high)}`];
      }),
      ...(has("after") ? [row.before?.toFixed(2) ?? "–", row.after?.toFixed(2) ?? "–"] : []),
    ]),
  );
}
