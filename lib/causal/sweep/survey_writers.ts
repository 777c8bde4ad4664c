/** Results of a survey's shards. */
import type { MergedRun } from "../../run/merge.ts";
import type { ShardWriter } from "../../run/run_merge.ts";
import type { MergedSurvey, SurveyRunSettings } from "../command.ts";
import {
  type LegacyFlags,
  type LegacyPatchFlags,
  runLegacyIg,
  runLegacyPatch,
} from "../legacy/run.ts";
import { type CircuitFlags, runCircuit } from "../run_circuit.ts";
import { type IgFlags, runIg } from "../run_ig.ts";
import { type PatchFlags, runPatch } from "../run_patch.ts";

/** Writers of the commands that survey variants. */
export const surveyWriters: Readonly<Record<string, ShardWriter>> = {
  "sae patch": (options, ctx, run) =>
    isLegacy(options)
      ? runLegacyPatch(flagsOf<LegacyPatchFlags>(options), ctx, surveyOf(run))
      : runPatch(flagsOf<PatchFlags>(options), ctx, surveyOf(run)),
  "sae ig": (options, ctx, run) =>
    isLegacy(options)
      ? runLegacyIg(flagsOf<LegacyFlags>(options), ctx, surveyOf(run))
      : runIg(flagsOf<IgFlags>(options), ctx, surveyOf(run)),
  "sae circuit": (options, ctx, run) =>
    runCircuit(flagsOf<CircuitFlags>(options), ctx, surveyOf(run)),
};

/** Results are there already: the sequences they were compared with are not needed. */
const flagsOf = <F>(options: Record<string, unknown>) =>
  ({ ...options, background: undefined }) as F;

function isLegacy(options: Record<string, unknown>): boolean {
  return options.legacy !== undefined;
}

/** Results of a survey from its units. */
function surveyOf({ settings, provenance, read }: MergedRun): MergedSurvey {
  const { proteins, saes } = settings as SurveyRunSettings;
  let before = 0;
  const values = proteins.map(({ variants }) => {
    // JSON has no NaN.
    for (const variant of variants) variant.measured ??= NaN;
    const found = saes.map((_, l) =>
      variants.map((_, v) => new Float64Array(read((before + v) * saes.length + l).buffer))
    );
    before += variants.length;
    return found;
  });
  return {
    inputs: { proteins, notes: [] },
    lenses: saes.map(({ config }) => ({ space: { sae: { config } } })),
    values,
    provenance,
  };
}
