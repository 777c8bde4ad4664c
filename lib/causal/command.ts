/** What every causal command does around its analysis: inputs, model, progress, files. */
import type { CommandContext } from "../cli/context.ts";
import { OutputDir } from "../io/output.ts";
import { CONTINUING, UnitStore } from "../run/unit_store.ts";
import { describeRun, type Provenance, Stopwatch } from "../provenance.ts";
import { describeSae } from "../sae/session.ts";
import type { SaeConfig } from "../sae/types.ts";
import { VERSION } from "../version.ts";
import type { MetricKind } from "./metric.ts";
import { type Places, tokensOf } from "./places.ts";
import { type CausalSession, openCausalSession, type SessionFlags } from "./session.ts";
import { survey, type SurveyRequest, surveySize } from "./survey.ts";
import { checkShardFolder, type RunSettings, writeShard } from "../run/shard_files.ts";
import type { Shard } from "../run/shards.ts";
import type { RunKind } from "./types.ts";
import {
  type CausalInputs,
  type CausalProtein,
  readVariants,
  type VariantFlags,
} from "./variants.ts";

/** Values of the options that every command on variants has. */
export interface SurveyFlags extends SessionFlags, VariantFlags {
  shard?: Shard;
  metric: MetricKind;
  run: RunKind;
  at: Places;
  tokenBudget?: number;
  out: string;
  json: boolean;
}

type Prepared = Pick<SurveyRequest, "analyse" | "together">;

/** What a command does itself. */
export interface SurveyCommand {
  name: "patch" | "ig" | "circuit";
  /** Reads the variants in a way of its own. */
  read?(): Promise<CausalInputs>;
  /** Checks what the options ask against the inputs, before the model is opened. */
  check?(inputs: CausalInputs): void;
  /** Opens what the analysis needs of the session. */
  prepare(
    session: CausalSession,
    inputs: CausalInputs,
    stack: AsyncDisposableStack,
  ): Prepared | Promise<Prepared>;
  /** Writes the results' files into the folder. */
  finish(finished: FinishedSurvey): Promise<void>;
  /** Options that change the numbers, besides those that every command has. */
  settings: unknown;
}

export interface FinishedSurvey {
  session: { lenses: readonly FinishedLens[] };
  inputs: CausalInputs;
  /** By protein, autoencoder and variant. */
  values: Float64Array[][][];
  output: OutputDir;
  provenance: Provenance & Record<string, unknown>;
  /** Prints when the files have their names. */
  print(text: string): void;
}

/** What of an autoencoder is known where results are put together without it. */
export interface FinishedLens {
  readonly space: { readonly sae: { readonly config: SaeConfig } };
}

/** All that decides a survey's numbers. */
export interface SurveyRunSettings extends RunSettings {
  saes: { sha256: string; config: SaeConfig }[];
  proteins: CausalProtein[];
}

/** Results of all shards of a survey. */
export interface MergedSurvey extends Pick<FinishedSurvey, "inputs" | "values"> {
  lenses: readonly FinishedLens[];
  provenance: Record<string, unknown>;
}

/**
 * Runs a survey command from its options to its files, or a shard of it.
 *
 * @param merged results to write instead of computing any
 */
export async function runSurvey(
  o: SurveyFlags,
  ctx: CommandContext,
  command: SurveyCommand,
  merged?: MergedSurvey,
): Promise<void> {
  const fullName = `sae ${command.name}`;
  if (merged) {
    using output = OutputDir.open(o.out, fullName);
    ctx.onExit(() => output.dispose());
    return await writeResults(o, ctx, command, output, {
      ...merged,
      session: merged,
      provenance: merged.provenance as FinishedSurvey["provenance"],
    });
  }
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const inputs = await (command.read?.() ?? readVariants(o));
  command.check?.(inputs);
  // Residues that do not exist are said before a model is opened.
  for (const { target, variants } of inputs.proteins) {
    tokensOf(o.at, target, variants[0].substitutions);
  }
  using output = OutputDir.open(o.out, fullName);
  ctx.onExit(() => output.dispose());
  if (o.shard) checkShardFolder(output.path, o.shard, fullName);

  await using session = await openCausalSession(o, ctx, watch);
  for (const note of inputs.notes) ctx.note(note);
  const { esm, lenses, model, opened } = session;
  const settings: SurveyRunSettings = {
    esmscope: VERSION,
    command: fullName,
    settings: command.settings,
    model: { name: model.name, sha256: await model.checkpoint.sha256() },
    saes: lenses.map(({ sae: { sha256, sae: { config } } }) => ({ sha256, config })),
    embedScale: o.embedScale,
    backend: { name: opened.backend.name, detail: opened.backend.detail },
    run: o.run,
    metric: o.metric,
    at: o.at,
    seed: o.seed,
    tokenBudget: o.tokenBudget,
    proteins: inputs.proteins,
  };
  const { shard } = o;
  using progress = UnitStore.open(output.path, { ...settings, shard }, `sae-${command.name}`);
  if (progress.isContinued) {
    ctx.note(CONTINUING);
  }

  watch.stage("analyse");
  await using stack = new AsyncDisposableStack();
  const { analyse, together } = await command.prepare(session, inputs, stack);
  const { proteins } = inputs;
  const request: SurveyRequest = {
    ...{ esm, lenses, proteins, progress, analyse, together, shard },
    run: o.run,
    metric: o.metric,
    at: o.at,
    tokenBudget: o.tokenBudget,
    signal: ctx.signal,
  };
  const name = proteins.length === 1 ? proteins[0].target.id : `${proteins.length} proteins`;
  const bar = ctx.progress({
    label: shard ? `${name}, shard ${shard.index}/${shard.count}` : name,
    unit: "mutations",
    total: surveySize(request),
  });
  const values = await survey({
    ...request,
    onProgress: (done, total) => bar.update(done, total),
  });
  bar.finish();

  watch.stage("write");
  const record = {
    ...await describeRun({ command: fullName, args: Deno.args, watch, model, opened }),
    options: o,
    notes: inputs.notes,
    saes: lenses.map(({ sae, fidelity }) => ({ ...describeSae(sae), fidelity })),
    proteins: proteins.map(({ target, variants }) => ({
      ...target,
      mutations: variants.length,
    })),
  };
  if (shard) {
    await writeShard(
      output,
      { shard, settings, options: { ...o }, provenance: record },
      progress,
    );
    ctx.signal.throwIfAborted();
    output.commit();
    ctx.note(
      `Wrote shard ${shard.index} of ${shard.count} to ${output.path}; when all are there: ` +
        `deno task merge ${o.out}`,
    );
  } else {
    await writeResults(o, ctx, command, output, {
      ...{ session, inputs, provenance: record },
      values: values as Float64Array[][][],
    });
  }
  progress.remove();
}

/** Writes and prints what the results say. */
async function writeResults(
  { json }: SurveyFlags,
  { signal, print, note }: CommandContext,
  command: SurveyCommand,
  output: OutputDir,
  finished: Omit<FinishedSurvey, "output" | "print">,
): Promise<void> {
  const printed: string[] = [];
  await command.finish({ ...finished, output, print: (text) => printed.push(text) });
  output.setRecord(finished.provenance);
  signal.throwIfAborted();
  const written = output.commit();
  for (const text of printed) print(text);
  if (!json) note(`\nWrote ${written.join(", ")}`);
}
