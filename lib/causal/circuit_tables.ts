/** Tables of circuits. */
import { fixed, known } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { median, sorted } from "../stats/sorted.ts";
import { DROP, isSteady, OVERSHOOT, shapeOf } from "./circuit.ts";
import type { CircuitRecord } from "./circuit_record.ts";
import { gapOf } from "./explain.ts";
import { countLatents, meanJaccard } from "./sharing.ts";
import type { Explained } from "./survey.ts";
import {
  concentrationColumns,
  countOf,
  endColumns,
  type LayerFigure,
  layersOf,
  meanOf,
  NODE,
  type NodeRow,
  PLACE,
  SCORE,
  withMeasured,
} from "./tables.ts";

/** One variant's circuit at one layer. */
export interface CircuitResult extends Explained {
  record: CircuitRecord;
}

/** Latents of a circuit, wherever they are; error terms are none. */
const latentsOf = ({ record: { explanation } }: CircuitResult): Set<number> =>
  new Set(explanation.nodes.map(({ latent }) => latent).filter((latent) => latent >= 0));

const explanationOf = ({ record }: CircuitResult) => record.explanation;
const { integer, number, flag } = columnsOf<CircuitResult>();

export const CIRCUITS: TableOf<CircuitResult> = withMeasured({
  name: "circuits",
  rows: "one row per mutation and layer",
  columns: [
    ...PLACE,
    ...endColumns(explanationOf),
    number("gap", "sum over nodes − total_effect", (row) => gapOf(explanationOf(row)), SCORE),
    integer("candidates", "nodes that may join", ({ record }) => record.candidates),
    integer("circuit_nodes", "nodes that joined", ({ record: { circuit } }) => circuit.size),
    integer("circuit_latents", "different latents among them", (row) => latentsOf(row).size),
    number(
      "faithfulness",
      "share of the effect with the circuit alone",
      ({ record: { circuit } }) => circuit.faithfulness,
    ),
    number(
      "completeness",
      "share of the effect with all others and without it",
      ({ record: { circuit } }) => circuit.completeness,
    ),
    flag(
      "reached",
      "whether --share was reached before all nodes were in, and held at the next sizes, without " +
        "more than 1.2",
      ({ record: { circuit } }) => circuit.reached,
    ),
    number(
      "highest_faithfulness",
      "of any size measured; above 1.2 the size says little",
      ({ record: { circuit } }) => shapeOf(circuit.curve).highest,
    ),
    number(
      "largest_drop",
      "the most that it falls as nodes join; above 0.1 the size says little",
      ({ record: { circuit } }) => shapeOf(circuit.curve).drop,
    ),
    integer(
      "magnitude_nodes",
      "the same search along displacement",
      ({ record }) => record.byMagnitude.size,
    ),
    number(
      "magnitude_faithfulness",
      "share of the effect with these",
      ({ record }) => record.byMagnitude.faithfulness,
    ),
    number(
      "random_faithfulness",
      "mean of as many nodes at the same tokens, drawn --draws times",
      ({ record: { random } }) => known(random.mean),
    ),
    number(
      "random_sd",
      "standard deviation over these",
      ({ record: { random } }) => known(random.sd),
    ),
    number(
      "random_highest",
      "the highest of these",
      ({ record: { random } }) => known(random.most),
    ),
    ...concentrationColumns(explanationOf, [
      ...["top_20_share", "magnitude_top_20_share", "gini_moving", "magnitude_gini_moving"],
    ]),
  ],
});

/** The nodes of every circuit. */
export const CIRCUIT_NODES: TableOf<NodeRow> = {
  name: "circuit_nodes",
  rows: "one row per node of a circuit",
  columns: [
    ...PLACE.filter(({ name }) => name !== "position"),
    columnsOf<NodeRow>().integer(
      "rank",
      "order in which nodes join the circuit",
      ({ index }) => index + 1,
    ),
    ...NODE,
  ],
};

/** A latent and the circuits that it is in. */
export interface SharedRow {
  layer: number;
  latent: number;
  mutations: number;
  proteins: number;
  /** Whose circuits have it. */
  having: { protein: string; mutation: string }[];
}

/** Latents by the number of circuits that have them, per layer. */
export function sharedLatents(results: readonly CircuitResult[]): SharedRow[] {
  return layersOf(results).flatMap((layer) => {
    const own = results.filter((result) => result.layer === layer);
    return countLatents(own.map(latentsOf)).map(({ latent, sets }) => {
      const having = own.filter((result) => latentsOf(result).has(latent));
      return {
        layer,
        latent,
        mutations: sets,
        proteins: new Set(having.map(({ protein }) => protein)).size,
        having: having.map(({ protein, variant }) => ({
          protein: protein.target.id,
          mutation: variant.name,
        })),
      };
    });
  });
}

