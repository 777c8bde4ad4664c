/** The `score` command: what of it is its own. */
import type { BackendName } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { tableText } from "../cli/table.ts";
import { integerRanges } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import { fileNames } from "../io/output.ts";
import { readText } from "../io/text.ts";
import { MOST_DRAWN } from "../report/page.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import type { MergedRun } from "../run/merge.ts";
import type { RowSink } from "../run/results.ts";
import { type Finished, runAnalysis, type RunFlags } from "../run/run.ts";
import { printAggregate } from "./aggregate_table.ts";
import { evaluate, type Performance, summarisePerformance } from "./evaluate.ts";
import { type ManyFlags, readAll } from "./inputs.ts";
import { Regions } from "./regions.ts";
import { renderVariantReport } from "./report/report.ts";
import type { ProteinLine, ScoredProtein } from "./report/types.ts";
import { pieceTokens, QueryRunner } from "./runner.ts";
import { SampleCollector } from "./samples.ts";
import { isVariant, rowNotes, type Scan, scanVariants } from "./scan.ts";
import { type ScoreSubject, ScoreWork } from "./score.ts";
import {
  checkLegacy,
  checkPositions,
  type ScoreSettings,
  settingNotes,
  windowOptions,
} from "./settings.ts";
import * as tables from "./tables.ts";
import { REASONS, type Target } from "./types.ts";

export interface ScoreFlags extends ManyFlags, ScoreSettings, RunFlags {
  positions?: string;
  by?: string;
  bootstrap: number;
  seed: number;
  tokenBudget?: number;
  column?: string;
  aggregate?: string;
}

/** Proteins that have been looked at once, so that nothing is wrong with them. */
interface Inputs {
  proteins: ScoreSubject[];
  notes: string[];
  regions?: Regions;
}

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runScore(
  o: ScoreFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  if (o.aggregate !== undefined) return await printAggregate(o, ctx);
  await runAnalysis<Inputs>(o, ctx, {
    command: "score",
    read: () => readSubjects(o),
    plan({ proteins, regions }, { name: model }) {
      const name = o.column ?? model, sources = proteins.map(({ source }) => source);
      const kinds = { mode: o.mode, scans: proteins.map(({ scan }) => scan) };
      const scores = tables.scoresTable(name, sources, kinds);
      const run = new ScoreRun(proteins);
      return {
        notes: proteins.flatMap((protein) => notesOf(protein, proteins.length)),
        settings: {
          proteins: proteins.map(({ target, scan }) => ({ target, variants: scan.digest })),
          ...{ mode: o.mode, multi: o.multi, window: o.window, legacy: o.legacy },
          ...{ tokenBudget: o.tokenBudget, positions: o.positions },
        },
        prepack: { tokens: proteins.reduce((sum, protein) => sum + tokensOf(protein), 0) },
        label: "scoring",
        unit: "passes",
        async open({ esm, stack }) {
          const { tokenBudget } = o, { signal } = ctx;
          const runner = new QueryRunner(esm, { ...windowOptions(o), tokenBudget, signal });
          run.runner = runner;
          await run.plan(runner.tokenBudget, signal);
          stack.defer(() => run.release());
          return {
            pieces: run.units.map((_, unit) => [unit]),
            weightOf: ([unit]) => {
              const { work, piece } = run.units[unit];
              return work.pieces[piece].passes;
            },
            compute: async ([unit], put) => put(unit, packUnit(await run.compute(unit))),
          };
        },
        finish: (finished) => writeResults(o, ctx, run, { ...finished, scores, name, regions }),
      };
    },
  }, merged);
}

/** About how many tokens a protein's passes have, known before anything is opened. */
function tokensOf({ mode, target: { residues: { length } }, scan }: ScoreSubject): number {
  const whole = length * length;
  if (mode === "pseudo-perplexity") return scan.rows * whole;
  if (mode === "mutant-marginal") return scan.rows * length;
  const masked = mode === "masked-marginal" ? scan.mutated.reduce((sum, one) => sum + one, 0) : 1;
  return masked * length + scan.indels * whole;
}

/** The work of all proteins; units are the pieces of one after another. */
class ScoreRun {
  runner?: QueryRunner;
  readonly units: { work: ScoreWork; piece: number }[] = [];
  /** Each protein's work and the number of its first unit. */
  readonly works: { work: ScoreWork; begin: number }[] = [];
  #last?: ScoreWork;

