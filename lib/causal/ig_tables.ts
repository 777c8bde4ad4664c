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
  countOf,
  endColumns,
  latentName,
  latentShares,
  type LayerFigure,
  layersOf,
  meanOf,
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

/** What is said of each layer. */
export const IG_FIGURES: readonly LayerFigure<IgResult>[] = [
  {
    key: "meanAbsEffect",
    header: "mean |effect|",
    of: meanOf(({ record: { input, baseline } }) => Math.abs(input - baseline)),
  },
  {
    key: "medianRelativeGap",
    header: "median gap",
    of: (results) => {
      const gaps = results.map(({ record }) => relativeGap(record));
      return median(sorted(gaps.filter((gap) => !Number.isNaN(gap))));
    },
    show: (value) => `${fixed(100 * value, 1)} %`,
  },
  /** Those that do not add up to their effect. */
  { key: "short", header: "short", ...countOf(({ record }) => !addsUp(record)) },
  ...(["top20", "giniMoving"] as const).flatMap((of) => [
    {
      key: of,
      header: of === "top20" ? "top-20 share" : "Gini",
      of: meanOf<IgResult>(({ record }) => record.attributions[of]),
    },
    {
      key: `magnitude${of[0].toUpperCase()}${of.slice(1)}`,
      header: "by magnitude",
      of: meanOf<IgResult>(({ record }) => record.magnitudes[of]),
    },
  ]),
];

/** Latents with the largest summed |attribution| of each layer. */
export function strongestLatentsText(results: readonly IgResult[], most = 8): string {
  const found = layersOf(results).flatMap((layer) => {
    const own = results.filter((result) => result.layer === layer).map(({ record }) => record);
    return latentShares(own, results.length).map((row) => ({ layer, ...row }));
  });
  return formatTable(
    [
      { header: "layer" },
      { header: "latent", align: "right" },
      { header: "mean share", format: three },
      { header: "mutations" },
    ],
    found.sort((a, b) => b.share - a.share).slice(0, most).map((row) => [
      row.layer,
      String(latentName(row.latent)),
      row.share,
      row.mutations,
    ]),
  );
}