const share = columnsOf<SharedRow>();

export const SHARED_LATENTS: TableOf<SharedRow> = {
  name: "shared_latents",
  rows: "one row per layer and latent",
  columns: [
    share.integer("layer", "blocks that have run where the autoencoder reads", "layer"),
    share.integer("latent", "numbered from 0", "latent"),
    share.integer("mutations", "how many circuits have it", "mutations"),
    share.integer("proteins", "of how many proteins", "proteins"),
    share.text(
      "names",
      "which: protein/mutation",
      ({ having }) => having.map(({ protein, mutation }) => `${protein}/${mutation}`).join(" "),
    ),
  ],
};

const nodes = (of: (record: CircuitRecord) => { size: number }) => ({
  of: (results: readonly CircuitResult[]) =>
    median(sorted(results.map(({ record }) => of(record).size))),
  show: String,
});

/** The latents of each mutation's circuit, protein by protein. */
const setsOf = (results: readonly CircuitResult[]) =>
  [...Map.groupBy(results, ({ protein }) => protein).values()].map((own) => own.map(latentsOf));

/** What is said of each layer. */
export const CIRCUIT_FIGURES: readonly LayerFigure<CircuitResult>[] = [
  { key: "reached", header: "reached", ...countOf(({ record }) => record.circuit.reached) },
  /** Those whose curves neither overshoot nor fall. */
  { key: "steady", ...countOf(({ record }) => isSteady(shapeOf(record.circuit.curve))) },
  { key: "medianNodes", header: "median nodes", ...nodes(({ circuit }) => circuit) },
  {
    key: "medianMagnitudeNodes",
    header: "by magnitude",
    ...nodes(({ byMagnitude }) => byMagnitude),
  },
  {
    key: "meanFaithfulness",
    header: "faithfulness",
    of: meanOf(({ record }) => record.circuit.faithfulness),
  },
  {
    key: "meanCompleteness",
    header: "of the rest",
    of: meanOf(({ record }) => record.circuit.completeness),
  },
  {
    key: "meanRandomFaithfulness",
    header: "of random ones",
    of: meanOf(({ record }) => record.random.mean),
  },
  /** Mean standard deviation of one circuit's random sets. */
  { key: "meanRandomSd", header: "± sd", of: meanOf(({ record }) => record.random.sd) },
  /** Mean Jaccard index of the latents of two mutations of one protein; NaN without a pair. */
  {
    key: "jaccardWithin",
    header: "Jaccard of latents",
    of: (results) => meanOf(meanJaccard)(setsOf(results)),
  },
  /** The same of all latents of two proteins' circuits. */
  {
    key: "jaccardBetween",
    of: (results) =>
      meanJaccard(setsOf(results).map((sets) => new Set(sets.flatMap((set) => [...set])))),
  },
];

export function sharedText(rows: readonly SharedRow[], most = 8): string {
  const several =
    new Set(rows.flatMap(({ having }) => having.map(({ protein }) => protein))).size > 1;
  return formatTable(
    ["layer", "latent", "mutations", "such as"].map((header) => ({ header })),
    [...rows].sort((a, b) => b.mutations - a.mutations).slice(0, most).map((row) => {
      const names = row.having.slice(0, 6)
        .map(({ protein, mutation }) => several ? `${protein}/${mutation}` : mutation);
      const more = row.having.length > names.length ? " …" : "";
      return [String(row.layer), String(row.latent), row.mutations, names.join(" ") + more];
    }),
  );
}

/** A warning of circuits whose size says little; none where there is none. */
export function curveNotes(results: readonly CircuitResult[]): string[] {
  const shapes = results.map(({ record }) => shapeOf(record.circuit.curve));
  const unsteady = shapes.filter((shape) => !isSteady(shape));
  if (unsteady.length === 0) return [];
  const most = Math.max(...unsteady.map(({ highest }) => highest));
  const drop = Math.max(...unsteady.map(({ drop }) => drop));
  return [
    `The curves of ${unsteady.length} of ${results.length} circuits are not steady: as nodes join, the share ` +
    `of the effect goes above ${1 + OVERSHOOT} (at most ${fixed(most, 2)}) or falls by more than ` +
    `${DROP} (at most ${fixed(drop, 2)}); the size of such a circuit says little.`,
  ];
}
