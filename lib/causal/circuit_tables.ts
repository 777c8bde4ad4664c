/** Circuits as files and on the terminal. */
import { formatTable } from "../cli/table.ts";
import { formatCsv } from "../io/csv.ts";
import { median, sorted } from "../stats/sorted.ts";
import { DROP, isSteady, OVERSHOOT, shapeOf } from "./circuit.ts";
import type { CircuitRecord } from "./circuit_record.ts";
import { gapOf } from "./explain.ts";
import { fixed, known, three } from "../cli/figures.ts";
import { latentName } from "./ig_tables.ts";
import { positionsOf } from "./patch_tables.ts";
import { placeName } from "./places.ts";
import { countLatents, meanJaccard } from "./sharing.ts";
import type { CausalProtein, CausalVariant } from "./variants.ts";

/** One variant's circuit at one layer. */
export interface CircuitResult {
  protein: CausalProtein;
  variant: CausalVariant;
  /** Blocks that have run where the autoencoder reads. */
  layer: number;
  record: CircuitRecord;
}

/** Latents of a circuit, wherever they are; error terms are none. */
const latentsOf = ({ record: { explanation } }: CircuitResult): Set<number> =>
  new Set(explanation.nodes.map(({ latent }) => latent).filter((latent) => latent >= 0));

/** circuits.csv: one row per variant and layer. */
export function circuitsCsv(results: readonly CircuitResult[]): string {
  return formatCsv(
    [
      ...["protein", "mutation", "position", "layer", "baseline_score", "input_score"],
      ...["total_effect", "gap", "candidates", "circuit_nodes", "circuit_latents"],
      ...["faithfulness", "completeness", "reached", "highest_faithfulness", "largest_drop"],
      ...["magnitude_nodes", "magnitude_faithfulness", "random_faithfulness", "random_sd"],
      ...["random_highest", "top_20_share", "magnitude_top_20_share", "gini_moving"],
      ...["magnitude_gini_moving"],
      ...(results.some(({ protein }) => protein.hasMeasured) ? ["measured"] : []),
    ],
    results.map((result) => {
      const { protein, variant, layer, record } = result, { explanation, circuit } = record;
      const shape = shapeOf(circuit.curve);
      return {
        protein: protein.target.id,
        mutation: variant.name,
        position: positionsOf(protein, variant),
        layer,
        baseline_score: explanation.baseline,
        input_score: explanation.input,
        total_effect: explanation.input - explanation.baseline,
        gap: gapOf(explanation),
        candidates: record.candidates,
        circuit_nodes: circuit.size,
        circuit_latents: latentsOf(result).size,
        faithfulness: circuit.faithfulness,
        completeness: circuit.completeness,
        reached: circuit.reached,
        highest_faithfulness: shape.highest,
        largest_drop: shape.drop,
        magnitude_nodes: record.byMagnitude.size,
        magnitude_faithfulness: record.byMagnitude.faithfulness,
        random_faithfulness: known(record.random.mean),
        random_sd: known(record.random.sd),
        random_highest: known(record.random.most),
        top_20_share: known(explanation.attributions.top20),
        magnitude_top_20_share: known(explanation.magnitudes.top20),
        gini_moving: known(explanation.attributions.giniMoving),
        magnitude_gini_moving: known(explanation.magnitudes.giniMoving),
        measured: known(variant.measured),
      };
    }),
  );
}

/** circuit_nodes.csv: the nodes of every circuit in the order they joined. */
export function circuitNodesCsv(results: readonly CircuitResult[]): string {
  return formatCsv(
    [
      ...["protein", "mutation", "layer", "rank", "residue", "latent", "delta", "displacement"],
      ...["attribution", "share"],
    ],
    results.flatMap(({ protein, variant, layer, record: { explanation } }) =>
      explanation.nodes.map((node, i) => ({
        protein: protein.target.id,
        mutation: variant.name,
        layer,
        rank: i + 1,
        residue: placeName(node.token, protein.target),
        latent: latentName(node.latent),
        delta: node.delta,
        displacement: node.displacement,
        attribution: node.attribution,
        share: Math.abs(node.attribution) / explanation.absoluteSum,
      }))
    ),
  );
}

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

/** shared_latents.csv */
export function sharedCsv(rows: readonly SharedRow[]): string {
  return formatCsv(
    ["layer", "latent", "mutations", "proteins", "names"],
    rows.map(({ having, ...row }) => ({
      ...row,
      names: having.map(({ protein, mutation }) => `${protein}/${mutation}`).join(" "),
    })),
  );
}

/** Circuits of one layer together. */
export interface CircuitSummary {
  layer: number;
  mutations: number;
  medianNodes: number;
  medianMagnitudeNodes: number;
  meanFaithfulness: number;
  meanCompleteness: number;
  meanRandomFaithfulness: number;
  /** Mean standard deviation of one circuit's random sets. */
  meanRandomSd: number;
  /** Circuits that reach the share, and whose curves neither overshoot nor fall. */
  reached: number;
  steady: number;
  /** Mean Jaccard index of the latents of two mutations of one protein; NaN without a pair. */
  jaccardWithin: number;
  /** The same of all latents of two proteins' circuits. */
  jaccardBetween: number;
}

export function summariseCircuits(results: readonly CircuitResult[]): CircuitSummary[] {
  return layersOf(results).map((layer) => {
    const own = results.filter((result) => result.layer === layer);
    const proteins = [...new Set(own.map(({ protein }) => protein))]
      .map((protein) => own.filter((result) => result.protein === protein).map(latentsOf));
    const mean = (values: readonly number[]) => {
      const kept = values.filter(Number.isFinite);
      return kept.length === 0 ? NaN : kept.reduce((a, b) => a + b) / kept.length;
    };
    return {
      layer,
      mutations: own.length,
      medianNodes: median(sorted(own.map(({ record }) => record.circuit.size))),
      medianMagnitudeNodes: median(sorted(own.map(({ record }) => record.byMagnitude.size))),
      meanFaithfulness: mean(own.map(({ record }) => record.circuit.faithfulness)),
      meanCompleteness: mean(own.map(({ record }) => record.circuit.completeness)),
      meanRandomFaithfulness: mean(own.map(({ record }) => record.random.mean)),
      meanRandomSd: mean(own.map(({ record }) => record.random.sd)),
      reached: own.filter(({ record }) => record.circuit.reached).length,
      steady: own.filter(({ record }) => isSteady(shapeOf(record.circuit.curve))).length,
      jaccardWithin: mean(proteins.map(meanJaccard)),
      jaccardBetween: meanJaccard(
        proteins.map((sets) => new Set(sets.flatMap((set) => [...set]))),
      ),
    };
  });
}

export function circuitSummaryText(summary: readonly CircuitSummary[]): string {
  return formatTable(
    [
      { header: "layer" },
      { header: "mutations" },
      { header: "reached" },
      { header: "median nodes" },
      { header: "by magnitude" },
      ...["faithfulness", "of the rest", "of random ones", "± sd", "Jaccard of latents"].map((
        header,
      ) => ({
        header,
        align: "right" as const,
      })),
    ],
    summary.map((row) => [
      row.layer,
      row.mutations,
      row.reached,
      row.medianNodes,
      row.medianMagnitudeNodes,
      three(row.meanFaithfulness),
      three(row.meanCompleteness),
      three(row.meanRandomFaithfulness),
      three(row.meanRandomSd),
      three(row.jaccardWithin),
    ]),
  );
}

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

const layersOf = (results: readonly CircuitResult[]) =>
  [...new Set(results.map(({ layer }) => layer))].sort((a, b) => a - b);
