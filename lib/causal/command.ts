/** What every causal command does around its analysis: inputs, model, progress, files. */
import type { CommandContext } from "../cli/context.ts";
import { OutputDir } from "../io/output.ts";
import { describeRun, type Provenance, Stopwatch } from "../provenance.ts";
import { describeSae } from "../sae/session.ts";
import { ProgressFile } from "../variants/resume.ts";
import { VERSION } from "../version.ts";
import type { MetricKind } from "./metric.ts";
import type { Places } from "./places.ts";
import { type CausalSession, openCausalSession, type SessionFlags } from "./session.ts";
import { survey, type SurveyRequest } from "./survey.ts";
import type { RunKind } from "./types.ts";
import { type CausalInputs, readVariants, type VariantFlags } from "./variants.ts";

/** Values of the options that every command on variants has. */
export interface SurveyFlags extends SessionFlags, VariantFlags {
  metric: MetricKind;
  run: RunKind;
  at: Places;
  tokenBudget?: number;
  out: string;
  json: boolean;
}

/** What a command does itself. */
export interface SurveyCommand {
  name: "patch" | "ig" | "circuit";
  /** Checks what the options ask against the inputs, before the model is opened. */
  check?(inputs: CausalInputs): void;
  /** Opens what the analysis needs of the session. */
  prepare(
    session: CausalSession,
    inputs: CausalInputs,
    stack: AsyncDisposableStack,
  ): Promise<Pick<SurveyRequest, "analyse" | "together">>;
  /** Writes the results' files into the folder. */
  finish(finished: FinishedSurvey): Promise<void>;
  /** Options that change the numbers, besides those that every command has. */
  settings: unknown;
}

export interface FinishedSurvey {
  session: CausalSession;
  inputs: CausalInputs;
  /** By protein, autoencoder and variant. */
  values: Float64Array[][][];
  output: OutputDir;
  provenance: Provenance & Record<string, unknown>;
  /** Prints when the files have their names. */
  print(text: string): void;
}

/** Runs a survey command from its options to its files. */
export async function runSurvey(
  o: SurveyFlags,
  ctx: CommandContext,
  command: SurveyCommand,
): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const inputs = await readVariants(o);
  command.check?.(inputs);
  using output = OutputDir.open(o.out);
  ctx.onExit(() => output.dispose());
  for (const note of inputs.notes) ctx.note(note);

  await using session = await openCausalSession(o, ctx, watch);
  const { esm, lenses, model, opened } = session;
  using progress = ProgressFile.open(output.path, {
    esmscope: VERSION,
    command: command.name,
    settings: command.settings,
    model: { name: model.name, sha256: await model.checkpoint.sha256() },
    saes: lenses.map(({ opened: { sha256, sae: { config } } }) => ({ sha256, config })),
    embedScale: o.embedScale,
    backend: { name: opened.backend.name, detail: opened.backend.detail },
    run: o.run,
    metric: o.metric,
    at: o.at,
    seed: o.seed,
    tokenBudget: o.tokenBudget,
    proteins: inputs.proteins.map(({ target, variants }) => ({ target, variants })),
  }, `sae-${command.name}`);
  if (progress.isContinued) {
    ctx.note("Continuing an interrupted run: what it had finished is not computed again.");
  }

  watch.stage("analyse");
  await using stack = new AsyncDisposableStack();
  const { analyse, together } = await command.prepare(session, inputs, stack);
  const { proteins } = inputs;
  const bar = ctx.progress({
    label: proteins.length === 1 ? proteins[0].target.id : `${proteins.length} proteins`,
    unit: "mutations",
    total: proteins.reduce((sum, { variants }) => sum + variants.length, 0),
  });
  const values = await survey({
    ...{ esm, lenses, proteins, progress, analyse, together },
    run: o.run,
    metric: o.metric,
    at: o.at,
    tokenBudget: o.tokenBudget,
    signal: ctx.signal,
    onProgress: (done, total) => bar.update(done, total),
  });
  bar.finish();

  watch.stage("write");
  const record = {
    ...await describeRun({ command: `sae ${command.name}`, args: Deno.args, watch, model, opened }),
    options: o,
    saes: lenses.map(({ opened: sae }) => describeSae(sae)),
    proteins: proteins.map(({ target, variants }) => ({
      ...target,
      mutations: variants.length,
    })),
  };
  const printed: string[] = [];
  await command.finish({
    ...{ session, inputs, values, output },
    provenance: record,
    print: (text) => printed.push(text),
  });
  await output.write("run.json", JSON.stringify(record, null, 2) + "\n");
  ctx.signal.throwIfAborted();
  const written = output.commit();
  progress.remove();
  for (const text of printed) ctx.print(text);
  if (!o.json) ctx.note(`\nWrote ${written.join(", ")}`);
}
