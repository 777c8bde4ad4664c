/** The patch and ig commands as the published tool runs them. */
import type { CommandContext } from "../../cli/context.ts";
import { fixed } from "../../cli/figures.ts";
import { formatTable } from "../../cli/table.ts";
import type { MergedRun } from "../../run/merge.ts";
import { recordOf } from "../explain_record.ts";
import { summarisePatches } from "../patch_tables.ts";
import { type Explained, runSurvey, type SurveyFlags } from "../survey.ts";
import { legacyIgName, type LegacyIgResult, legacyIgSummary, writeLegacyIg } from "./ig_npz.ts";
import { legacyAttributions, legacyNodes } from "./integrate.ts";
import { LEGACY_LOWEST, LEGACY_SAMPLE, LEGACY_STEPS, type LegacyMode } from "./mode.ts";
import { legacyPatches } from "./patch.ts";
import { legacyFlags, legacySurvey } from "./survey.ts";
import {
  type LegacyColumns,
  legacyNames,
  legacyPatchName,
  type LegacyPatchResult,
  legacyPatchView,
  legacyRows,
  legacyTable,
} from "./tables.ts";

/** Values of options; the seed may be absent. */
export interface LegacyFlags extends Omit<SurveyFlags, "seed"> {
  legacy: LegacyMode;
  seed?: number;
}

export interface LegacyPatchFlags extends LegacyFlags {
  top: number;
  legacyColumns: LegacyColumns;
}

/** `sae patch --legacy`: a table of patches for each protein and layer. */
export async function runLegacyPatch(
  given: LegacyPatchFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const o = legacyFlags(given), { legacy, top, legacyColumns } = o;
  await runSurvey<Omit<LegacyPatchResult, keyof Explained>>(o, ctx, {
    name: "patch",
    settings: { legacy, top },
    ...legacySurvey(o, { lowest: LEGACY_LOWEST }, ctx.signal, async (work) => {
      const { tail, space, tokens, metrics, esmScores } = work;
      const found = await legacyPatches(tail, space, tokens, metrics, top);
      return found.map((rows, s) => ({ esmScore: esmScores[s], rows }));
    }),
    async finish(results, { results: tables, provenance, print }) {
      const names = namesOf(results);
      for (const group of Map.groupBy(results, groupOf).values()) {
        const [{ protein: { target }, layer }] = group;
        const name = legacyPatchName(names.get(target.id)!, layer, o.seed);
        const table = legacyTable(name, legacyColumns, o.seed);
        await tables.write(table, legacyRows(group, legacyColumns));
      }
      const patches = results.map(legacyPatchView);
      const summary = summarisePatches(patches).map((row) => ({
        layer: row.layer,
        control: row.kind === "stable" ? "random" : row.kind,
        patches: row.patches,
        meanAbsChange: row.meanAbsChange,
        spearman: row.spearman,
      }));
      provenance.summary = summary;
      print(formatTable(
        [
          ...["layer", "control", "patches"].map((header) => ({ header })),
          ...["mean |change|", "rho |delta|, |change|"].map(four),
        ],
        summary.map(Object.values),
      ));
      return { patches };
    },
  }, merged);
}

/** `sae ig --legacy`: an archive per mutation and layer. */
export async function runLegacyIg(
  given: LegacyFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const o = legacyFlags(given), { legacy } = o;
  await runSurvey<Omit<LegacyIgResult, keyof Explained>>(o, ctx, {
    name: "ig",
    settings: { legacy, steps: LEGACY_STEPS },
    ...legacySurvey(o, { sample: LEGACY_SAMPLE }, ctx.signal, async (work) => {
      const { tail, space, subjects, tokens, metrics, esmScores } = work;
      const found = await legacyAttributions(tail, space, tokens, metrics);
      return found.map((one, s) => {
        const { baseline, input, effects } = one;
        const [{ position }] = subjects[s].variant.substitutions;
        const nodes = legacyNodes(one, tokens[s], position, space);
        const sum = effects.reduce((total, effect) => total + effect, 0);
        const figures = { nodes, baseline, input, sum, steps: LEGACY_STEPS };
        const record = recordOf(figures, 1, space.latents, SHOWN_NODES);
        return { esmScore: esmScores[s], record, effects };
      });
    }),
    async finish(results, { output, provenance, print }) {
      const names = namesOf(results);
      for (const result of results) {
        const name = legacyIgName(names.get(result.protein.target.id)!, result);
        await writeLegacyIg(output.temporaryPath(name), result);
      }
      const summary = results.map((result) => ({
        protein: result.protein.target.id,
        mutation: result.variant.name,
        layer: result.layer,
        ...legacyIgSummary(result),
      }));
      provenance.summary = summary;
      print(formatTable(
        [
          ...["mutation", "layer"].map((header) => ({ header })),
          ...["total effect", "share of the top 20"].map(four),
        ],
        summary.map(({ protein: _, ...row }) => Object.values(row)),
      ));
      return { attributions: results };
    },
  }, merged);
}

/** Nodes of a mutation that the report has. */
const SHOWN_NODES = 200;

const namesOf = (results: readonly Explained[]) =>
  legacyNames([...new Set(results.map(({ protein }) => protein.target.id))]);

/** Results of one file. */
const groupOf = ({ protein: { target }, layer }: Explained) => `${layer} ${target.id}`;

const four = (header: string) => ({ header, format: (value: number) => fixed(value, 4) });
