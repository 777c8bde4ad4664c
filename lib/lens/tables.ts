/** Results as tables: their columns and rows, and what the terminal says of them. */
import { tableText } from "../cli/table.ts";
import { printable } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { shortest } from "../report/client/numbers.js";
import { divergence, type LayerMeans, LensView } from "./numbers.ts";
import type { LensResult } from "./survey.ts";
import { LENS_LETTERS, type LensName, type Predictions, type Reading } from "./types.ts";

/** A residue at a lens and layer. */
export interface ResidueRow extends Reading {
  protein: string;
  /** From 1. */
  residue: number;
  letterTrue: string;
  lens: LensName;
  layer: number;
}

const one = columnsOf<ResidueRow>();

/** A number in single precision, which is that of the logits; nothing where it is undefined. */
const inSingle = (value: number) => Number.isNaN(value) ? undefined : shortest(Math.fround(value));
const single =
  (key: "probability" | "logProb" | "entropy" | "kl" | "outside") => (row: ResidueRow) =>
    inSingle(row[key]);

const LAYER = "blocks that have run: 0 is the embedding; the last is the model's own answer";
const LENS = "logit: the state as it is; tuned: through its trained map (--tuned)";

/** lens.csv: what the head would say of each residue after each block. */
export const LENS_TABLE: TableOf<ResidueRow> = {
  name: "lens",
  rows: "one row per protein, residue, lens and layer; probabilities are among the 20 amino acids",
  columns: [
    one.text("protein", "its id", "protein"),
    one.integer("residue", "numbered from 1", "residue"),
    one.text("letter", "of the sequence", "letterTrue"),
    one.text("lens", LENS, "lens"),
    one.integer("layer", LAYER, "layer"),
    one.text("predicted", "the letter of the highest probability", "letter"),
    one.number("probability", "of that letter", single("probability")),
    one.integer(
      "rank",
      "of the sequence's letter, 1 is the highest",
      ({ rank }) => Number.isNaN(rank) ? undefined : rank,
    ),
    one.number(
      "log_prob",
      "of the sequence's letter",
      single("logProb"),
      { unit: "nats" },
    ),
    one.number("entropy", "of the 20 probabilities", single("entropy"), { unit: "nats" }),
    one.number("kl", "KL(last layer ‖ this layer): Σ p_last (log p_last − log p)", single("kl"), {
      unit: "nats",
    }),
    one.number(
      "outside",
      "probability of tokens that are no amino acid, of all 33: log p among all is log_prob + " +
        "log(1 − outside)",
      single("outside"),
    ),
  ],
};

/** Rows of a protein. */
export function* residueRows(id: string, view: LensView): Generator<ResidueRow> {
  for (let r = 0; r < view.letters.length; r++) {
    for (const lens of view.lenses) {
      for (let layer = 0; layer <= view.layers; layer++) {
        const at = { protein: id, residue: r + 1, letterTrue: view.letters[r], lens, layer };
        const reading = view.read(r, lens, layer);
        yield { ...at, ...reading };
      }
    }
  }
}

type LayerRow = LayerMeans & { protein: string };
const over = columnsOf<LayerRow>();

/** layers.csv: means over residues. */
export const LAYERS: TableOf<LayerRow> = {
  name: "layers",
  rows: "one row per protein, lens and layer: means over its residues",
  columns: [
    over.text("protein", "its id", "protein"),
    over.text("lens", LENS, "lens", { label: "Lens" }),
    over.integer("layer", LAYER, "layer", { label: "Layer" }),
    over.integer("residues", "how many", "residues"),
    over.number("mean_log_prob", "of the sequence's letter", "logProb", {
      ...{ unit: "nats", label: "log p", short: "log p" },
    }),
    over.number("mean_entropy", "of the 20 probabilities", "entropy", {
      ...{ unit: "nats", label: "Entropy", short: "entropy" },
    }),
    over.number("mean_kl", "KL(last layer ‖ this layer)", "kl", {
      ...{ unit: "nats", label: "KL to the last", short: "KL" },
    }),
    over.number(
      "accuracy",
      "share of the residues of the 20 amino acids whose letter is predicted",
      "accuracy",
      { label: "Accuracy" },
    ),
    over.number(
      "decided",
      "share of the residues whose predicted letter is from this layer on that of the last",
      "decided",
      { label: "Decided" },
    ),
    over.number("mean_outside", "probability of tokens that are no amino acid", "outside", {
      ...{ label: "Outside", short: "outside" },
    }),
  ],
};

/** When a residue is settled. */
export interface DecidedRow {
  protein: string;
  residue: number;
  letter: string;
  lens: LensName;
  final: string;
  probability: number;
  layer: number;
}

const when = columnsOf<DecidedRow>();

/** decided.csv: from which layer on a residue's letter is that of the end. */
export const DECIDED: TableOf<DecidedRow> = {
  name: "decided",
  rows: "one row per protein, lens and residue",
  columns: [
    when.text("protein", "its id", "protein"),
    when.integer("residue", "numbered from 1", "residue"),
    when.text("letter", "of the sequence", "letter"),
    when.text("lens", LENS, "lens"),
    when.text("final", "letter that the last layer predicts", "final"),
    when.number(
      "final_probability",
      "its probability there",
      ({ probability }) => inSingle(probability),
    ),
    when.integer("decided_layer", "the first layer from which that letter stays", "layer"),
    when.flag(
      "right",
      "whether it is the sequence's letter",
      ({ letter, final }) => letter === final,
    ),
  ],
};

