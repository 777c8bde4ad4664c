/** The score command: reads, scores, evaluates, writes. */
import { type BackendChoice, openBackend } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { integerRanges } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import { Esm2 } from "../esm2/mod.ts";
import { EMBEDDED_NOTE, openModel } from "../hub/open_model.ts";
import { OutputDir } from "../io/output.ts";
import { CONTINUING, UnitStore } from "../run/unit_store.ts";
import { readText } from "../io/text.ts";
import { describeRun, Stopwatch } from "../provenance.ts";
import { renderVariantReport } from "./report/report.ts";
import { VERSION } from "../version.ts";
import { printAggregate } from "./aggregate_table.ts";
import { evaluate, type Performance } from "./evaluate.ts";
import { type InputFlags, readInputs } from "./inputs.ts";
import { Regions } from "./regions.ts";
import { SampleCollector } from "./samples.ts";
import { isVariant, rowNotes, scanVariants } from "./scan.ts";
import { scoreVariants } from "./score.ts";
import { scoreColumns, ScoreFile } from "./score_file.ts";
import { checkLegacy, checkPositions, type ScoreSettings, settingNotes } from "./settings.ts";
import { Extremes, matrixCsv, performanceCsv, performanceText, writeMatrixNpz } from "./tables.ts";
import { REASONS, type Target } from "./types.ts";

export interface ScoreFlags extends InputFlags, ScoreSettings {
  positions?: string;
  by?: string;
  bootstrap: number;
  seed: number;
  model?: string;
  backend: BackendChoice;
  lowMemory: boolean;
  tokenBudget?: number;
  out: string;
  column?: string;
  json: boolean;
  aggregate?: string;
}

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runScore(o: ScoreFlags, ctx: CommandContext): Promise<void> {
  if (o.aggregate !== undefined) return await printAggregate(o, ctx);
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const { target, source, notes } = await readInputs(o);
  const scan = await scanVariants(source, target);
  checkLegacy(o, scan);
  const positions = readPositions(o.positions, target, source.kind === "all");
  const regions = await readRegions(o.by, target, source.hasMeasured);
  using output = OutputDir.open(o.out, "score");
  ctx.onExit(() => output.dispose());

  watch.stage("load model");
  using model = await openModel(o.model, ctx);
  const columns = scoreColumns(o.column ?? model.name, o.mode, source, scan);
  const opened = await openBackend(o.backend);
  await using backend = opened.backend;
  if (model.embedded) notes.unshift(EMBEDDED_NOTE);
  notes.push(...settingNotes(o, target.residues.length), ...rowNotes(scan));
  for (const note of notes) ctx.note(note);
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  await using esm = await Esm2.open(model.checkpoint, backend, { lowMemory: o.lowMemory });

  // All that decides the numbers: a run with other settings must not take this one's results.
  const settings = {
    esmscope: VERSION,
    model: { name: model.name, sha256: await model.checkpoint.sha256() },
    backend: { name: backend.name, detail: backend.detail },
    target,
    mode: o.mode,
    multi: o.multi,
    window: o.window,
    legacy: o.legacy,
    tokenBudget: o.tokenBudget,
    positions: o.positions,
    variants: scan.digest,
  };
  using progress = UnitStore.open(output.path, settings);
  if (progress.isContinued) {
    ctx.note(CONTINUING);
  }

  watch.stage("score");
  const samples = new SampleCollector(regions);
  const extremes = new Extremes();
  await using file = await ScoreFile.create(
    output.temporaryPath("scores.csv"),
    source,
    columns,
    target.residues.length,
  );
  const show = stageProgress(ctx);
  const { matrix, passes, wildPll } = await scoreVariants(esm, {
    ...o,
    target,
    source,
    scan,
    positions,
    progress,
    signal: ctx.signal,
    onProgress: show.update,
    onRow: async (found) => {
      const { row, reading, score } = found;
      extremes.add(row.text || row.place, isVariant(reading) ? score : REASONS[reading.reason]);
      if (source.hasMeasured) samples.add(found);
      await file.add(found);
    },
  });
  show.finish();
  await file.close();

  watch.stage("evaluate");
  const performance = source.hasMeasured ? await evaluateGroups(samples, o, ctx) : [];

  watch.stage("write");
  await output.write("matrix.csv", matrixCsv(matrix));
  await writeMatrixNpz(output.temporaryPath("matrix.npz"), matrix);
  if (performance.length > 0) await output.write("performance.csv", performanceCsv(performance));
  await output.write(
    "report.html",
    renderVariantReport({
      title: `Mutations of ${target.id}`,
      subtitle: `${model.name}, ${o.mode}, ${scan.rows} variant${scan.rows === 1 ? "" : "s"}`,
      notes,
      matrix,
      performance,
      samples,
      labels: { score: columns[0].name, measured: o.measuredColumn },
      // Times differ between a run and its continuation; run.json has them.
      provenance: { ...settings, command: "score", bootstrap: o.bootstrap, seed: o.seed },
    }),
  );
  const run = {
    ...await describeRun({ command: "score", args: Deno.args, watch, model, opened }),
    options: o,
    target,
    variants: {
      rows: scan.rows,
      multiple: scan.multiple,
      indels: scan.indels,
      withoutScore: Object.fromEntries(scan.unscorable),
    },
    passes,
    ...(wildPll !== undefined && { wildTypePseudoLogLikelihood: wildPll }),
  };
  output.setRecord(run);
  ctx.signal.throwIfAborted();
  const written = output.commit();
  progress.remove();

  if (o.json) return ctx.print(JSON.stringify({ run, performance }, null, 2));
  ctx.print(extremes.text());
  if (performance.length > 0) ctx.print(`\n${performanceText(performance)}`);
  ctx.note(`\nWrote ${written.join(", ")}`);
}