  constructor(readonly proteins: readonly ScoreSubject[]) {}

  /** Cuts the work into units, unless that is done. */
  async plan(tokenBudget: number, signal: AbortSignal): Promise<void> {
    if (this.works.length > 0) return;
    for (const protein of this.proteins) {
      const work = new ScoreWork(protein, tokenBudget, signal);
      await work.plan();
      this.works.push({ work, begin: this.units.length });
      work.pieces.forEach((_, piece) => this.units.push({ work, piece }));
    }
  }

  async compute(unit: number): Promise<Float32Array> {
    const { work, piece } = this.units[unit];
    if (this.#last !== work) await this.release();
    this.#last = work;
    return await work.compute(piece, this.runner!);
  }

  /** Closes what the last unit needed. */
  async release(): Promise<void> {
    await this.#last?.release();
  }
}

async function readSubjects(o: ScoreFlags): Promise<Inputs> {
  const { proteins: read, notes } = await readAll(o);
  const proteins: ScoreSubject[] = [];
  for (const { target, source } of read) {
    const scan = await scanVariants(source, target);
    checkLegacy(o, scan);
    const positions = readPositions(o.positions, target, source.kind === "all");
    proteins.push({ ...settingsOf(o), target, source, scan, positions });
  }
  if (o.by === undefined) return { proteins, notes };
  const [{ target, source }, ...others] = proteins;
  if (!source.hasMeasured || others.length > 0) {
    throw new UserError(
      `Cannot use --by as ${
        others.length > 0
          ? `it must be given with one protein: current count is ${proteins.length}`
          : "--assay must give measured values to compare with: current value is none"
      }`,
    );
  }
  return { proteins, notes, regions: Regions.parse(await readText(o.by), o.by, target) };
}

const settingsOf = ({ mode, multi, window, legacy }: ScoreSettings): ScoreSettings => ({
  ...{ mode, multi, window, legacy },
});

/** What a reader of the results should know of a protein. */
function notesOf({ target, scan, ...settings }: ScoreSubject, proteins: number): string[] {
  const notes = [...settingNotes(settings, target.residues.length), ...rowNotes(scan)];
  return proteins === 1 ? notes : notes.map((note) => `${target.id}: ${note}`);
}

interface ScoreResults extends Finished {
  scores: ReturnType<typeof tables.scoresTable>;
  /** Of the score's column. */
  name: string;
  regions?: Regions;
}

/** Rows, matrices and statistics protein by protein; only those that the report draws stay in memory. */
async function writeResults(
  o: ScoreFlags,
  ctx: CommandContext,
  run: ScoreRun,
  { results, output, provenance, settings, notes, print, ...finished }: ScoreResults,
): Promise<void> {
  const { proteins } = run, count = proteins.length, { scores, name, regions } = finished;
  const backend = settings.backend as { name: BackendName };
  await run.plan(o.tokenBudget ?? pieceTokens(backend), ctx.signal);
  const files = fileNames(proteins.map(({ target }) => target.id));
  const drawn: ScoredProtein[] = [], all: tables.ProteinPerformance[][] = [];
  const ends: Parameters<typeof tables.proteinsText>[0][number][] = [], records: unknown[] = [];
  const lines: ProteinLine[] = [];
  let text = "";
  {
    const raw = count === 1 ? tables.scoreLines(scores, proteins[0].source) : undefined;
    await using scoreSink = results.open(scores, raw);
    await using matrixSink = results.open(tables.tableFor(tables.MATRIX, count));
    await using stack = new AsyncDisposableStack();
    let performanceSink: RowSink<tables.ProteinPerformance> | undefined;
    if (proteins.some(({ source }) => source.hasMeasured)) {
      performanceSink = stack.use(results.open(tables.tableFor(tables.PERFORMANCE, count)));
    }
    for (const [p, { target, source, scan }] of proteins.entries()) {
      ctx.signal.throwIfAborted();
      const samples = new SampleCollector(regions), extremes = new tables.Extremes();
      const listed = new tables.Extremes(LISTED);
      let scored = 0, favoured = 0;
      const { work, begin } = run.works[p];
      const { matrix, wildPll } = await work.finish(
        (piece) => unpackUnit<Float32Array>(finished.read(begin + piece)),
        async (found) => {
          const { row, reading, score } = found;
          const shown = isVariant(reading) ? score : REASONS[reading.reason];
          extremes.add(row.text || row.place, shown);
          if (isVariant(reading) && !Number.isNaN(score)) {
            listed.add(row.text || row.place, score, reading);
            scored++;
            if (score >= 0) favoured++;
          }
          if (source.hasMeasured) samples.add(found);
          await scoreSink.add({ ...found, target, source });
        },
      );
      await matrixSink.write(tables.matrixRows(matrix));
      const file = count === 1 ? "matrix.npz" : `${files[p]}.matrix.npz`;
      await tables.writeMatrixNpz(output.temporaryPath(file), matrix);
      const performance = source.hasMeasured ? await evaluateGroups(samples, o, ctx) : [];
      all.push(performance.map((each) => ({ protein: target.id, ...each })));
      await performanceSink?.write(all[p]);
      const { lowest, highest } = listed, isScan = source.kind === "all";
      if (drawn.length < MOST_DRAWN) {
        drawn.push({ matrix, isScan, scored, favoured, lowest, highest, performance, samples });
      }
      const { id, residues: { length: residues } } = target;
      lines.push({
        id,
        residues,
        variants: scan.rows,
        performance,
        low: lowest[0],
        high: highest[0],
      });
      records.push(recordOf(target, scan, wildPll));
      if (count === 1) text = extremes.text();
      else ends.push({ id: target.id, rows: scan.rows, ends: extremes.ends });
    }
    for (const sink of [scoreSink, matrixSink, performanceSink]) await sink?.close();
  }
  const measured = all.filter(({ length }) => length > 0);
  const { bootstrap: resamples, seed } = o;
  const summary = measured.length < 2
    ? []
    : await summarisePerformance(measured, { resamples, seed, signal: ctx.signal });
  if (summary.length > 0) await results.write(tables.SUMMARY, summary);
  Object.assign(provenance, count === 1 ? records[0] : { proteins: records });
  if (run.runner) provenance.passes = run.runner.passes;
  if (o.report) {
    const { id, residues } = proteins[0].target;
    const run = {
      // Times differ between a run and its continuation; run.json has them.
      record: {
        ...{ esmscope: settings.esmscope, model: settings.model, backend: settings.backend },
        ...(count === 1 ? { target: proteins[0].target } : { proteins: count }),
        ...{ mode: o.mode, multi: o.multi, window: o.window, legacy: o.legacy },
        ...{ tokenBudget: o.tokenBudget, positions: o.positions },
        ...(count === 1 && { variants: proteins[0].scan.digest }),
        ...{ command: "score", bootstrap: resamples, seed },
      },
      input: count === 1 ? `${id}, ${residues.length} residues` : `${count} proteins`,
      options: optionsText(o, measured.length > 0),
      files: output.files(),
    };
    const labels = { score: name, measured: o.measuredColumn };
    await output.write(
      "report.html",
      renderVariantReport({ notes, proteins: drawn, lines, summary, labels, run }),
    );
  }
  print(count === 1 ? text : tables.proteinsText(ends));
  const headlines = count === 1 ? measured[0] ?? [] : measured.map(([headline]) => headline);
  if (headlines.length > 0) print(`\n${tables.performanceText(headlines)}`);
  if (summary.length > 0) {
    const names = tables.SUMMARY.columns.map(({ name }) => name);
    print(`\n${tableText(tables.SUMMARY, names, summary.filter(({ group }) => group === "all"))}`);
  }
}

/** Variants at each end that the report lists. */
const LISTED = 10;

/** Options that decide the numbers, in words. */
const optionsText = ({ mode, multi, legacy, ...o }: ScoreFlags, isMeasured: boolean) =>
  [
    ...[mode, `several mutations ${multi}`, legacy && `legacy ${legacy}`],
    isMeasured && `${o.bootstrap} resamples, seed ${o.seed}`,
  ].filter(Boolean).join(", ");

/** What run.json says of a protein. */
const recordOf = (target: Target, scan: Scan, wildPll: number | undefined) => ({
  target,
  variants: {
    rows: scan.rows,
    multiple: scan.multiple,
    indels: scan.indels,
    withoutScore: Object.fromEntries(scan.unscorable),
  },
  ...(wildPll !== undefined && { wildTypePseudoLogLikelihood: wildPll }),
});

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
