/** Columns that several tables of variants have in common. */
import { type Column, columnsOf, type TableOf } from "../io/columns.ts";
import { known, three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { residueOf } from "../variants/resolve.ts";
import type { ExplanationRecord } from "./explain_record.ts";
import type { Attribution } from "./integrate.ts";
import { placeName } from "./places.ts";
import type { Explained } from "./survey.ts";

const of = columnsOf<Explained>();

/** Which mutation, and where it was looked at. */
export const PLACE = [
  of.text("protein", "its id", ({ protein }) => protein.target.id),
  of.text("mutation", "as people write it; several joined by :", ({ variant }) => variant.name),
  of.text(
    "position",
    "its residue as the input numbers it (--offset); several joined by :",
    ({ protein, variant }) =>
      variant.substitutions.map(({ position }) => residueOf(position, protein.target)).join(":"),
  ),
  of.integer("layer", "blocks that have run where the autoencoder reads", "layer"),
];

const MEASURED = of.number(
  "measured",
  "the assay's value",
  ({ variant }) => known(variant.measured),
  {
    when: "with --assay",
  },
);

/** A table of variants, every column of it. */
export const withMeasured = <Row extends Explained>(table: TableOf<Row>): TableOf<Row> => ({
  ...table,
  columns: [...table.columns, MEASURED],
});

/** The same for a run: without measured values where there are none. */
export function measuredIn<Row extends Explained>(
  table: TableOf<Row>,
  results: readonly Explained[],
): TableOf<Row> {
  if (results.some(({ protein }) => protein.hasMeasured)) return table;
  return { ...table, columns: table.columns.filter((column) => column !== MEASURED) };
}

export const SCORE = { unit: "nats" };
export const DELTA =
  "how far the latent's activation moves from that in the changed run (its pre-activation with " +
  "--through pre-activations)";
export const DISPLACEMENT = "how far that moves the residual stream (length of the vector)";

/** A node of an explanation: a latent, or the error term, at a token. */
export interface NodeRow extends Explained {
  node: Attribution;
  /** From 0, in the order of the explanation. */
  index: number;
  explanation: ExplanationRecord;
}

/** Nodes of results, one after another. */
export function* nodeRows<R extends Explained>(
  results: readonly R[],
  explanationOf: (result: R) => ExplanationRecord,
): Generator<NodeRow> {
  for (const result of results) {
    const { protein, variant, layer } = result, explanation = explanationOf(result);
    for (const [index, node] of explanation.nodes.entries()) {
      yield { protein, variant, layer, node, index, explanation };
    }
  }
}

export const latentName = (latent: number): string | number => latent < 0 ? "error" : latent;

const node = columnsOf<NodeRow>();

export const NODE = [
  node.text(
    "residue",
    "the token: number of a residue, <cls> or <eos>",
    ({ node: { token }, protein }) => placeName(token, protein.target),
  ),
  node.text(
    "latent",
    "the latent there; error is what the latents do not explain",
    ({ node: { latent } }) => latentName(latent),
  ),
  node.number("delta", DELTA, ({ node: { delta } }) => delta),
  node.number("displacement", DISPLACEMENT, ({ node: { displacement } }) => displacement),
  node.number(
    "attribution",
    "its part of the effect; all nodes add up to it but for the gap",
    ({ node: { attribution } }) => attribution,
    SCORE,
  ),
  node.number(
    "share",
    "of the sum of all nodes' sizes of attribution, also of those not written (--keep)",
    ({ node: { attribution }, explanation }) => Math.abs(attribution) / explanation.absoluteSum,
  ),
];

/**
 * Latents of some explanations by their share of all |attribution|, the largest first.
 *
 * @param of explanations that the share is a mean over
 */
export function latentShares(
  explanations: readonly {
    nodes: readonly Pick<Attribution, "latent" | "attribution">[];
    absoluteSum: number;
  }[],
  of: number,
): { latent: number; share: number; mutations: number }[] {
  const found = new Map<number, { latent: number; share: number; mutations: number }>();
  for (const { nodes, absoluteSum } of explanations) {
    const seen = new Set<number>();
    for (const { latent, attribution } of nodes) {
      const one = found.get(latent) ?? { latent, share: 0, mutations: 0 };
      one.share += Math.abs(attribution) / absoluteSum / of;
      if (!seen.has(latent)) one.mutations++;
      seen.add(latent);
      found.set(latent, one);
    }
  }
  return [...found.values()].sort((a, b) => b.share - a.share);
}

/** Scores at both ends of an explanation's path, and their difference. */
export function endColumns<Row>(explanationOf: (row: Row) => ExplanationRecord): Column<Row>[] {
  const { number } = columnsOf<Row>();
  return [
    number(
      "baseline_score",
      "--metric before the changes (where the path of --from begins)",
      (row) => explanationOf(row).baseline,
      SCORE,
    ),
    number(
      "input_score",
      "with all of them (where it ends)",
      (row) => explanationOf(row).input,
      SCORE,
    ),
    number(
      "total_effect",
      "input_score − baseline_score",
      (row) => explanationOf(row).input - explanationOf(row).baseline,
      SCORE,
    ),
  ];
}

/**
 * Concentration of an explanation.
 *
 * @param names of the columns, in the order of the table
 */
export function concentrationColumns<Row>(
  explanationOf: (row: Row) => ExplanationRecord,
  names: readonly string[],
): Column<Row>[] {
  const { number } = columnsOf<Row>();
  const all = (["attributions", "magnitudes"] as const).flatMap((of) => {
    const prefix = of === "magnitudes" ? "magnitude_" : "";
    const whose = of === "magnitudes"
      ? "the same of displacement, which does not ask the model: "
      : "of the sizes of attribution: ";
    return ([
      ["top_20_share", "share of the 20 largest nodes", "top20"],
      ["gini", "Gini coefficient over all latents at the tokens of --at", "gini"],
      ["gini_moving", "Gini coefficient over the latents that move", "giniMoving"],
    ] as const).map(([name, meaning, key]) =>
      number(prefix + name, whose + meaning, (row) => known(explanationOf(row)[of][key]))
    );
  });
  return names.map((name) => all.find((column) => column.name === name)!);
}

/** Layers of some results, ascending. */
export const layersOf = (results: readonly { layer: number }[]): number[] =>
  [...new Set(results.map(({ layer }) => layer))].sort((a, b) => a - b);

/** A figure of all results of a layer. */
export interface LayerFigure<R> {
  /** In run.json. */
  key: string;
  /** On the terminal, where it is shown. */
  header?: string;
  of(results: readonly R[]): number;
  /** How a terminal writes it; three digits after the point unless said. */
  show?(value: number): string;
}

/** A figure that is the mean over results of a value, where that is a number. */
export const meanOf = <R>(value: (result: R) => number) => (results: readonly R[]): number => {
  const kept = results.map(value).filter(Number.isFinite);
  return kept.length === 0 ? NaN : kept.reduce((a, b) => a + b) / kept.length;
};

/** A figure that counts the results of which something holds. */
export const countOf = <R>(holds: (result: R) => boolean) => ({
  of: (results: readonly R[]) => results.filter(holds).length,
  show: String,
});

/** Figures layer by layer, for run.json and as a text. */
export function summariseLayers<R extends { layer: number }>(
  results: readonly R[],
  figures: readonly LayerFigure<R>[],
): { summary: Record<string, number>[]; text: string } {
  const summary = layersOf(results).map((layer) => {
    const own = results.filter((result) => result.layer === layer);
    const values = figures.map(({ key, of }) => [key, of(own)] as const);
    return { layer, mutations: own.length, ...Object.fromEntries(values) } as Record<
      string,
      number
    >;
  });
  const shown = [
    { key: "layer", header: "layer", show: String },
    { key: "mutations", header: "mutations", show: String },
    ...figures,
  ].filter(({ header }) => header !== undefined);
  const text = formatTable(
    shown.map(({ header, show: format = three }) => ({ header: header!, format })),
    summary.map((row) => shown.map(({ key }) => row[key])),
  );
  return { summary, text };
}
