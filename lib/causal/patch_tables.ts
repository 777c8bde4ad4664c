/** Tables of patching. */
import { fixed, known, three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { spearman } from "../stats/correlation.ts";
import { sorted } from "../stats/sorted.ts";
import { PATCH_KINDS, type PatchKind, type PatchRow } from "./patch.ts";
import { placeName } from "./places.ts";
import type { Explained } from "./survey.ts";
import { DELTA, DISPLACEMENT, layersOf, PLACE, SCORE, withMeasured } from "./tables.ts";

/** Every patch of one variant at one layer. */
export interface PatchResult extends Explained {
  rows: PatchRow[];
}

/** One of them. */
export type Patch = PatchRow & Explained;

/** Patches of results, one after another. */
export function* patchesOf(results: readonly PatchResult[]): Generator<Patch> {
  for (const { rows, ...place } of results) for (const row of rows) yield { ...place, ...row };
}

const changeOf = ({ patched, baseline }: PatchRow) => patched - baseline;

const { text, integer, number } = columnsOf<Patch>();

export const PATCHES: TableOf<Patch> = withMeasured({
  name: "patches",
  rows: "one row per patch",
  columns: [
    ...PLACE,
    text(
      "control",
      "real: a latent that changes most; set, all: several at once; noop, random, displaced, stable: " +
        "see --controls",
      "kind",
    ),
    integer("latents", "how many are patched together", "latents"),
    text(
      "residue",
      "the token: number of a residue, <cls> or <eos>; empty of several",
      ({ token, protein }) => Number.isNaN(token) ? undefined : placeName(token, protein.target),
    ),
    integer("latent", "the latent there; empty of several", ({ latent }) => known(latent)),
    integer(
      "matched_latent",
      "the real latent that a control stands beside",
      ({ matches }) => known(matches),
    ),
    number("delta", DELTA, ({ delta }) => known(delta)),
    number(
      "wild_type_activation",
      "in the wild type, never masked (--run masked moves it by delta from the masked run's value)",
      ({ wildActivation }) => known(wildActivation),
    ),
    number(
      "mutant_activation",
      "in the mutant, never masked",
      ({ mutantActivation }) => known(mutantActivation),
    ),
    number(
      "patched_activation",
      "what it was given",
      ({ patchedActivation }) => known(patchedActivation),
    ),
    number("displacement", DISPLACEMENT, "displacement"),
    number("baseline_score", "--metric before the patch", "baseline", SCORE),
    number("patched_score", "with the patch", "patched", SCORE),
    number("change", "patched_score − baseline_score", changeOf, SCORE),
  ],
});

/** Patches of one kind at one layer, over all variants; sets by their size. */
export interface KindSummary {
  layer: number;
  kind: PatchKind;
  /** Latents patched together; NaN where it differs between variants (all). */
  latents: number;
  patches: number;
  meanAbsChange: number;
  maxAbsChange: number;
  meanAbsDelta: number;
  meanDisplacement: number;
  /** Of |delta| and |change|; NaN where one does not vary. */
  spearman: number;
}

export function summarisePatches(results: readonly PatchResult[]): KindSummary[] {
  return layersOf(results).flatMap((layer) => {
    const rows = results.filter((result) => result.layer === layer).flatMap(({ rows }) => rows);
    const groups = PATCH_KINDS.flatMap((kind: PatchKind) => {
      const own = rows.filter((row) => row.kind === kind);
      const sizes = kind === "all"
        ? [NaN]
        : [...new Set(own.map(({ latents }) => latents))].sort((a, b) => a - b);
      return sizes.map((latents) => ({
        kind,
        latents,
        own: kind === "all" ? own : own.filter((row) => row.latents === latents),
      }));
    });
    return groups.flatMap(({ kind, latents, own }) => {
      if (own.length === 0) return [];
      const mean = (value: (row: PatchRow) => number) =>
        own.reduce((sum, row) => sum + value(row), 0) / own.length;
      const change = (row: PatchRow) => Math.abs(changeOf(row));
      const delta = (row: PatchRow) => Math.abs(row.delta);
      return [{
        layer,
        kind,
        latents,
        patches: own.length,
        meanAbsChange: mean(change),
        maxAbsChange: Math.max(...own.map(change)),
        meanAbsDelta: mean(delta),
        meanDisplacement: mean((row) => row.displacement),
        spearman: Number.isNaN(mean(delta))
          ? NaN
          : spearman(sorted(own.map(delta)), sorted(own.map(change))),
      }];
    });
  });
}

const over = columnsOf<KindSummary>();

export const PATCH_SUMMARY: TableOf<KindSummary> = {
  name: "summary",
  rows: "over all mutations, one row per layer, control and size of set",
  columns: [
    over.integer("layer", "blocks that have run where the autoencoder reads", "layer"),
    over.text("control", "as in patches.csv", "kind"),
    over.integer(
      "latents",
      "how many are patched together; empty where it differs",
      ({ latents }) => known(latents),
    ),
    over.integer("patches", "their number", "patches"),
    over.number("mean_abs_change", "mean size of their change", "meanAbsChange", SCORE),
    over.number("max_abs_change", "the largest", "maxAbsChange", SCORE),
    over.number("mean_abs_delta", "mean size of delta", ({ meanAbsDelta }) => known(meanAbsDelta)),
    over.number(
      "mean_displacement",
      "how far they moved the residual stream",
      "meanDisplacement",
    ),
    over.number(
      "spearman_delta_change",
      "rank correlation of the sizes of delta and change",
      ({ spearman }) => known(spearman),
    ),
  ],
};

const four = (value: number) => fixed(value, 4);

export function patchSummaryText(summary: readonly KindSummary[]): string {
  const right = (header: string) => ({ header, align: "right" as const });
  return formatTable(
    [
      { header: "layer" },
      { header: "patched" },
      { header: "patches" },
      right("mean |change|"),
      right("largest"),
      right("mean |delta|"),
      right("rho |delta|, |change|"),
    ],
    summary.map((row) => [
      row.layer,
      row.kind === "set" ? `the ${row.latents} that change most, together` : KIND_LABELS[row.kind],
      row.patches,
      four(row.meanAbsChange),
      four(row.maxAbsChange),
      four(row.meanAbsDelta),
      four(row.spearman),
    ]),
  );
}

const KIND_LABELS: Record<Exclude<PatchKind, "set">, string> = {
  real: "most changed latents, one at a time",
  all: "all latents",
  noop: "control: no change",
  random: "control: random, similar change",
  displaced: "control: any latent, as far",
  stable: "control: least changed latents",
};

/** The strongest single patches of each layer. */
export function strongestText(results: readonly PatchResult[], most = 8): string {
  const rows = [...patchesOf(results)].filter(({ kind }) => kind === "real")
    .sort((a, b) => Math.abs(changeOf(b)) - Math.abs(changeOf(a))).slice(0, most);
  return formatTable(
    [
      ...["mutation", "layer", "residue", "latent"].map((header) => ({ header })),
      ...["wild type", "mutant", "score", "change"].map((header) => ({
        header,
        format: three,
      })),
    ],
    rows.map((row) => [
      row.variant.name,
      String(row.layer),
      placeName(row.token, row.protein.target),
      String(row.latent),
      row.wildActivation,
      row.mutantActivation,
      row.baseline,
      changeOf(row),
    ]),
  );
}
