/** Scores variants: marginals of positions first, then rows, both in units that a later run can reuse. */
import { ROW_VALUES } from "../../kernels/token_log_probs/mod.ts";
import type { Esm2 } from "../esm2/mod.ts";
import { flatten, positionGroups, ScoreMatrix } from "./matrix.ts";
import type { UnitStore } from "../run/unit_store.ts";
import { RowScorer, type Run, SCORE_VALUES } from "./row_scorer.ts";
import { QueryRunner } from "./runner.ts";
import { isVariant, readRow, type Scan } from "./scan.ts";
import { type ScoreSettings, windowOptions } from "./settings.ts";
import type { VariantSource } from "./source.ts";
import type { Reading, Target, Variant, VariantRow } from "./types.ts";
import { WINDOW_TOKENS } from "./windows.ts";

/** What is scored, and how. */
export interface ScoreRequest extends ScoreSettings {
  /** The protein. */
  target: Target;
  /** Where variants come from. */
  source: VariantSource;
  /** What {@linkcode scanVariants} found of that source. */
  scan: Scan;
  /** Positions whose marginals are wanted besides those that variants change. */
  positions: readonly number[];
  /**
   * Finished units of an earlier run, which the command keeps.
   * @ignore
   */
  progress?: UnitStore;
  /** Tokens that run together. @default 1024 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears of positions, then of rows that need passes of their own. */
  onProgress?: (stage: "positions" | "variants", done: number, total: number) => void;
  /** Takes each row in order. */
  onRow: (row: ScoredRow) => void | Promise<void>;
}

/** A row with what was found. */
export interface ScoredRow {
  /** The row as its source has it. */
  row: VariantRow;
  /** The variant, or why it has no score. */
  reading: Reading;
  /** NaN where there is none. */
  score: number;
  /** Pseudo-log-likelihood of the variant's sequence; NaN where it was not needed. */
  pll: number;
  /**
   * Pseudo-log-likelihood per residue, minus the target's: what can be compared between proteins of
   * different lengths. NaN for others.
   */
  perResidue: number;
}

/** What is known after the last row. */
export interface ScoreResult {
  /** Every substitution's score, as far as it was computed. */
  matrix: ScoreMatrix;
  /** Forward passes of this run, those of an earlier one not counted. */
  passes: number;
  /** Pseudo-log-likelihood of the target, where variants were compared with it. */
  wildPll?: number;
}

/** Rows of a chunk that need no pass at all; bounds the memory for text. */
const LARGEST_CHUNK = 4096;

/** Batches of a chunk: few enough that little is lost with it, enough that most are full. */
const BATCHES_PER_CHUNK = 8;

/** The number of the unit that is the target's own pseudo-log-likelihood. */
const WILD_TYPE_UNIT = 0xffff_ffff;

/** Scores every row of the source; results do not depend on what an earlier run had finished. */
export async function scoreVariants(model: Esm2, request: ScoreRequest): Promise<ScoreResult> {
  const { target, source, scan, mode, legacy } = request;
  const runner = new QueryRunner(model, { ...windowOptions(request), ...runnerOptions(request) });
  const matrix = new ScoreMatrix(target);
  const isMarginal = mode === "masked-marginal" || mode === "wt-marginal";
  const units = isMarginal ? await scorePositions(request, runner, matrix) : 0;

  const scorer = new RowScorer(request, matrix);
  if (scan.indels > 0 || mode === "pseudo-perplexity" && !legacy) {
    const unit = await inPieces(request, runner, WILD_TYPE_UNIT, (run) => scorer.wildType(run));
    scorer.wildPll = unit[0];
  }
  let chunk = newChunk(), chunks = 0, done = 0;
  const flush = async () => {
    request.signal?.throwIfAborted();
    const variants = chunk.rows.map(({ reading }) => reading).filter(isVariant);
    const score = (run: Run) => scorer.score(variants, run);
    const values = chunk.cost > 0
      ? await inPieces(request, runner, units + chunks, score)
      : await score((queries) => runner.run(queries));
    let at = 0;
    for (const { row, reading } of chunk.rows) {
      if (!isVariant(reading)) {
        await request.onRow({ row, reading, score: NaN, pll: NaN, perResidue: NaN });
        continue;
      }
      const [score, pll] = values.subarray(at, at += SCORE_VALUES);
      if (!isMarginal) fill(matrix, reading, score);
      const length = reading.indel?.length;
      const perResidue = length === undefined
        ? NaN
        : pll / length - scorer.wildPll / target.residues.length;
      await request.onRow({ row, reading, score, pll, perResidue });
    }
    chunks++;
    done += chunk.rows.length;
    request.onProgress?.("variants", done, scan.rows);
    chunk = newChunk();
  };
  const passTokens = Math.min(target.residues.length + 2, runnerWidth(request));
  const most = BATCHES_PER_CHUNK * Math.max(1, Math.floor(runner.tokenBudget / passTokens));
  for await (const row of source.rows()) {
    const reading = readRow(row, target)!;
    chunk.rows.push({ row, reading });
    if (isVariant(reading)) chunk.cost += scorer.cost(reading);
    if (chunk.cost >= most || chunk.rows.length >= LARGEST_CHUNK) await flush();
  }
  if (chunk.rows.length > 0) await flush();
  return {
    matrix,
    passes: runner.passes,
    ...(!Number.isNaN(scorer.wildPll) && { wildPll: scorer.wildPll }),
  };
}

