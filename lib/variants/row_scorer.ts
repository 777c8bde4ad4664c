/** What variants need of the model, and their scores from what it says. */
import { REFERENCE_LOG_PROB, ROW_VALUES } from "../../kernels/token_log_probs/mod.ts";
import { columnOf, KERNEL_COLUMNS, tokenOf } from "./letters.ts";
import { idsOf, type ScoreMatrix } from "./matrix.ts";
import type { Query } from "./queries.ts";
import { mutate } from "./resolve.ts";
import type { Legacy, Mode, Multi, Substitution, Target, Variant } from "./types.ts";

export interface RowScorerSettings {
  target: Target;
  mode: Mode;
  multi: Multi;
  legacy?: Legacy;
}

/**
 * A variant's score, and its pseudo-log-likelihood where there is one, from what was wanted of each
 * query, the marginals and the target's own pseudo-log-likelihood.
 */
export type Recipe = (
  answers: readonly Float32Array[],
  matrix: ScoreMatrix,
  wildPll: number,
) => [score: number, pll: number];

export class RowScorer {
  constructor(readonly settings: RowScorerSettings) {}

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
    return multi === "joint" && substitutions.length > 1 ? 1 : 0;
  }

  /** Queries of the target's pseudo-log-likelihood, masked or not. */
  wildTypeQueries(): Query[] {
    const { id, residues } = this.settings.target;
    return this.#pllQueries(id, residues);
  }

  wildType(answers: readonly Float32Array[]): number {
    return sum(answers);
  }

  /** Queries of some variants, and how each is scored from the answers. */
  plan(variants: readonly Variant[]): { queries: Query[]; recipes: Recipe[] } {
    const queries: Query[] = [], shared = new Map<string, number>();
    return { queries, recipes: variants.map((one) => this.#recipe(one, queries, shared)) };
  }

  #recipe(variant: Variant, queries: Query[], shared: Map<string, number>): Recipe {
    const { mode, multi, legacy } = this.settings;
    const { substitutions, indel } = variant;
    if (indel !== undefined || mode === "pseudo-perplexity") {
      const unchanged = indel === undefined && substitutions.every(({ from, to }) => from === to);
      if (unchanged && !legacy) return (_, __, wildPll) => [0, wildPll];
      const from = queries.length;
      queries.push(...this.#pllQueries("variant", mutate(this.settings.target, variant)));
      const to = queries.length;
      return (answers, _, wildPll) => {
        const pll = sum(answers.slice(from, to));
        return [legacy ? pll : pll - wildPll, pll];
      };
    }
    if (mode === "mutant-marginal") return this.#mutantMarginal(variant, queries);
    if (multi === "joint" && substitutions.length > 1) {
      return this.#joint(substitutions, queries, shared);
    }
    return (_, matrix) => [
      substitutions.reduce((s, { position, to }) => s + matrix.score(position, to), 0),
      NaN,
    ];
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
    return (answers) => [sum([answers[at]]), NaN];
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
      const reads = substitutions.map((one) => ({ ...readOf(one), value: undefined }));
      queries.push({ ids: idsOf(id, residues), masked, reads });
    }
    return (answers) => [sumDifferences(answers[at], substitutions), NaN];
  }

  #pllQueries(id: string, residues: string): Query[] {
    const ids = idsOf(id, residues);
    const last = residues.length;
    // The published scripts mask token i but look up the next residue's letter, and stop two short.
    const shift = this.settings.legacy ? 1 : 0;
    const tokens = Array.from({ length: Math.max(0, last - 2 * shift) }, (_, i) => i + 1);
    const read = (token: number) => ({
      token,
      reference: ids[token + shift],
      value: REFERENCE_LOG_PROB,
    });
    return this.#masksEach
      ? tokens.map((token) => ({ ids, masked: [token], reads: [read(token)] }))
      : [{ ids, masked: [], reads: tokens.map(read) }];
  }
}

const readOf = ({ position, from, to }: Substitution) => ({
  token: position,
  reference: tokenOf(from)!,
  value: KERNEL_COLUMNS[columnOf(to)],
});

/** Of reads that all values are kept of. */
function sumDifferences(answer: Float32Array, substitutions: readonly Substitution[]): number {
  return substitutions.reduce(
    (sum, { to }, read) => sum + answer[read * ROW_VALUES + KERNEL_COLUMNS[columnOf(to)]],
    0,
  );
}

function sum(answers: readonly Float32Array[]): number {
  let sum = 0;
  for (const answer of answers) for (const value of answer) sum += value;
  return sum;
}
