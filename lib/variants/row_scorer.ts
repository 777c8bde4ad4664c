/** Scores of variants, some rows at a time. */
import { REFERENCE_LOG_PROB, ROW_VALUES } from "../../kernels/token_log_probs/mod.ts";
import { columnOf, KERNEL_COLUMNS, tokenOf } from "./letters.ts";
import { idsOf, type ScoreMatrix } from "./matrix.ts";
import type { Query } from "./queries.ts";
import { mutate } from "./resolve.ts";
import type { Legacy, Mode, Multi, Substitution, Target, Variant } from "./types.ts";

/** Values per row that {@link RowScorer} gives: score, pseudo-log-likelihood (NaN where none). */
export const SCORE_VALUES = 2;

export interface RowScorerSettings {
  target: Target;
  mode: Mode;
  multi: Multi;
  legacy?: Legacy;
}

/** Answers queries. */
export type Run = (queries: readonly Query[]) => Promise<Float32Array[]>;

/** Where in the answers a variant's score comes from. */
type Recipe = (answers: readonly Float32Array[]) => [score: number, pll: number];

export class RowScorer {
  /** Pseudo-log-likelihood of the target, masked and unmasked; set before rows that need it. */
  wildPll = NaN;

  constructor(
    readonly settings: RowScorerSettings,
    readonly matrix: ScoreMatrix,
  ) {}

  /** Whether pseudo-log-likelihoods mask each residue in turn, or read all from one pass. */
  get #masksEach(): boolean {
    return this.settings.mode === "masked-marginal" || this.settings.mode === "pseudo-perplexity";
  }

  /** Forward passes that a variant needs; repeats within a chunk may need fewer. */
  cost({ substitutions, indel }: Variant): number {
    const { mode, multi, target } = this.settings;
    if (indel !== undefined) return this.#masksEach ? indel.length : 1;
    if (mode === "pseudo-perplexity") return target.residues.length;
    if (mode === "mutant-marginal") return substitutions.length > 0 ? 1 : 0;
    return this.#isJoint(substitutions) && multi === "joint" ? 1 : 0;
  }

  async wildType(run: Run): Promise<Float64Array> {
    const { id, residues } = this.settings.target;
    return Float64Array.of(sumReferences(await run(this.#pllQueries(id, residues))));
  }

  /** f64[rows, 2] */
  async score(variants: readonly Variant[], run: Run): Promise<Float64Array> {
    const queries: Query[] = [], shared = new Map<string, number>();
    const recipes = variants.map((variant) => this.#recipe(variant, queries, shared));
    const answers = queries.length > 0 ? await run(queries) : [];
    const out = new Float64Array(variants.length * SCORE_VALUES);
    recipes.forEach((recipe, i) => out.set(recipe(answers), i * SCORE_VALUES));
    return out;
  }

  #recipe(variant: Variant, queries: Query[], shared: Map<string, number>): Recipe {
    const { mode, multi, legacy } = this.settings;
    const { substitutions, indel } = variant;
    if (indel !== undefined || mode === "pseudo-perplexity") {
      const unchanged = indel === undefined && substitutions.every(({ from, to }) => from === to);
      if (unchanged && !legacy) return () => [0, this.wildPll];
      const from = queries.length;
      queries.push(...this.#pllQueries("variant", mutate(this.settings.target, variant)));
      const to = queries.length;
      return (answers) => {
        const pll = sumReferences(answers.slice(from, to));
        return [legacy ? pll : pll - this.wildPll, pll];
      };
    }
    if (mode === "mutant-marginal") return this.#mutantMarginal(variant, queries);
    if (multi === "joint" && this.#isJoint(substitutions)) {
      return this.#joint(substitutions, queries, shared);
    }
    const sum = substitutions.reduce(
      (s, { position, to }) => s + this.matrix.score(position, to),
      0,
    );
    return () => [sum, NaN];
  }

  #mutantMarginal(variant: Variant, queries: Query[]): Recipe {
    const { substitutions } = variant;
    if (substitutions.length === 0) return () => [0, NaN];
    const at = queries.length;
    queries.push({
      ids: idsOf("variant", mutate(this.settings.target, variant)),
      masked: [],
      reads: substitutions.map(readOf),
    });
    return (answers) => [sumDifferences(answers[at], substitutions), NaN];
  }

  /** All positions of a variant masked at once; variants of the same positions share the pass. */
  #joint(
    substitutions: readonly Substitution[],
    queries: Query[],
    shared: Map<string, number>,
  ): Recipe {
    const { id, residues } = this.settings.target;
    const masked = substitutions.map(({ position }) => position);
    const key = masked.join();
    const at = shared.get(key) ?? queries.length;
    if (at === queries.length) {
      shared.set(key, at);
      queries.push({ ids: idsOf(id, residues), masked, reads: substitutions.map(readOf) });
    }
    return (answers) => [sumDifferences(answers[at], substitutions), NaN];
  }

  #isJoint(substitutions: readonly Substitution[]): boolean {
    return substitutions.length > 1;
  }

  #pllQueries(id: string, residues: string): Query[] {
    const ids = idsOf(id, residues);
    const last = residues.length;
    // The published scripts mask token i but look up the next residue's letter, and stop two short.
    const shift = this.settings.legacy ? 1 : 0;
    const tokens = Array.from({ length: Math.max(0, last - 2 * shift) }, (_, i) => i + 1);
    const read = (token: number) => ({ token, reference: ids[token + shift] });
    return this.#masksEach
      ? tokens.map((token) => ({ ids, masked: [token], reads: [read(token)] }))
      : [{ ids, masked: [], reads: tokens.map(read) }];
  }
}

const readOf = ({ position, from }: Substitution) => ({
  token: position,
  reference: tokenOf(from)!,
});

function sumDifferences(answer: Float32Array, substitutions: readonly Substitution[]): number {
  return substitutions.reduce(
    (sum, { to }, read) => sum + answer[read * ROW_VALUES + KERNEL_COLUMNS[columnOf(to)]],
    0,
  );
}

function sumReferences(answers: readonly Float32Array[]): number {
  let sum = 0;
  for (const answer of answers) {
    for (let at = REFERENCE_LOG_PROB; at < answer.length; at += ROW_VALUES) sum += answer[at];
  }
  return sum;
}
