/** The ig command: what each latent contributes to a mutation's effect. */
import type { CommandContext } from "../cli/context.ts";
import { UserError } from "../errors.ts";
import type { MergedRun } from "../run/merge.ts";
import {
  addsUp,
  type Baseline,
  explain,
  type Explainer,
  type ExplainSettings,
  type Method,
  MOST_STEPS,
  type PathSpace,
} from "./explain.ts";
import { recordOf } from "./explain_record.ts";
import {
  ATTRIBUTIONS,
  IG_FIGURES,
  IG_MUTATIONS,
  type IgResult,
  strongestLatentsText,
  writeAttributionsNpz,
} from "./ig_tables.ts";
import type { LegacyMode } from "./legacy/mode.ts";
import { runLegacyIg } from "./legacy/run.ts";
import type { Rule } from "./quadrature.ts";
import { type Lens, runSurvey, type SurveyFlags } from "./survey.ts";
import { measuredIn, nodeRows, summariseLayers } from "./tables.ts";
import { EngineGradient } from "./gradients.ts";
import type { ErrorTerm } from "./types.ts";

export interface ExplainFlags extends SurveyFlags {
  from: Baseline;
  method: Method;
  through: PathSpace;
  /** By default moved along with the latents where the path leads to another run, else kept. */
  error?: ErrorTerm;
  rule: Rule;
  steps?: number;
}

export interface IgFlags extends Omit<ExplainFlags, "seed"> {
  /** Which tool's way; its seed is another. */
  legacy?: LegacyMode;
  seed?: number;
  keep: number;
}

/** Points of the first attempt. */
const FIRST_STEPS = 32;

/** @throws {UserError} for combinations without a meaning */
export function explainSettings(o: ExplainFlags): ExplainSettings {
  const refuse = (option: string, requirement: string, value: string) => {
    throw new UserError(
      `Cannot use ${option} as ${requirement}: current value is ${value}`,
    );
  };
  if (o.through === "pre-activations") {
    if (o.from === "zero") refuse("--through pre-activations", "--from must be run", "zero");
    if (o.method !== "ig") refuse("--through pre-activations", "--method must be ig", o.method);
  }
  if (o.method === "first-order" && o.steps !== undefined) {
    refuse("--steps", "--method must be ig", o.method);
  }
  return {
    baseline: o.from,
    method: o.method,
    through: o.through,
    error: o.error ?? (o.from === "run" ? "patch" : "keep"),
    rule: o.rule,
    steps: o.steps ?? FIRST_STEPS,
    fixed: o.steps !== undefined,
  };
}

/** What explaining runs on. */
export const explainerOf = ({ tail, coder }: Lens): Explainer => {
  return { tail, gradient: new EngineGradient(tail), coder };
};

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runIg(
  given: IgFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const { legacy, seed = 0 } = given;
  if (legacy) return await runLegacyIg({ ...given, legacy }, ctx, merged);
  const o = { ...given, seed }, settings = explainSettings(o);
  await runSurvey<Pick<IgResult, "record">>(o, ctx, {
    name: "ig",
    settings: { ...settings, keep: o.keep },
    together: (copies) => mutationsTogether(copies, settings),
    async analyse(lens, subjects) {
      const found = await explain(explainerOf(lens), subjects, settings);
      return found.map((one) => {
        return { record: recordOf(one, one.path.edit.length, lens.space.latents, o.keep) };
      });
    },
    async finish(results, { results: tables, output, provenance, print }) {
      const { summary, text } = summariseLayers(results, IG_FIGURES);
      await tables.write(ATTRIBUTIONS, nodeRows(results, ({ record }) => record));
      await writeAttributionsNpz(output.temporaryPath("attributions.npz"), results);
      await tables.write(measuredIn(IG_MUTATIONS, results), results);
      provenance.summary = summary;
      print(text);
      print(`\n${strongestLatentsText(results)}`);
      const short = results.filter(({ record }) => !addsUp(record)).length;
      return { attributions: results, notes: shortNotes(short, results.length, settings) };
    },
  }, merged);
}

/** How many mutations fill a batch with their points. */
export function mutationsTogether(copies: number, { method, steps }: ExplainSettings): number {
  return method === "first-order" ? copies : Math.max(1, Math.ceil(copies / steps));
}

/** Why attributions may not add up, where some do not. */
export function shortNotes(
  short: number,
  all: number,
  { method, through, fixed }: ExplainSettings,
): string[] {
  if (short === 0) return [];
  const why = method === "first-order"
    ? "a first-order estimate need not add up"
    : through === "pre-activations"
    ? "the stream jumps where latents enter or leave the largest k"
    : fixed
    ? "more --steps may mend it"
    : `${MOST_STEPS} steps are the most`;
  return [`${short} of ${all} explanations differ by 5 % or more from the effect: ${why}.`];
}
