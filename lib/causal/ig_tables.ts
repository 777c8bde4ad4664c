/** Results of integrated gradients as files and on the terminal. */
import { formatTable } from "../cli/table.ts";
import { formatCsv } from "../io/csv.ts";
import { NpzWriter } from "../io/npz.ts";
import { median, sorted } from "../stats/sorted.ts";
import { addsUp, gapOf, relativeGap } from "./explain.ts";
import type { ExplanationRecord } from "./explain_record.ts";
import { fixed, known, three } from "../cli/figures.ts";
import { positionsOf } from "./patch_tables.ts";
import { placeName } from "./places.ts";
import type { CausalProtein, CausalVariant } from "./variants.ts";

/** One variant explained at one layer. */
export interface IgResult {
  protein: CausalProtein;
  variant: CausalVariant;
  /** Blocks that have run where the autoencoder reads. */
  layer: number;
  record: ExplanationRecord;
}

export const latentName = (latent: number): string | number => latent < 0 ? "error" : latent;

const hasMeasured = (results: readonly IgResult[]) =>
  results.some(({ protein }) => protein.hasMeasured);

/** attributions.csv: one row per node kept. `share` is of the sum of all |attribution|. */
export function attributionsCsv(results: readonly IgResult[]): string {
  return formatCsv(
    [
      ...["protein", "mutation", "position", "layer", "residue", "latent", "delta"],
      ...["displacement", "attribution", "share"],
    ],
    results.flatMap(({ protein, variant, layer, record }) =>
      record.nodes.map((node) => ({
        protein: protein.target.id,
        mutation: variant.name,
        position: positionsOf(protein, variant),
        layer,
        residue: placeName(node.token, protein.target),
        latent: latentName(node.latent),
        delta: node.delta,
        displacement: node.displacement,
        attribution: node.attribution,
        share: Math.abs(node.attribution) / record.absoluteSum,
      }))
    ),
  );
}

/** mutations.csv: one row per variant and layer. */
export function igMutationsCsv(results: readonly IgResult[]): string {
  return formatCsv(
    [
      ...["protein", "mutation", "position", "layer", "baseline_score", "input_score"],
      ...["total_effect", "attribution_sum", "gap", "relative_gap", "steps", "adds_up"],
      ...["moving_latents", "error_attribution", "top_20_share", "gini", "gini_moving"],
      ...["magnitude_top_20_share", "magnitude_gini", "magnitude_gini_moving"],
      ...(hasMeasured(results) ? ["measured"] : []),
    ],
    results.map(({ protein, variant, layer, record }) => ({
      protein: protein.target.id,
      mutation: variant.name,
      position: positionsOf(protein, variant),
      layer,
      baseline_score: record.baseline,
      input_score: record.input,
      total_effect: record.input - record.baseline,
      attribution_sum: record.sum,
      gap: gapOf(record),
      relative_gap: relativeGap(record),
      steps: record.steps,
      adds_up: addsUp(record),
      moving_latents: record.moving,
      error_attribution: record.errorSum,
      top_20_share: known(record.attributions.top20),
      gini: known(record.attributions.gini),
      gini_moving: known(record.attributions.giniMoving),
      magnitude_top_20_share: known(record.magnitudes.top20),
      magnitude_gini: known(record.magnitudes.gini),
      magnitude_gini_moving: known(record.magnitudes.giniMoving),
      measured: known(variant.measured),
    })),
  );
}

/**
 * attributions.npz: the nodes of all variants one after another; those of variant v (a row of
 * mutations.csv) are offsets[v] to offsets[v + 1]. Latent −1 is the error term, token 0 `<cls>`.
 */
