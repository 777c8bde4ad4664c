/** Scores variants: passes in pieces that can be kept or computed elsewhere, then rows from what they gave. */
import { ROW_VALUES } from "../../kernels/token_log_probs/mod.ts";
import type { Esm2 } from "../esm2/mod.ts";
import { positionGroups, ScoreMatrix } from "./matrix.ts";
import type { Query } from "./queries.ts";
import { RowScorer } from "./row_scorer.ts";
import { QueryRunner } from "./runner.ts";
import { isVariant, readRow, type Scan } from "./scan.ts";
import { type ScoreSettings, windowOptions } from "./settings.ts";
import type { VariantSource } from "./source.ts";
import type { Reading, Target, Variant, VariantRow } from "./types.ts";
import { WINDOW_TOKENS } from "./windows.ts";

/** Which variants of which protein are scored, and how. */
export interface ScoreSubject extends ScoreSettings {
  /** The protein. */
  target: Target;
  /** Where variants come from. */
  source: VariantSource;
  /** What {@linkcode scanVariants} found of that source. */
  scan: Scan;
  /** Positions whose marginals are wanted besides those that variants change. */
  positions: readonly number[];
}

/** What is scored, and who hears of it. */
export interface ScoreRequest extends ScoreSubject {
  /** Tokens that run together. @default 1024 or, in parts, 2048 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears of passes; windows that are read together may add some. */
  onProgress?: (done: number, total: number) => void;
  /** Takes each row in order, when all passes have run. */
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
  /** Forward passes. */
  passes: number;
  /** Pseudo-log-likelihood of the target, where variants were compared with it. */
  wildPll?: number;
}

/** Scores every row of the source. */
export async function scoreVariants(model: Esm2, request: ScoreRequest): Promise<ScoreResult> {
  const { tokenBudget, signal, onProgress, onRow } = request;
  const runner = new QueryRunner(model, { ...windowOptions(request), tokenBudget, signal });
  const work = new ScoreWork(request, runner.tokenBudget, signal);
  await work.plan();
  const found: Float32Array[] = [];
  let done = 0;
  const total = work.pieces.reduce((sum, { passes }) => sum + passes, 0);
  onProgress?.(0, total);
  for (const [i, { passes }] of work.pieces.entries()) {
    signal?.throwIfAborted();
    found.push(await work.compute(i, runner));
    onProgress?.(done += passes, total);
  }
  await work.release();
  const { matrix, wildPll } = await work.finish((i) => found[i], onRow);
  return { matrix, passes: runner.passes, ...(wildPll !== undefined && { wildPll }) };
}

/** Rows of a chunk that need no pass at all; bounds the memory for text. */
const LARGEST_CHUNK = 4096;

/** Batches of a chunk: enough that most are full. */
const BATCHES_PER_CHUNK = 8;

/** Queries that run together: a group of one of the sets that are asked, one after another. */
interface Piece {
  readonly set: number;
  readonly group: number;
  readonly passes: number;
}

interface Chunk {
  rows: { row: VariantRow; reading: Reading }[];
  /** Forward passes. */
  cost: number;
}

/**
 * The passes that one protein's variants need, cut into pieces that depend on nothing that ran before;
 * little of it is held between calls.
 */
export class ScoreWork {
  readonly pieces: Piece[] = [];
  readonly #scorer: RowScorer;
  /** The set that was asked for last, and those behind it. */
  #open?: { set: number; groups: Query[][]; rest: AsyncGenerator<Query[][]> };

  constructor(
    readonly subject: ScoreSubject,
    readonly tokenBudget: number,
    readonly signal?: AbortSignal,
  ) {
    this.#scorer = new RowScorer(subject);
  }

  /** Cuts the pieces, the same in every process. */
  async plan(): Promise<void> {
    let set = 0;
    for await (const groups of this.#sets()) {
      groups.forEach(({ length: passes }, group) => this.pieces.push({ set, group, passes }));
      set++;
    }
  }

  /** Runs a piece: what is wanted of its reads, one after another. */
  async compute(number: number, runner: QueryRunner): Promise<Float32Array> {
    const { set, group } = this.pieces[number];
    // Pieces are mostly asked for in order: the source is read from the top for an earlier one only.
    if (!this.#open || this.#open.set > set) {
      await this.release();
      this.#open = { set: -1, groups: [], rest: this.#sets() };
    }
    for (; this.#open.set < set; this.#open.set++) {
      this.#open.groups = (await this.#open.rest.next()).value;
    }
    const queries = this.#open.groups[group];
    return kept(queries, await runner.run(queries));
  }

  /** Forgets what the last piece needed. */
  async release(): Promise<void> {
    await this.#open?.rest.return([]);
    this.#open = undefined;
  }