/** Statistics of every group of variants, one after another. */
async function evaluateGroups(
  samples: SampleCollector,
  { bootstrap: resamples, seed }: ScoreFlags,
  ctx: CommandContext,
): Promise<Performance[]> {
  const found: Performance[] = [];
  for (const { name, samples: group } of samples.groups()) {
    using progress = ctx.progress({
      label: `intervals, ${name}`,
      unit: "resamples",
      total: resamples,
      // Small assays take no time worth a line.
      silent: group.scores.length * resamples < 1e7,
    });
    found.push(
      await evaluate(name, group, {
        ...{ resamples, seed, signal: ctx.signal },
        onProgress: (done) => progress.update(done),
      }),
    );
  }
  return found;
}

/** Positions of `--positions`; all of them where all mutations are scored. */
function readPositions(text: string | undefined, target: Target, all: boolean): number[] {
  const { residues: { length }, offset } = target;
  if (text === "all" || text === undefined && all) {
    return Array.from({ length }, (_, i) => i + 1);
  }
  if (text === undefined) return [];
  const residues = integerRanges({ min: Math.min(0, offset), max: offset + length })(
    text,
    "--positions",
  );
  return checkPositions(residues.map((residue) => residue - offset + 1), length, offset);
}

async function readRegions(
  path: string | undefined,
  target: Target,
  hasMeasured: boolean,
): Promise<Regions | undefined> {
  if (path === undefined) return undefined;
  if (!hasMeasured) {
    throw new UserError(
      "Cannot use --by as --assay must give measured values to compare with: current value is none",
    );
  }
  return Regions.parse(await readText(path), path, target);
}

/** One progress display per stage: positions, then variants that need passes of their own. */
function stageProgress(ctx: CommandContext) {
  let stage = "";
  let shown: ReturnType<CommandContext["progress"]> | undefined;
  return {
    update(name: string, done: number, total: number) {
      if (name !== stage) {
        shown?.finish();
        stage = name;
        shown = ctx.progress({ label: "scoring", unit: name, total, done });
      }
      shown!.update(done, total);
    },
    finish: () => shown?.finish(),
  };
}