interface Chunk {
  rows: { row: VariantRow; reading: Reading }[];
  /** Forward passes. */
  cost: number;
}

const newChunk = (): Chunk => ({ rows: [], cost: 0 });

/** Marginals of every position wanted; gives the number of units. */
async function scorePositions(
  request: ScoreRequest,
  runner: QueryRunner,
  matrix: ScoreMatrix,
): Promise<number> {
  const { target, scan, mode, progress, onProgress, signal } = request;
  const wanted = scan.mutated.slice();
  for (const position of request.positions) wanted[position] = 1;
  const positions = Array.from(wanted.keys()).filter((position) => wanted[position]);
  const groups = positionGroups(
    target,
    positions,
    mode === "masked-marginal",
    Math.min(target.residues.length + 2, runnerWidth(request)),
    runner.tokenBudget,
  );
  let done = 0;
  onProgress?.("positions", 0, positions.length);
  for (const [unit, group] of groups.entries()) {
    signal?.throwIfAborted();
    const values = await cached(
      progress,
      unit,
      async () => flatten(await runner.run(group.queries)),
    );
    group.positions.forEach((position, i) => matrix.set(position, values, i * ROW_VALUES));
    done += group.positions.length;
    onProgress?.("positions", done, positions.length);
  }
  return groups.length;
}

/** Most tokens of a pass. */
function runnerWidth(request: ScoreRequest): number {
  return windowOptions(request).kind === "full" ? Infinity : WINDOW_TOKENS;
}

const runnerOptions = ({ tokenBudget, signal }: ScoreRequest) => ({ tokenBudget, signal });

async function cached(
  progress: UnitStore | undefined,
  unit: number,
  compute: () => Promise<Float64Array>,
): Promise<Float64Array> {
  const known = progress?.get(unit);
  if (known) return known;
  const values = await compute();
  progress?.put(unit, values);
  return values;
}

/** A unit of many passes: its batches are remembered too, until all are done. */
function inPieces(
  { progress }: ScoreRequest,
  runner: QueryRunner,
  unit: number,
  compute: (run: Run) => Promise<Float64Array>,
): Promise<Float64Array> {
  return cached(progress, unit, async () => {
    using part = progress?.part(unit);
    const values = await compute(async (queries) => {
      const answers: Float32Array[] = [];
      let piece = 0;
      for (let at = 0; at < queries.length;) {
        const size = Math.max(1, Math.floor(runner.tokenBudget / queries[at].ids.length));
        const group = queries.slice(at, at + size);
        const found = await cached(
          part,
          piece++,
          async () => flatten(await runner.run(group)),
        );
        let from = 0;
        for (const { reads } of group) {
          const to = from + reads.length * ROW_VALUES;
          answers.push(Float32Array.from(found.subarray(from, to)));
          from = to;
        }
        at += size;
      }
      return answers;
    });
    part?.remove();
    return values;
  });
}

/** Modes without marginals know the singles that were asked for. */
function fill(matrix: ScoreMatrix, { substitutions, indel }: Variant, score: number): void {
  if (indel !== undefined || substitutions.length !== 1) return;
  const [{ position, to }] = substitutions;
  matrix.setScore(position, to, score);
}
