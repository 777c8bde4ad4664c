/** Tables of integrated gradients. */
import { fixed, three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { NpzWriter } from "../io/npz.ts";
import { median, sorted } from "../stats/sorted.ts";
import { addsUp, gapOf, relativeGap } from "./explain.ts";
import type { ExplanationRecord } from "./explain_record.ts";
import type { Explained } from "./survey.ts";
import {
  concentrationColumns,
  endColumns,
  latentName,
  layersOf,
  NODE,
  type NodeRow,
  PLACE,
  SCORE,
  withMeasured,
} from "./tables.ts";

/** One variant explained at one layer. */
export interface IgResult extends Explained {
  record: ExplanationRecord;
}

export const ATTRIBUTIONS: TableOf<NodeRow> = {
  name: "attributions",
  rows: "one row per node: a latent, or the error term, at a token",
  columns: [...PLACE, ...NODE],
};

const recordOf = ({ record }: IgResult) => record;
const { integer, number, flag } = columnsOf<IgResult>();

export const IG_MUTATIONS: TableOf<IgResult> = withMeasured({
  name: "mutations",
  rows: "one row per mutation and layer",
  columns: [
    ...PLACE,
    ...endColumns(recordOf),
    number("attribution_sum", "sum over nodes", ({ record }) => record.sum, SCORE),
    number("gap", "attribution_sum − total_effect", ({ record }) => gapOf(record), SCORE),
    number(
      "relative_gap",
      "size of gap ÷ that of total_effect",
      ({ record }) => relativeGap(record),
    ),
    integer("steps", "points of the rule", ({ record }) => record.steps),
    flag("adds_up", "whether the gap is below 5 %", ({ record }) => addsUp(record)),
    integer("moving_latents", "latents at tokens that move", ({ record }) => record.moving),
    number(
      "error_attribution",
      "what the error terms contribute",
      ({ record }) => record.errorSum,
      SCORE,
    ),
    ...concentrationColumns(recordOf, [
      ...["top_20_share", "gini", "gini_moving"],
      ...["magnitude_top_20_share", "magnitude_gini", "magnitude_gini_moving"],
    ]),
  ],
});

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
  return layersOf(results).map((layer) => {
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