export function* decidedRows(id: string, view: LensView): Generator<DecidedRow> {
  const { letters, layers } = view;
  for (const lens of view.lenses) {
    for (let r = 0; r < letters.length; r++) {
      const { letter: final, probability } = view.read(r, lens, layers);
      const own = { protein: id, residue: r + 1, letter: letters[r], lens };
      yield { ...own, final, probability, layer: view.decidedAt(r, lens) };
    }
  }
}

/** A mutation at a lens and layer. */
export interface MutationRow {
  protein: string;
  mutation: string;
  lens: LensName;
  layer: number;
  score: number;
  kl: number;
  changed: number;
}

const mutation = columnsOf<MutationRow>();

/** mutations.csv: a mutant minus its wild type, layer by layer. */
export const MUTATIONS: TableOf<MutationRow> = {
  name: "mutations",
  rows: "one row per protein, mutation, lens and layer",
  when: "with --mutations",
  columns: [
    mutation.text("protein", "its id", "protein"),
    mutation.text("mutation", "as given", "mutation"),
    mutation.text("lens", LENS, "lens"),
    mutation.integer("layer", LAYER, "layer"),
    mutation.number(
      "score",
      "log p(mutant) − log p(wild type) at the mutated residues, read in the wild type, summed",
      "score",
      { unit: "nats" },
    ),
    mutation.number(
      "others_kl",
      "KL(wild type ‖ mutant) of the predictions of all other residues, mean",
      "kl",
      { unit: "nats" },
    ),
    mutation.number(
      "others_changed",
      "share of the other residues whose predicted letter changes",
      "changed",
    ),
  ],
};

/** Another residue in a mutant. */
export interface MutationResidueRow {
  protein: string;
  mutation: string;
  lens: LensName;
  layer: number;
  residue: number;
  letter: string;
  kl: number;
  wild: string;
  mutant: string;
  change: number;
}

const changed = columnsOf<MutationResidueRow>();

/** mutation_residues.csv: what a mutation changes of every residue's prediction. */
export const MUTATION_RESIDUES: TableOf<MutationResidueRow> = {
  name: "mutation_residues",
  rows: "one row per protein, mutation, lens, layer and residue that is not mutated",
  when: "with --mutations",
  columns: [
    changed.text("protein", "its id", "protein"),
    changed.text("mutation", "as given", "mutation"),
    changed.text("lens", LENS, "lens"),
    changed.integer("layer", LAYER, "layer"),
    changed.integer("residue", "numbered from 1", "residue"),
    changed.text("letter", "of the sequence", "letter"),
    changed.number(
      "kl",
      "KL(wild type ‖ mutant) of its prediction",
      ({ kl }) => inSingle(kl),
      { unit: "nats" },
    ),
    changed.text("predicted_wild_type", "letter predicted in the wild type", "wild"),
    changed.text("predicted_mutant", "letter predicted in the mutant", "mutant"),
    changed.number(
      "log_prob_change",
      "log probability of the sequence's letter in the mutant minus that in the wild type",
      ({ change }) => inSingle(change),
      { unit: "nats" },
    ),
  ],
};

/** A protein's mutation, read beside its wild type. */
export interface MutantView {
  name: string;
  rows: MutationRow[];
  /** By lens and layer as `rows`, then by residue without the mutated ones. */
  residues: MutationResidueRow[];
}

/** What each mutation of a protein changes. */
export function mutantViews({ protein, wild, mutants }: LensResult): MutantView[] {
  const { id, letters, variants } = protein, before = new LensView(wild, letters);
  return variants.map(({ name, substitutions }, v) => {
    const after = new LensView(mutants[v] as Predictions, letters);
    const mutated = new Set(substitutions.map(({ position }) => position - 1));
    const rows: MutationRow[] = [], residues: MutationResidueRow[] = [];
    for (const lens of before.lenses) {
      for (let layer = 0; layer <= before.layers; layer++) {
        let kl = 0, letterChanges = 0;
        for (let r = 0; r < letters.length; r++) {
          if (mutated.has(r)) continue;
          const p = before.logProbs(r, lens, layer), q = after.logProbs(r, lens, layer);
          const own = LENS_LETTERS.indexOf(letters[r]);
          const row = {
            ...{ protein: id, mutation: name, lens, layer, residue: r + 1, letter: letters[r] },
            kl: divergence(p, q),
            wild: before.top(r, lens, layer),
            mutant: after.top(r, lens, layer),
            change: own < 0 ? NaN : q[own] - p[own],
          };
          residues.push(row);
          kl += row.kl;
          if (row.wild !== row.mutant) letterChanges++;
        }
        const others = letters.length - mutated.size;
        const score = substitutions.reduce((sum, { position, from, to }) => {
          const logProbs = before.logProbs(position - 1, lens, layer);
          return sum + logProbs[LENS_LETTERS.indexOf(to)] - logProbs[LENS_LETTERS.indexOf(from)];
        }, 0);
        rows.push({
          ...{ protein: id, mutation: name, lens, layer, score },
          ...{ kl: kl / others, changed: letterChanges / others },
        });
      }
    }
    return { name, rows, residues };
  });
}

