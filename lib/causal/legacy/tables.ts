/** Results of patching in the published tool's columns. */
import { type Cell, formatCsv } from "../../io/csv.ts";
import { fileName } from "../../io/output.ts";
import { residueOf } from "../../variants/resolve.ts";
import type { PatchResult } from "../patch_tables.ts";
import type { CausalProtein, CausalVariant } from "../variants.ts";
import { LEGACY_CONTROLS } from "./mode.ts";
import type { LegacyPatchRow } from "./patch.ts";

/** Columns and order of rows. `shipped`: of the result files in the repository; `current`: of its code. */
export const LEGACY_COLUMNS = ["shipped", "current"] as const;
export type LegacyColumns = typeof LEGACY_COLUMNS[number];

/** Every patch of one mutation at one layer. */
export interface LegacyPatchResult {
  protein: CausalProtein;
  variant: CausalVariant;
  layer: number;
  /** The input's, or the whole model's masked marginal. */
  esmScore: number;
  rows: LegacyPatchRow[];
}

const COLUMNS: Record<LegacyColumns, string[]> = {
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

/** The file of a protein and layer, as the tool's analysis looks for it. */
export const legacyPatchName = (protein: string, layer: number, seed: number): string =>
  `${protein}_layer${layer}_seed${seed}_patching1.csv`;

/** The patches of one protein at one layer. @param results by mutation */
export function legacyCsv(
  results: readonly LegacyPatchResult[],
  columns: LegacyColumns,
  seed: number,
): string {
  const all = results.flatMap((result) => result.rows.map((row) => ({ ...result, row })));
  const ordered = columns === "current"
    ? all
    : LEGACY_CONTROLS.flatMap((control) => all.filter(({ row }) => row.control === control));
  return formatCsv(
    COLUMNS[columns],
    ordered.map(({ protein, variant, layer, esmScore, row }): Record<string, Cell> => {
      const change = row.patched - row.baseline;
      return {
        protein: legacyProtein(protein.target.id),
        mutation: variant.name,
        position: residueOf(variant.substitutions[0].position, protein.target),
        layer,
        feature_idx: row.latent,
        control_type: row.control,
        dms_score: Number.isNaN(variant.measured) ? undefined : variant.measured,
        esm_score: esmScore,
        wt_marginal_score: row.baseline,
        baseline_score: row.baseline,
        patched_score: row.patched,
        score_change: change,
        abs_score_change: Math.abs(change),
        feature_delta: row.delta,
        abs_feature_delta: Math.abs(row.delta),
        wt_activation: row.wild,
        wt_pre_act: row.wild,
        mut_activation: row.mutant,
        mut_pre_act: row.mutant,
        patch_value: row.value,
        seed,
      };
    }),
  );
}

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

const FIELDS = ["latent", "delta", "wild", "mutant", "value", "baseline", "patched"] as const;

/** A result as numbers, for the progress file. */
export function packPatches(esmScore: number, rows: readonly LegacyPatchRow[]): Float64Array {
  return Float64Array.from([
    esmScore,
    ...rows.flatMap((row) => [
      LEGACY_CONTROLS.indexOf(row.control),
      ...FIELDS.map((field) => row[field]),
    ]),
  ]);
}

export function unpackPatches(
  values: Float64Array,
): Pick<LegacyPatchResult, "esmScore" | "rows"> {
  const width = FIELDS.length + 1;
  const rows = Array.from({ length: (values.length - 1) / width }, (_, r) => {
    const own = values.subarray(1 + r * width);
    return {
      control: LEGACY_CONTROLS[own[0]],
      ...Object.fromEntries(FIELDS.map((field, f) => [field, own[f + 1]])),
    } as LegacyPatchRow;
  });
  return { esmScore: values[0], rows };
}
