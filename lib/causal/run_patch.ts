/** The patch command: which latents, given other values, change what the model answers. */
import type { CommandContext } from "../cli/context.ts";
import { badValue, integerRanges, type Parser } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import { readBackground } from "./background.ts";
import { captureSequences } from "./capture.ts";
import { type MergedSurvey, runSurvey, type SurveyFlags } from "./command.ts";
import { type Control, CONTROLS } from "./controls.ts";
import { meanActivations, type Replacement } from "./edits.ts";
import { patchSubjects } from "./patch.ts";
import {
  packRows,
  patchesCsv,
  type PatchResult,
  patchSummaryCsv,
  patchSummaryText,
  strongestText,
  summarisePatches,
  unpackRows,
} from "./patch_tables.ts";
import { causalReport } from "./report.ts";
import type { CausalSession } from "./session.ts";
import { Tail } from "./tail.ts";
import type { ErrorTerm } from "./types.ts";

export interface PatchFlags extends SurveyFlags {
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

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runPatch(
  o: PatchFlags,
  ctx: CommandContext,
  merged?: MergedSurvey,
): Promise<void> {
  const { top, error, controls } = o;
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
  await runSurvey(o, ctx, {
    name: "patch",
    settings: { ...settings, background },
    async prepare(session, _, stack) {
      const { tokenBudget } = o, { signal } = ctx;
      const tails = new Map<unknown, Tail>();
      for (const { space } of session.lenses) {
        tails.set(
          space,
          stack.use(new Tail(session.esm, space, { tokenBudget, signal })),
        );
      }
      const reference = background && await meansOf(session, background, o, ctx);
      const perVariant = top * (1 + controls.length) + o.sets.sizes.length + 1;
      return {
        // Enough to fill a few batches, so that comparing each costs little.
        together: (copies) => Math.max(1, Math.min(4 * copies, Math.ceil(4 * copies / perVariant))),
        async analyse({ space }, subjects, wild) {
          const means = o.replace !== "mean"
            ? undefined
            : reference?.get(space) ?? meanActivations([wild]);
          const rows = await patchSubjects(
            tails.get(space)!,
            subjects.map((subject) => ({
              ...subject,
              means,
              draw: { seed: o.seed, trial: subject.variant.number },
            })),
            settings,
          );
          return rows.map(packRows);
        },
      };
    },
    async finish(finished) {
      const { session: { lenses }, inputs: { proteins }, values, output, provenance } = finished;
      const { print } = finished;
      const results = proteins.flatMap((protein, p) =>
        lenses.flatMap(({ space }, l) =>
          protein.variants.map((variant, v): PatchResult => ({
            protein,
            variant,
            layer: space.sae.config.depth,
            rows: unpackRows(values[p][l][v]),
          }))
        )
      );
      const summary = summarisePatches(results);
      await output.write("patches.csv", patchesCsv(results));
      await output.write("summary.csv", patchSummaryCsv(summary));
      await output.write("report.html", causalReport(o, finished, { patches: results }));
      if (o.json) return print(JSON.stringify({ provenance, summary }, null, 2));
      print(patchSummaryText(summary));
      print(`\n${strongestText(results)}`);
    },
  }, merged);
}

/** Mean activations over the sequences of a file, per autoencoder. */
async function meansOf(
  { esm, lenses }: CausalSession,
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