/** A lens and layer over proteins. */
export interface SummaryRow {
  lens: LensName;
  layer: number;
  proteins: number;
  logProb: [mean: number, sd: number];
  entropy: [mean: number, sd: number];
  kl: [mean: number, sd: number];
  accuracy: [mean: number, sd: number];
  decided: [mean: number, sd: number];
}

const all = columnsOf<SummaryRow>();
const pair = (
  name: string,
  meaning: string,
  key: "logProb" | "entropy" | "kl" | "accuracy" | "decided",
  unit?: string,
) => [
  all.number(`${name}_mean`, `mean over proteins of ${meaning}`, (row) => row[key][0], { unit }),
  all.number(`${name}_sd`, "its standard deviation over them", (row) => row[key][1], { unit }),
];

/** summary.csv: over proteins. */
export const SUMMARY: TableOf<SummaryRow> = {
  name: "summary",
  rows: "one row per lens and layer",
  when: "of several proteins",
  columns: [
    all.text("lens", LENS, "lens"),
    all.integer("layer", LAYER, "layer"),
    all.integer("proteins", "how many", "proteins"),
    ...pair("log_prob", "mean_log_prob", "logProb", "nats"),
    ...pair("entropy", "mean_entropy", "entropy", "nats"),
    ...pair("kl", "mean_kl", "kl", "nats"),
    ...pair("accuracy", "accuracy", "accuracy"),
    ...pair("decided", "decided", "decided"),
  ],
};

const SUMMED = ["logProb", "entropy", "kl", "accuracy", "decided"] as const;

type Sums = Record<typeof SUMMED[number], { count: number; mean: number; squares: number }>;

/** Means and spreads over proteins, in memory that does not grow with them (Welford 1962). */
export class SummaryTally {
  proteins = 0;
  readonly #rows: { lens: LensName; layer: number; sums: Sums }[] = [];

  /** @param rows of a protein; those of all are of the same lenses and layers */
  add(rows: readonly LayerMeans[]): void {
    this.proteins++;
    rows.forEach((row, i) => {
      const own = this.#rows[i] ??= {
        ...{ lens: row.lens, layer: row.layer },
        sums: Object.fromEntries(
          SUMMED.map((key) => [key, { count: 0, mean: 0, squares: 0 }]),
        ) as Sums,
      };
      for (const key of SUMMED) {
        // A protein without one of the 20 amino acids has no accuracy.
        if (Number.isNaN(row[key])) continue;
        const sum = own.sums[key], away = row[key] - sum.mean;
        sum.mean += away / ++sum.count;
        sum.squares += away * (row[key] - sum.mean);
      }
    });
  }

  rows(): SummaryRow[] {
    return this.#rows.map(({ lens, layer, sums }) => {
      const spread = (key: typeof SUMMED[number]): [mean: number, sd: number] => {
        const { count, mean, squares } = sums[key];
        return count === 0 ? [NaN, NaN] : [mean, Math.sqrt(squares / (count - 1))];
      };
      return {
        ...{ lens, layer, proteins: this.proteins },
        ...{ logProb: spread("logProb"), entropy: spread("entropy"), kl: spread("kl") },
        ...{ accuracy: spread("accuracy"), decided: spread("decided") },
      };
    });
  }
}

/** Every table of the command. */
export const TABLES = [LENS_TABLE, LAYERS, DECIDED, MUTATIONS, MUTATION_RESIDUES, SUMMARY];

/** Layers that the terminal shows of a lens, spread over the depth. */
const SHOWN = 13;

/** What the terminal shows of a protein. */
export function proteinText(id: string, rows: readonly LayerMeans[]): string {
  const layers = Math.max(...rows.map(({ layer }) => layer));
  const step = Math.max(1, Math.ceil(layers / (SHOWN - 1)));
  const shown = rows.filter(({ layer }) => layer % step === 0 || layer === layers);
  const names = [
    "lens",
    "layer",
    "mean_log_prob",
    "mean_entropy",
    "mean_kl",
    "accuracy",
    "decided",
  ];
  const table = tableText(LAYERS, names, shown.map((row) => ({ ...row, protein: id })));
  return `${printable(id)}: ${rows[0].residues} residues\n\n${table}`;
}

/** What the terminal shows of mutations: the score at each layer. */
export function mutationsText(views: readonly MutantView[]): string {
  const shown = views.slice(0, 10).flatMap(({ rows }) => {
    const last = rows.filter(({ layer }) => layer === Math.max(...rows.map((row) => row.layer)));
    return last.slice(0, 1);
  });
  const names = ["mutation", "score", "others_kl", "others_changed"];
  return `At the last layer (mutations.csv has all):\n\n${tableText(MUTATIONS, names, shown)}`;
}