export async function writeAttributionsNpz(
  path: string,
  results: readonly IgResult[],
): Promise<void> {
  const nodes = results.flatMap(({ record }) => record.nodes);
  const offsets = new Int32Array(results.length + 1);
  results.forEach(({ record }, v) => offsets[v + 1] = offsets[v] + record.nodes.length);
  const shape = [nodes.length];
  await using npz = await NpzWriter.create(path);
  await npz.add("offsets", { shape: [offsets.length], data: offsets });
  await npz.add("token", { shape, data: Int32Array.from(nodes, ({ token }) => token) });
  await npz.add("latent", { shape, data: Int32Array.from(nodes, ({ latent }) => latent) });
  await npz.add("delta", { shape, data: Float64Array.from(nodes, ({ delta }) => delta) });
  await npz.add("attribution", {
    shape,
    data: Float64Array.from(nodes, ({ attribution }) => attribution),
  });
  await npz.close();
}

/** Means over variants of one layer. */
export interface IgSummary {
  layer: number;
  mutations: number;
  meanAbsEffect: number;
  /** How many do not add up to their effect. */
  short: number;
  medianRelativeGap: number;
  top20: number;
  magnitudeTop20: number;
  giniMoving: number;
  magnitudeGiniMoving: number;
}

export function summariseIg(results: readonly IgResult[]): IgSummary[] {
  const layers = [...new Set(results.map(({ layer }) => layer))].sort((a, b) => a - b);
  return layers.map((layer) => {
    const records = results.filter((one) => one.layer === layer).map(({ record }) => record);
    const mean = (value: (record: ExplanationRecord) => number) => {
      const values = records.map(value).filter((each) => !Number.isNaN(each));
      return values.reduce((a, b) => a + b, 0) / values.length;
    };
    const gaps = records.map(relativeGap).filter((gap) => !Number.isNaN(gap));
    return {
      layer,
      mutations: records.length,
      meanAbsEffect: mean(({ input, baseline }) => Math.abs(input - baseline)),
      short: records.filter((record) => !addsUp(record)).length,
      medianRelativeGap: median(sorted(gaps)),
      top20: mean(({ attributions }) => attributions.top20),
      magnitudeTop20: mean(({ magnitudes }) => magnitudes.top20),
      giniMoving: mean(({ attributions }) => attributions.giniMoving),
      magnitudeGiniMoving: mean(({ magnitudes }) => magnitudes.giniMoving),
    };
  });
}

export function igSummaryText(summary: readonly IgSummary[]): string {
  const right = (header: string, format = three) => ({ header, format });
  return formatTable(
    [
      { header: "layer" },
      { header: "mutations" },
      right("mean |effect|"),
      right("median gap", (value) => `${fixed(100 * value, 1)} %`),
      { header: "short" },
      right("top-20 share"),
      right("by magnitude"),
      right("Gini"),
      right("by magnitude"),
    ],
    summary.map((row) => [
      row.layer,
      row.mutations,
      row.meanAbsEffect,
      row.medianRelativeGap,
      row.short,
      row.top20,
      row.magnitudeTop20,
      row.giniMoving,
      row.magnitudeGiniMoving,
    ]),
  );
}

/** Latents with the largest summed |attribution| of each layer. */
export function strongestLatentsText(results: readonly IgResult[], most = 8): string {
  const found = new Map<string, { layer: number; latent: number; sum: number; variants: number }>();
  for (const { layer, record } of results) {
    const counted = new Set<number>();
    for (const { latent, attribution } of record.nodes) {
      const key = `${layer}:${latent}`;
      const one = found.get(key) ?? { layer, latent, sum: 0, variants: 0 };
      one.sum += Math.abs(attribution) / record.absoluteSum / results.length;
      if (!counted.has(latent)) one.variants++;
      counted.add(latent);
      found.set(key, one);
    }
  }
  return formatTable(
    [
      { header: "layer" },
      { header: "latent", align: "right" },
      { header: "mean share", format: three },
      { header: "mutations" },
    ],
    [...found.values()].sort((a, b) => b.sum - a.sum).slice(0, most).map((row) => [
      row.layer,
      String(latentName(row.latent)),
      row.sum,
      row.variants,
    ]),
  );
}
