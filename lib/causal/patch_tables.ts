/** Results of patching as files and on the terminal. */
import { formatTable } from "../cli/table.ts";
import { formatCsv } from "../io/csv.ts";
import { spearman } from "../stats/correlation.ts";
import { sorted } from "../stats/sorted.ts";
import { residueOf } from "../variants/resolve.ts";
import { fixed, known, three } from "../cli/figures.ts";
import { PATCH_KINDS, type PatchKind, type PatchRow } from "./patch.ts";
import { placeName } from "./places.ts";
import type { CausalProtein, CausalVariant } from "./variants.ts";

/** Every patch of one variant at one layer. */
export interface PatchResult {
  protein: CausalProtein;
  variant: CausalVariant;
  /** Blocks that have run where the autoencoder reads. */
  layer: number;
  rows: PatchRow[];
}

const FIELDS = [
  ...["latents", "token", "latent", "matches", "delta", "wildActivation", "mutantActivation"],
  ...["patchedActivation", "displacement", "baseline", "patched"],
] as const as readonly Exclude<keyof PatchRow, "kind">[];

/** Rows as numbers, for the progress file. */
export function packRows(rows: readonly PatchRow[]): Float64Array {
  return Float64Array.from(
    rows.flatMap((row) => [PATCH_KINDS.indexOf(row.kind), ...FIELDS.map((field) => row[field])]),
  );
}

export function unpackRows(values: Float64Array): PatchRow[] {
  const width = FIELDS.length + 1;
  return Array.from({ length: values.length / width }, (_, r) => ({
    kind: PATCH_KINDS[values[r * width]],
    ...Object.fromEntries(FIELDS.map((field, f) => [field, values[r * width + f + 1]])),
  } as PatchRow));
}

/** Residue numbers that a variant changes. */
export const positionsOf = ({ target }: CausalProtein, { substitutions }: CausalVariant) =>
  substitutions.map(({ position }) => residueOf(position, target)).join(":");

/** patches.csv: one row per patch. */
export function patchesCsv(results: readonly PatchResult[]): string {
  const columns = [
    ...["protein", "mutation", "position", "layer", "control", "latents", "residue", "latent"],
    ...["matched_latent", "delta", "wild_type_activation", "mutant_activation"],
    ...["patched_activation", "displacement", "baseline_score", "patched_score", "change"],
    ...(results.some(({ protein }) => protein.hasMeasured) ? ["measured"] : []),
  ];
  return formatCsv(
    columns,
    results.flatMap(({ protein, variant, layer, rows }) =>
      rows.map((row) => ({
        protein: protein.target.id,
        mutation: variant.name,
        position: positionsOf(protein, variant),
        layer,
        control: row.kind,
        latents: row.latents,
        residue: Number.isNaN(row.token) ? undefined : placeName(row.token, protein.target),
        latent: known(row.latent),
        matched_latent: known(row.matches),
        delta: known(row.delta),
        wild_type_activation: known(row.wildActivation),
        mutant_activation: known(row.mutantActivation),
        patched_activation: known(row.patchedActivation),
        displacement: row.displacement,
        baseline_score: row.baseline,
        patched_score: row.patched,
        change: row.patched - row.baseline,
        measured: known(variant.measured),
      }))
    ),
  );
}

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
  const layers = [...new Set(results.map(({ layer }) => layer))].sort((a, b) => a - b);
  return layers.flatMap((layer) => {
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
      const change = (row: PatchRow) => Math.abs(row.patched - row.baseline);
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

/** summary.csv */
export function patchSummaryCsv(summary: readonly KindSummary[]): string {
  return formatCsv(
    [
      ...["layer", "control", "latents", "patches", "mean_abs_change", "max_abs_change"],
      ...["mean_abs_delta", "mean_displacement", "spearman_delta_change"],
    ],
    summary.map((row) => ({
      layer: row.layer,
      control: row.kind,
      latents: known(row.latents),
      patches: row.patches,
      mean_abs_change: row.meanAbsChange,
      max_abs_change: row.maxAbsChange,
      mean_abs_delta: known(row.meanAbsDelta),
      mean_displacement: row.meanDisplacement,
      spearman_delta_change: known(row.spearman),
    })),
  );
}

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
  const rows = results.flatMap((result) =>
    result.rows.filter(({ kind }) => kind === "real").map((row) => ({ ...result, row }))
  ).sort((a, b) => changeOf(b.row) - changeOf(a.row)).slice(0, most);
  return formatTable(
    [
      ...["mutation", "layer", "residue", "latent"].map((header) => ({ header })),
      ...["wild type", "mutant", "score", "change"].map((header) => ({
        header,
        format: three,
      })),
    ],
    rows.map(({ protein, variant, layer, row }) => [
      variant.name,
      String(layer),
      placeName(row.token, protein.target),
      String(row.latent),
      row.wildActivation,
      row.mutantActivation,
      row.baseline,
      row.patched - row.baseline,
    ]),
  );
}

const changeOf = (row: PatchRow) => Math.abs(row.patched - row.baseline);
