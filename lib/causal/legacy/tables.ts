/** Results of patching in the published tool's columns. */
import { known } from "../../cli/figures.ts";
import { type Column, columnsOf, type TableOf } from "../../io/columns.ts";
import { fileName } from "../../io/output.ts";
import { residueOf } from "../../variants/resolve.ts";
import type { PatchResult } from "../patch_tables.ts";
import type { Explained } from "../survey.ts";
import { LEGACY_CONTROLS } from "./mode.ts";
import type { LegacyPatchRow } from "./patch.ts";

/** Columns and order of rows. `shipped`: of the result files in the repository; `current`: of its code. */
export const LEGACY_COLUMNS = ["shipped", "current"] as const;
export type LegacyColumns = typeof LEGACY_COLUMNS[number];

/** Every patch of one mutation at one layer. */
export interface LegacyPatchResult extends Explained {
  /** The input's, or the whole model's masked marginal. */
  esmScore: number;
  rows: LegacyPatchRow[];
}

/** One of them. */
export type LegacyPatch = Omit<LegacyPatchResult, "rows"> & { row: LegacyPatchRow };

const changeOf = ({ row: { patched, baseline } }: LegacyPatch) => patched - baseline;
const { text, integer, number } = columnsOf<LegacyPatch>();

const COLUMNS = (seed: number): readonly Column<LegacyPatch>[] => [
  text("protein", "its UniProt entry", ({ protein }) => legacyProtein(protein.target.id)),
  text("mutation", "as people write it", ({ variant }) => variant.name),
  integer(
    "position",
    "its residue as the input numbers it",
    ({ variant, protein }) => residueOf(variant.substitutions[0].position, protein.target),
  ),
  integer("layer", "blocks that have run where the autoencoder reads", "layer"),
  integer("feature_idx", "latent", ({ row }) => row.latent),
  text(
    "control_type",
    "real: latents that change most; noop: no change; random: those that change least",
    ({ row }) => row.control,
  ),
  number("dms_score", "the assay's value", ({ variant }) => known(variant.measured)),
  number("esm_score", "the input's, or the whole model's masked marginal", "esmScore"),
  number("wt_marginal_score", "log p(mutant) − log p(wild type) before", ({ row }) => row.baseline),
  number("baseline_score", "the same", ({ row }) => row.baseline),
  number("patched_score", "with the patch", ({ row }) => row.patched),
  number("score_change", "patched_score − baseline", changeOf),
  number("abs_score_change", "its size", (one) => Math.abs(changeOf(one))),
  number("feature_delta", "mutant's pre-activation − wild type's", ({ row }) => row.delta),
  number("abs_feature_delta", "its size", ({ row }) => Math.abs(row.delta)),
  number("wt_activation", "the wild type's pre-activation", ({ row }) => row.wild),
  number("wt_pre_act", "the same", ({ row }) => row.wild),
  number("mut_activation", "the mutant's pre-activation", ({ row }) => row.mutant),
  number("mut_pre_act", "the same", ({ row }) => row.mutant),
  number("patch_value", "the pre-activation that is patched in", ({ row }) => row.value),
  integer("seed", "of the choice of mutations", () => seed),
];

/** In the tool's order. */
const NAMES: Record<LegacyColumns, string[]> = {
  shipped: [
    ...["protein", "mutation", "position", "layer", "feature_idx", "control_type", "dms_score"],
    ...["esm_score", "wt_marginal_score", "patched_score", "score_change", "feature_delta"],
    ...["wt_activation", "mut_activation", "patch_value", "seed"],
  ],
  current: [
    ...["protein", "layer", "mutation", "position", "feature_idx", "control_type", "wt_pre_act"],
    ...["mut_pre_act", "feature_delta", "patch_value", "baseline_score", "patched_score"],
    ...["score_change", "abs_score_change", "abs_feature_delta", "dms_score", "esm_score"],
  ],
};

/** The patches of one protein at one layer, under the tool's name for them. */
export function legacyTable(
  name: string,
  columns: LegacyColumns,
  seed: number,
): TableOf<LegacyPatch> {
  const all = COLUMNS(seed);
  return {
    name,
    rows: "one row per patch",
    when: `with --legacy, --legacy-columns ${columns}`,
    columns: NAMES[columns].map((wanted) => all.find((column) => column.name === wanted)!),
  };
}

/** Its rows. @param results by mutation */
export function legacyRows(
  results: readonly LegacyPatchResult[],
  columns: LegacyColumns,
): LegacyPatch[] {
  const all = results.flatMap(({ rows, ...result }) => rows.map((row) => ({ ...result, row })));
  return columns === "current"
    ? all
    : LEGACY_CONTROLS.flatMap((control) => all.filter(({ row }) => row.control === control));
}

/** The tool names proteins by their UniProt entry, with which ProteinGym's file names begin. */
export function legacyProtein(id: string): string {
  return /^([A-Z0-9]{1,10}_[A-Z0-9]{3,5})(?:_|$)/.exec(id)?.[1] ?? id;
}

/**
 * What the tool calls the files of each protein: its entry, or where two have one entry the whole id.
 *
 * @param ids ids of all proteins of the run
 */
export function legacyNames(ids: readonly string[]): Map<string, string> {
  const entries = ids.map(legacyProtein);
  return new Map(ids.map((id, i) => {
    const isOwn = entries.filter((entry) => entry === entries[i]).length === 1;
    return [id, fileName(isOwn ? entries[i] : id)];
  }));
}

/** The table of a protein and layer, as the tool's analysis looks for it. */
export const legacyPatchName = (protein: string, layer: number, seed: number): string =>
  `${protein}_layer${layer}_seed${seed}_patching1`;

/** The same as this project's own patches, for the report; what the tool calls random are the least changed. */
export function legacyPatchView(
  { protein, variant, layer, rows }: LegacyPatchResult,
): PatchResult {
  const [{ position: token }] = variant.substitutions;
  return {
    ...{ protein, variant, layer },
    rows: rows.map(({ control, latent, delta, wild, mutant, value, baseline, patched }) => ({
      kind: control === "random" ? "stable" : control,
      latents: 1,
      ...{ token, latent, delta, baseline, patched },
      matches: NaN,
      wildActivation: wild,
      mutantActivation: mutant,
      patchedActivation: value,
      displacement: NaN,
    })),
  };
}

/** What `--help columns` shows of these tables. */
export const LEGACY_TABLES = LEGACY_COLUMNS.map((columns) =>
  legacyTable("PROTEIN_layerN_seedN_patching1", columns, NaN)
);
