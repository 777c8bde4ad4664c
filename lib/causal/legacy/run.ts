/** The patch and ig commands as the published tool runs them. */
import type { CommandContext } from "../../cli/context.ts";
import { formatTable } from "../../cli/table.ts";
import { spearman } from "../../stats/correlation.ts";
import { sorted } from "../../stats/sorted.ts";
import { type FinishedSurvey, type MergedSurvey, runSurvey } from "../command.ts";
import type { SurveyFlags } from "../command.ts";
import { packRecord, recordOf, unpackRecord } from "../explain_record.ts";
import { fixed } from "../../cli/figures.ts";
import { causalReport } from "../report.ts";
import type { CausalProtein, CausalVariant } from "../variants.ts";
import { legacyIgName, type LegacyIgResult, legacyIgSummary, writeLegacyIg } from "./ig_npz.ts";
import { legacyAttributions, legacyNodes } from "./integrate.ts";
import {
  LEGACY_CONTROLS,
  LEGACY_LOWEST,
  LEGACY_SAMPLE,
  LEGACY_STEPS,
  type LegacyMode,
} from "./mode.ts";
import { legacyPatches } from "./patch.ts";
import { legacyFlags, legacySurvey } from "./survey.ts";
import {
  type LegacyColumns,
  legacyCsv,
  legacyNames,
  legacyPatchName,
  type LegacyPatchResult,
  legacyPatchView,
  packPatches,
  unpackPatches,
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
  merged?: MergedSurvey,
): Promise<void> {
  const o = legacyFlags(given), { legacy, top, legacyColumns, json } = o;
  await runSurvey(o, ctx, {
    name: "patch",
    settings: { legacy, top },
    ...legacySurvey(o, { lowest: LEGACY_LOWEST }, ctx.signal, async (work) => {
      const { tail, space, tokens, metrics, esmScores } = work;
      const found = await legacyPatches(tail, space.sae, tokens, metrics, top);
      return found.map((rows, s) => packPatches(esmScores[s], rows));
    }),
    async finish(finished) {
      const { output, provenance, print } = finished;
      const results = resultsOf(finished, unpackPatches);
      const names = namesOf(finished);
      for (const group of Map.groupBy(results, groupOf).values()) {
        const [{ protein: { target }, layer }] = group;
        const name = legacyPatchName(names.get(target.id)!, layer, o.seed);
        await output.write(name, legacyCsv(group, legacyColumns, o.seed));
      }
      await output.write(
        "report.html",
        causalReport(o, finished, { patches: results.map(legacyPatchView) }),
      );
      const summary = summarise(results);
      if (json) return print(JSON.stringify({ provenance, summary }, null, 2));
      print(formatTable(
        [
          ...["layer", "control", "patches"].map((header) => ({ header })),
          ...["mean |change|", "rho |delta|, |change|"].map(four),
        ],
        summary.map((
          { layer, control, patches, meanAbsChange, spearman },
        ) => [layer, control, patches, meanAbsChange, spearman]),
      ));
    },
  }, merged);
}

/** `sae ig --legacy`: an archive per mutation and layer. */
export async function runLegacyIg(
  given: LegacyFlags,
  ctx: CommandContext,
  merged?: MergedSurvey,
): Promise<void> {
  const o = legacyFlags(given), { legacy, json } = o;
  await runSurvey(o, ctx, {
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
        return Float64Array.of(esmScores[s], ...packRecord(record), ...effects);
      });
    }),
    async finish(finished) {
      const { output, provenance, print } = finished;
      const results: LegacyIgResult[] = resultsOf(finished, (values) => {
        const [record, effects] = unpackRecord(values.subarray(1));
        return { esmScore: values[0], record, effects: Float32Array.from(effects) };
      });
      const names = namesOf(finished);
      for (const result of results) {
        const name = legacyIgName(names.get(result.protein.target.id)!, result);
        await writeLegacyIg(output.temporaryPath(name), result);
      }
      await output.write("report.html", causalReport(o, finished, { attributions: results }));
      const summary = results.map((result) => ({
        protein: result.protein.target.id,
        mutation: result.variant.name,
        layer: result.layer,
        ...legacyIgSummary(result),
      }));
      if (json) return print(JSON.stringify({ provenance, summary }, null, 2));
      print(formatTable(
        [
          ...["mutation", "layer"].map((header) => ({ header })),
          ...["total effect", "share of the top 20"].map(four),
        ],
        summary.map((
          { mutation, layer, total, topFraction },
        ) => [mutation, layer, total, topFraction]),
      ));
    },
  }, merged);
}

/** Nodes of a mutation that the report has. */
const SHOWN_NODES = 200;

const namesOf = ({ inputs: { proteins } }: FinishedSurvey) =>
  legacyNames(proteins.map(({ target }) => target.id));

/** Results of one file. */
const groupOf = ({ protein: { target }, layer }: LegacyPatchResult) => `${layer} ${target.id}`;

const four = (header: string) => ({ header, format: (value: number) => fixed(value, 4) });

/** Results in the order of the files: protein, layer, mutation. */
function resultsOf<T>(
  { session: { lenses }, inputs: { proteins }, values }: FinishedSurvey,
  unpack: (values: Float64Array) => T,
): (T & { protein: CausalProtein; variant: CausalVariant; layer: number })[] {
  return proteins.flatMap((protein, p) =>
    lenses.flatMap(({ space }, l) =>
      protein.variants.map((variant, v) => ({
        ...{ protein, variant },
        layer: space.sae.config.depth,
        ...unpack(values[p][l][v]),
      }))
    )
  );
}

function summarise(results: readonly LegacyPatchResult[]) {
  return [...new Set(results.map(({ layer }) => layer))].flatMap((layer) =>
    LEGACY_CONTROLS.map((control) => {
      const rows = results.filter((result) => result.layer === layer)
        .flatMap(({ rows }) => rows).filter((row) => row.control === control);
      const changes = rows.map(({ patched, baseline }) => Math.abs(patched - baseline));
      const deltas = rows.map(({ delta }) => Math.abs(delta));
      return {
        ...{ layer, control, patches: rows.length },
        meanAbsChange: changes.reduce((sum, change) => sum + change, 0) / changes.length,
        spearman: rows.length > 1 ? spearman(sorted(deltas), sorted(changes)) : NaN,
      };
    })
  );
}
