/**
 * The road from a command's options to its files, the same for every analysis of many things: read, open
 * the model, say what runs where, compute what no earlier run has finished, write, print.
 */
import { openBackend } from "../backend/mod.ts";
import type { BackendChoice, OpenedBackend } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { Esm2, type ModelOptions, type Precision, type PrepackOptions } from "../esm2/mod.ts";
import { EMBEDDED_NOTE, type OpenedModel } from "../hub/open_model.ts";
import { openChosen } from "../model_options.ts";
import { OutputDir } from "../io/output.ts";
import { describeRun, Stopwatch } from "../provenance.ts";
import { VERSION } from "../version.ts";
import { type PrecisionRecord, precisionText, provePrecision } from "./precision.ts";
import { checkUnchanged, type MergedRun } from "./merge.ts";
import { checkShardFolder, type RunSettings, writeShard } from "./shard_files.ts";
import { Results } from "./results.ts";
import { isOwn, type Shard } from "./shards.ts";
import { CONTINUING, UnitStore } from "./unit_store.ts";

/** Values of the options that every such command has. */
export interface RunFlags {
  model?: string;
  /** Folder of an adapter. */
  adapter?: string;
  backend: BackendChoice;
  lowMemory: boolean;
  precision?: Precision;
  out: string;
  json: boolean;
  /** Absent where there is none to draw. */
  report?: boolean;
  shard?: Shard;
}

/** What a command does itself; `runAnalysis` does the rest. */
export interface Analysis<Inputs extends { notes: readonly string[] }> {
  /** As run.json names it. */
  command: string;
  /** Opens the model where it is no ESM-2 alone: its language model. @default what the options choose */
  openModel?(): Promise<OpenedModel>;
  /** Reads and checks all inputs, before anything is opened. */
  read(): Promise<Inputs>;
  /** Checks the inputs against the model, and settles what is to be done. */
  plan(inputs: Inputs, model: OpenedModel): Plan | Promise<Plan>;
}

export interface Plan {
  /** What a person should know before the work begins. */
  notes: readonly string[];
  /** What decides the numbers beside model and backend. */
  settings: Record<string, unknown>;
  /** Of the progress display. */
  label: string;
  unit: string;
  /** Whether token dropout's factor scales the embeddings. @default as the model says */
  tokenDropout?: boolean;
  /** What all units together run of the model without looking at its attention. @default nothing */
  prepack?: PrepackOptions;
  /** False where a unit leaves more than its bytes (a file of its own): nothing is kept then. */
  resumes?: boolean;
  /** Opens what the work needs; what it puts on the stack is closed at the end. */
  open(opened: OpenedRun): Work | Promise<Work>;
  /** Writes tables first and pictures last, from finished units. */
  finish(finished: Finished): Promise<void>;
}

export interface OpenedRun {
  esm: Esm2;
  model: OpenedModel;
  output: OutputDir;
  stack: AsyncDisposableStack;
  /** The model without its adapter on the same backend, where it has one; the stack disposes of it. */
  openBase(): Promise<Esm2 | undefined>;
  /** Begins a stage of the run's record; the analysis itself is the next. */
  stage(name: string): void;
}

export interface Work {
  /** What the opening found that the run's record says, in shards too. */
  record?: Record<string, unknown>;
  /** Units that are computed together, the same in every process. */
  pieces: readonly (readonly number[])[];
  /** Progress of a piece, and what a piece amounts to. */
  weightOf(piece: readonly number[]): number;
  /**
   * Computes the units of a piece; `put` keeps each.
   *
   * @param tick hears how much of the piece is done, and its weight where that has become known
   */
  compute(
    piece: readonly number[],
    put: (unit: number, bytes: Uint8Array) => void,
    tick: (done: number, weight?: number) => void,
  ): Promise<void>;
}

export interface Finished {
  /** A unit's bytes. */
  read(unit: number): Uint8Array<ArrayBuffer>;
  output: OutputDir;
  /** Takes the tables; `--json` prints them after the record of the run. */
  results: Results;
  /** All that decides the numbers; without times, the same for every run of the same. */
  settings: RunSettings;
  /** The record of the run; what is added to it before the end is in run.json. */
  provenance: Record<string, unknown>;
  /** Undefined where shards are merged: no model runs then. */
  esm?: Esm2;
  notes: string[];
  /** Prints when the files have their names, unless JSON is asked for. */
  print(text: string): void;
}

/** Files that are named when all are written. */
const MOST_NAMED = 20;

/** What `finish` is given by the road. */
type Written = "output" | "results" | "print" | "notes";

/**
 * Runs an analysis, a shard of it, or writes what shards have found.
 *
 * A run that is killed repeats at most the piece in hand when the same command is given again.
 */
