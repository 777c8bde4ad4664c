/** The ig command: what each latent contributes to a mutation's effect. */
import type { CommandContext } from "../cli/context.ts";
import { UserError } from "../errors.ts";
import { type MergedSurvey, runSurvey, type SurveyFlags } from "./command.ts";
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
import { packRecord, recordOf, unpackRecord } from "./explain_record.ts";
import {
  attributionsCsv,
  igMutationsCsv,
  type IgResult,
  igSummaryText,
  strongestLatentsText,
  summariseIg,
  writeAttributionsNpz,
} from "./ig_tables.ts";
import type { Rule } from "./quadrature.ts";
import { causalReport } from "./report.ts";
import type { CausalSession } from "./session.ts";
import { Tail } from "./tail.ts";
import { EngineGradient } from "./tail_gradient.ts";
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

export interface IgFlags extends ExplainFlags {
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

/** What explaining runs on, per autoencoder. */
export function openExplainers(
  { esm, lenses }: CausalSession,
  { tokenBudget }: SurveyFlags,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Map<unknown, Explainer> {
  const explainers = new Map<unknown, Explainer>();
  for (const { space, coder } of lenses) {
    const tail = stack.use(new Tail(esm, space, { tokenBudget, signal }));
    const gradient = new EngineGradient(tail);
    explainers.set(space, { tail, gradient, coder });
  }
  return explainers;
}

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runIg(
  o: IgFlags,
  ctx: CommandContext,
  merged?: MergedSurvey,
): Promise<void> {
  const settings = explainSettings(o);
  await runSurvey(o, ctx, {
    name: "ig",
    settings: { ...settings, keep: o.keep },
    prepare(session, _, stack) {
      const explainers = openExplainers(session, o, ctx.signal, stack);
      return {
        together: (copies) => mutationsTogether(copies, settings),
        async analyse({ space }, subjects) {
          const found = await explain(explainers.get(space)!, subjects, settings);
          return found.map((one) =>
            packRecord(recordOf(one, one.path.edit.length, space.latents, o.keep))
          );
        },
      };
    },
    async finish(finished) {
      const { session: { lenses }, inputs: { proteins }, values, output, provenance } = finished;
      const { print } = finished;
      const results = proteins.flatMap((protein, p) =>
        lenses.flatMap(({ space }, l) =>
          protein.variants.map((variant, v): IgResult => ({
            protein,
            variant,
            layer: space.sae.config.depth,
            record: unpackRecord(values[p][l][v])[0],
          }))
        )
      );
      const summary = summariseIg(results);
      await output.write("attributions.csv", attributionsCsv(results));
      await writeAttributionsNpz(output.temporaryPath("attributions.npz"), results);
      await output.write("mutations.csv", igMutationsCsv(results));
      const short = results.filter(({ record }) => !addsUp(record)).length;
      const notes = short > 0 ? [shortNote(short, results.length, settings)] : [];
      for (const note of notes) ctx.note(note);
      await output.write(
        "report.html",
        causalReport(o, finished, { attributions: results, notes }),
      );
      if (o.json) return print(JSON.stringify({ provenance, summary }, null, 2));
      print(igSummaryText(summary));
      print(`\n${strongestLatentsText(results)}`);
    },
  }, merged);
}

/** How many mutations fill a batch with their points. */
export function mutationsTogether(copies: number, { method, steps }: ExplainSettings): number {
  return method === "first-order" ? copies : Math.max(1, Math.ceil(copies / steps));
}

/** Why attributions may not add up. */
export function shortNote(
  short: number,
  all: number,
  { method, through, fixed }: ExplainSettings,
): string {
  const why = method === "first-order"
    ? "a first-order estimate need not add up"
    : through === "pre-activations"
    ? "the stream jumps where latents enter or leave the largest k"
    : fixed
    ? "more --steps may mend it"
    : `${MOST_STEPS} steps are the most`;
  return `${short} of ${all} explanations differ by 5 % or more from the effect: ${why}.`;
}
