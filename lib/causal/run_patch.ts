/** The patch command: which latents, given other values, change what the model answers. */
import type { CommandContext } from "../cli/context.ts";
import { badValue, integerRanges, type Parser } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import type { MergedRun } from "../run/merge.ts";
import { readBackground } from "./background.ts";
import { captureSequences } from "./capture.ts";
import { type Control, CONTROLS } from "./controls.ts";
import { meanActivations, type Replacement } from "./edits.ts";
import type { LegacyMode } from "./legacy/mode.ts";
import { runLegacyPatch } from "./legacy/run.ts";
import type { LegacyColumns } from "./legacy/tables.ts";
import { patchSubjects } from "./patch.ts";
import {
  PATCH_SUMMARY,
  PATCHES,
  patchesOf,
  type PatchResult,
  patchSummaryText,
  strongestText,
  summarisePatches,
} from "./patch_tables.ts";
import { runSurvey, type SurveyFlags, type SurveySession } from "./survey.ts";
import { measuredIn } from "./tables.ts";
import type { ErrorTerm } from "./types.ts";

export interface PatchFlags extends Omit<SurveyFlags, "seed"> {
  /** Which tool's way; its seed is another. */
  legacy?: LegacyMode;
  legacyColumns: LegacyColumns;
  seed?: number;
  replace: Replacement;
  background?: string;
  error: ErrorTerm;
  top: number;
  sets: PatchSets;
  controls: readonly Control[];
}

/** Sizes of sets, and whether all latents are patched together. */
export interface PatchSets {
  sizes: readonly number[];
  whole: boolean;
}

/** Reads `5,20,all` or `none`. */
export const parseSets: Parser<PatchSets> = (text, flag) => {
  if (text === "none") return { sizes: [], whole: false };
  const pieces = text.split(",").map((piece) => piece.trim());
  const sizes = pieces.filter((piece) => piece !== "all");
  try {
    const read = integerRanges({ min: 2, max: 100_000 });
    return {
      sizes: sizes.length > 0 ? read(sizes.join(), flag) : [],
      whole: sizes.length < pieces.length,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw badValue(flag, 'none, or sizes from 2 and all such as "5,20,all"', text);
  }
};

/** Reads a list of controls, or `none`. */
export const parseControls: Parser<readonly Control[]> = (text, flag) => {
  if (text === "none") return [];
  const names = text.split(",").map((name) => name.trim());
  const bad = names.some((name) => !CONTROLS.includes(name as Control));
  if (bad) throw badValue(flag, `none, or some of ${CONTROLS.join(", ")}`, text);
  return CONTROLS.filter((name) => names.includes(name));
};

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runPatch(
  given: PatchFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const { legacy, seed = 0, top, error, controls } = given;
  if (legacy) return await runLegacyPatch({ ...given, legacy }, ctx, merged);
  const o = { ...given, seed };
  const settings = {
    replacement: o.replace,
    error,
    top,
    sets: o.sets.sizes,
    whole: o.sets.whole,
    controls,
  };
  if (o.replace !== "patch" && error === "patch") {
    throw new UserError(
      `Cannot use --error patch as --replace must be patch: current value is ${o.replace}`,
    );
  }
  if (o.background !== undefined && o.replace !== "mean") {
    throw new UserError(
      `Cannot use --background as --replace must be mean: current value is ${o.replace}`,
    );
  }
  const background = o.background === undefined ? undefined : await readBackground(o.background);
  const perVariant = top * (1 + controls.length) + o.sets.sizes.length + 1;
  let reference: Map<unknown, Float64Array> | undefined;
  await runSurvey<Pick<PatchResult, "rows">>(o, ctx, {
    name: "patch",
    settings: { ...settings, background },
    // Enough to fill a few batches, so that comparing each costs little.
    together: (copies) => Math.max(1, Math.min(4 * copies, Math.ceil(4 * copies / perVariant))),
    async analyse({ space, tail }, subjects, wild, session) {
      if (background) reference ??= await meansOf(session, background, o, ctx);
      const means = o.replace !== "mean"
        ? undefined
        : reference?.get(space) ?? meanActivations([wild]);
      const rows = await patchSubjects(
        tail,
        subjects.map((subject) => ({
          ...subject,
          means,
          draw: { seed: o.seed, trial: subject.variant.number },
        })),
        settings,
      );
      return rows.map((rows) => ({ rows }));
    },
    async finish(results, { results: tables, print }) {
      const summary = summarisePatches(results);
      await tables.write(measuredIn(PATCHES, results), patchesOf(results));
      await tables.write(PATCH_SUMMARY, summary);
      print(patchSummaryText(summary));
      print(`\n${strongestText(results)}`);
      return { patches: results };
    },
  }, merged);
}

/** Mean activations over the sequences of a file, per autoencoder. */
async function meansOf(
  { esm, lenses }: SurveySession,
  rows: readonly Int32Array[],
  { tokenBudget }: PatchFlags,
  { signal }: CommandContext,
): Promise<Map<unknown, Float64Array>> {
  const captures = await captureSequences(
    esm,
    lenses.map(({ coder }) => coder),
    rows,
    { tokenBudget, signal },
  );
  return new Map(lenses.map(({ space }, l) => [space, meanActivations(captures[l])]));
}