export async function runAnalysis<Inputs extends { notes: readonly string[] }>(
  o: RunFlags,
  ctx: CommandContext,
  analysis: Analysis<Inputs>,
  merged?: MergedRun,
): Promise<void> {
  const { command } = analysis, { shard } = o;
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const inputs = await analysis.read();
  using output = OutputDir.open(o.out, command);
  ctx.onExit(() => output.dispose());
  if (shard) checkShardFolder(output.path, shard, command);

  watch.stage("load model");
  using model = await (analysis.openModel?.() ?? openChosen(o, ctx));
  // Everything that can be wrong with the input is said before anything else is.
  const plan = await analysis.plan(inputs, model);
  const notes = [...(model.embedded ? [EMBEDDED_NOTE] : []), ...inputs.notes, ...plan.notes];
  const settingsOn = async (backend: RunSettings["backend"]): Promise<RunSettings> => ({
    esmscope: VERSION,
    command,
    model: { name: model.name, sha256: await model.checkpoint.sha256() },
    backend,
    ...(o.precision && o.precision !== "f32" && { precision: o.precision }),
    ...plan.settings,
  });
  const printed: string[] = [];
  const write = async (finished: Omit<Finished, Written>) => {
    const results = new Results(output, o.json);
    await plan.finish({ ...finished, output, results, notes, print: (text) => printed.push(text) });
    output.setRecord(finished.provenance);
    ctx.signal.throwIfAborted();
    const written = output.commit();
    if (o.json) {
      for await (const text of results.json(finished.provenance)) ctx.print(text);
      return;
    }
    for (const text of printed) ctx.print(text);
    const more = written.length > MOST_NAMED ? ` and ${written.length - MOST_NAMED} more` : "";
    ctx.note(`\nWrote ${written.slice(0, MOST_NAMED).join(", ")}${more}`);
  };
  if (merged) {
    checkUnchanged(merged.settings, await settingsOn(merged.settings.backend));
    const { read, settings, provenance } = merged;
    return await write({ read, settings, provenance });
  }

  await using engine = await openEngine(model, o, ctx, notes, plan);
  const { esm, opened } = engine, { backend } = opened;

  const settings = await settingsOn({ name: backend.name, detail: backend.detail });
  using units = UnitStore.open(
    output.path,
    plan.resumes === false ? { ...settings, at: performance.timeOrigin } : { ...settings, shard },
    command.replaceAll(" ", "-"),
  );
  if (units.isContinued) ctx.note(CONTINUING);
  // Nobody goes on from it: it goes before the folder is looked at for what else is there.
  const forget = () => plan.resumes === false && units.remove();
  ctx.onExit(() => void forget());
  using _ = { [Symbol.dispose]: forget };
  await using stack = new AsyncDisposableStack();
  const stage = (name: string) => watch.stage(name);
  const openBase = async () =>
    model.adapter && stack.use(
      await Esm2.open(model.adapter.base, backend, {
        lowMemory: o.lowMemory,
        precision: o.precision,
        tokenDropout: plan.tokenDropout,
        prepack: plan.prepack,
      }),
    );
  const work = await plan.open({ esm, model, output, stack, stage, openBase });
  watch.stage("analyse");
  await computeOwn(work, units, ctx, plan, shard);

  watch.stage("write");
  const provenance = {
    ...await describeRun({ command, args: Deno.args, watch, model, opened }),
    options: o,
    ...(engine.precision && { precision: engine.precision }),
    ...work.record,
  };
  if (shard) {
    const record = { shard, settings, options: { ...o }, provenance };
    await writeShard(output, record, units);
    ctx.signal.throwIfAborted();
    output.commit();
    ctx.note(
      `Wrote shard ${shard.index} of ${shard.count} to ${output.path}; when all are there: ` +
        `deno task merge ${o.out}`,
    );
  } else await write({ read: (unit) => units.read(unit)!, settings, provenance, esm });
  units.remove();
}

/** A model on a backend; closes both. */
export interface Engine extends AsyncDisposable {
  esm: Esm2;
  opened: OpenedBackend;
  /** What a lower precision changes, where there is one. */
  precision?: PrecisionRecord;
}

/** Opens what computes, and says so after what else a person should know. */
export async function openEngine(
  model: OpenedModel,
  o: Pick<RunFlags, "backend" | "lowMemory" | "precision">,
  ctx: Pick<CommandContext, "note">,
  notes: readonly string[] = [],
  { tokenDropout, prepack }: Pick<ModelOptions, "tokenDropout" | "prepack"> = {},
): Promise<Engine> {
  await using stack = new AsyncDisposableStack();
  const opened = await openBackend(o.backend), backend = stack.use(opened.backend);
  for (const note of notes) ctx.note(note);
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  const esm = stack.use(
    await Esm2.open(model.checkpoint, backend, {
      ...{ lowMemory: o.lowMemory, precision: o.precision, tokenDropout, prepack },
    }),
  );
  const precision = esm.precision === "f32"
    ? undefined
    : await provePrecision(esm, model.checkpoint, { tokenDropout });
  if (precision) ctx.note(precisionText(precision));
  const own = stack.move();
  return { esm, opened, precision, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

/** Computes the pieces of this process that are not finished. */
async function computeOwn(
  { pieces, weightOf, compute }: Work,
  units: UnitStore,
  ctx: CommandContext,
  { label, unit }: Plan,
  shard: Shard | undefined,
): Promise<void> {
  const own = pieces.filter((_, i) => isOwn(i, shard));
  let total = own.reduce((sum, piece) => sum + weightOf(piece), 0);
  using progress = ctx.progress({
    label: shard ? `${label}, shard ${shard.index}/${shard.count}` : label,
    unit,
    total,
  });
  let before = 0;
  for (const piece of own) {
    ctx.signal.throwIfAborted();
    let weight = weightOf(piece);
    if (!piece.every((unit) => units.has(unit))) {
      const put = (unit: number, bytes: Uint8Array) => units.write(unit, bytes);
      await compute(piece, put, (done, found = weight) => {
        total += found - weight;
        weight = found;
        progress.update(before + done, total);
      });
    }
    progress.update(before += weight, total);
    // Ctrl-C is heard only when the event loop turns.
    await new Promise((resolve) => setTimeout(resolve));
  }
  progress.finish();
}