  /**
   * Every row from the pieces' numbers.
   *
   * @param read gives those of a piece
   */
  async finish(
    read: (piece: number) => Float32Array,
    onRow: (row: ScoredRow) => void | Promise<void>,
  ): Promise<{ matrix: ScoreMatrix; wildPll?: number }> {
    const { target } = this.subject, scorer = this.#scorer, matrix = new ScoreMatrix(target);
    const pieces = Map.groupBy(this.pieces.keys(), (i) => this.pieces[i].set);
    let set = 0;
    const answers = (queries: readonly Query[]) =>
      answersOf(queries, (pieces.get(set++) ?? []).map(read));
    if (this.#isMarginal) {
      const groups = this.#positionGroups();
      const all = answers(groups.flatMap(({ queries }) => queries));
      let at = 0;
      for (const { positions, queries } of groups) {
        const values = joined(all.slice(at, at += queries.length));
        positions.forEach((position, i) => matrix.set(position, values, i * ROW_VALUES));
      }
    }
    const wildPll = this.#needsTarget ? scorer.wildType(answers(scorer.wildTypeQueries())) : NaN;
    for await (const chunk of this.#readChunks()) {
      const { variants, queries, recipes } = this.#recipes(chunk);
      const found = answers(queries);
      let next = 0;
      for (const { row, reading } of chunk.rows) {
        if (!isVariant(reading)) {
          await onRow({ row, reading, score: NaN, pll: NaN, perResidue: NaN });
          continue;
        }
        const [score, pll] = recipes[next](found, matrix, wildPll);
        if (!this.#isMarginal) fill(matrix, variants[next], score);
        next++;
        const length = reading.indel?.length;
        const perResidue = length === undefined
          ? NaN
          : pll / length - wildPll / target.residues.length;
        await onRow({ row, reading, score, pll, perResidue });
      }
    }
    return { matrix, ...(!Number.isNaN(wildPll) && { wildPll }) };
  }

  get #isMarginal(): boolean {
    const { mode } = this.subject;
    return mode === "masked-marginal" || mode === "wt-marginal";
  }

  get #needsTarget(): boolean {
    const { scan, mode, legacy } = this.subject;
    return scan.indels > 0 || mode === "pseudo-perplexity" && !legacy;
  }

  /** Whether any row needs more than the marginals. */
  get #rowsNeedPasses(): boolean {
    const { scan, multi } = this.subject;
    return !this.#isMarginal || scan.indels > 0 || multi === "joint" && scan.multiple > 0;
  }

  /** Most tokens of a pass. */
  get #passTokens(): number {
    const { residues: { length } } = this.subject.target;
    const widest = windowOptions(this.subject).kind === "full" ? Infinity : WINDOW_TOKENS;
    return Math.min(length + 2, widest);
  }

  /** Marginals of every position wanted. */
  #positionGroups() {
    const { target, scan, mode, positions: more } = this.subject;
    const wanted = scan.mutated.slice();
    for (const position of more) wanted[position] = 1;
    const positions = Array.from(wanted.keys()).filter((position) => wanted[position]);
    const masked = mode === "masked-marginal";
    return positionGroups(target, positions, masked, this.#passTokens, this.tokenBudget);
  }

  /** Rows that are looked at together. */
  async *#readChunks(): AsyncGenerator<Chunk> {
    const { target, source } = this.subject;
    const batch = Math.max(1, Math.floor(this.tokenBudget / this.#passTokens));
    const most = BATCHES_PER_CHUNK * batch;
    let chunk: Chunk = { rows: [], cost: 0 };
    for await (const row of source.rows()) {
      const reading = readRow(row, target)!;
      chunk.rows.push({ row, reading });
      if (isVariant(reading)) chunk.cost += this.#scorer.cost(reading);
      if (chunk.cost < most && chunk.rows.length < LARGEST_CHUNK) continue;
      yield chunk;
      chunk = { rows: [], cost: 0 };
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
      this.signal?.throwIfAborted();
    }
    if (chunk.rows.length > 0) yield chunk;
  }

  #recipes({ rows }: Chunk) {
    const variants = rows.map(({ reading }) => reading).filter(isVariant);
    return { variants, ...this.#scorer.plan(variants) };
  }

  /** What is asked: marginals of positions, the target's own likelihood, then of every chunk of rows. */
  async *#sets(): AsyncGenerator<Query[][]> {
    if (this.#isMarginal) yield this.#positionGroups().map(({ queries }) => queries);
    if (this.#needsTarget) yield this.#cut(this.#scorer.wildTypeQueries());
    if (!this.#rowsNeedPasses) return;
    for await (const chunk of this.#readChunks()) yield this.#cut(this.#recipes(chunk).queries);
  }

  /** Queries in groups of about as many tokens as run together. */
  #cut(queries: readonly Query[]): Query[][] {
    const groups: Query[][] = [];
    for (let from = 0; from < queries.length;) {
      const size = Math.max(1, Math.floor(this.tokenBudget / queries[from].ids.length));
      groups.push(queries.slice(from, from += size));
    }
    return groups;
  }
}

/** Of each read the one value that is wanted, or all. */
function kept(queries: readonly Query[], answers: readonly Float32Array[]): Float32Array {
  return joined(
    queries.flatMap(({ reads }, q) =>
      reads.map(({ value }, r) =>
        value === undefined
          ? answers[q].subarray(r * ROW_VALUES, (r + 1) * ROW_VALUES)
          : answers[q].subarray(r * ROW_VALUES + value, r * ROW_VALUES + value + 1)
      )
    ),
  );
}

/** What {@linkcode kept} put together, by query. */
function answersOf(queries: readonly Query[], pieces: readonly Float32Array[]): Float32Array[] {
  const all = joined(pieces);
  let at = 0;
  const found = queries.map(({ reads }) => {
    const size = reads.reduce((sum, { value }) => sum + (value === undefined ? ROW_VALUES : 1), 0);
    return all.subarray(at, at += size);
  });
  if (at !== all.length) throw new Error("the pieces are not those of the queries");
  return found;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Modes without marginals know the singles that were asked for. */
function fill(matrix: ScoreMatrix, { substitutions, indel }: Variant, score: number): void {
  if (indel !== undefined || substitutions.length !== 1) return;
  const [{ position, to }] = substitutions;
  matrix.setScore(position, to, score);
}
