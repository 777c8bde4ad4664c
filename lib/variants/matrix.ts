/** What the model says of every position of the target: the marginals and the entropy. */
import { ENTROPY, LETTERS, REFERENCE_LOG_PROB } from "../../kernels/token_log_probs/mod.ts";
import { counted, showAs } from "../display.ts";
import { tokenize } from "../esm2/mod.ts";
import { AMINO_ACIDS, columnOf, KERNEL_COLUMNS } from "./letters.ts";
import type { Query } from "./queries.ts";
import type { Target } from "./types.ts";

/** Scores of single substitutions, L × 20. */
export class ScoreMatrix {
  static {
    showAs<ScoreMatrix>(this.prototype, {
      text: ({ target: { id, residues }, scores }) =>
        `ScoreMatrix of ${id}: ${counted(residues.length, "residue")} × ${LETTERS} letters, ` +
        `${scores.filter((score) => !Number.isNaN(score)).length} scores`,
    });
  }

  /** f32[L, 20] in the order of `AMINO_ACIDS`; NaN where nothing was computed. */
  readonly scores: Float32Array;
  /** f32[L]: entropy of the 20 letters, nats. */
  readonly entropy: Float32Array;
  /** f32[L]: log probability of the wild-type residue among all tokens. */
  readonly wildTypeLogProb: Float32Array;

  /** Starts without a score. @param target whose residues are the rows */
  constructor(readonly target: Target) {
    const length = target.residues.length;
    this.scores = new Float32Array(length * LETTERS).fill(NaN);
    this.entropy = new Float32Array(length).fill(NaN);
    this.wildTypeLogProb = new Float32Array(length).fill(NaN);
  }

  /** Takes a position's values as `tokenLogProbs` gives them. */
  set(position: number, values: ArrayLike<number>, at = 0): void {
    const row = (position - 1) * LETTERS;
    KERNEL_COLUMNS.forEach((from, column) => this.scores[row + column] = values[at + from]);
    this.entropy[position - 1] = values[at + ENTROPY];
    this.wildTypeLogProb[position - 1] = values[at + REFERENCE_LOG_PROB];
  }

  /** Puts the score of one substitution. */
  setScore(position: number, letter: string, score: number): void {
    this.scores[(position - 1) * LETTERS + columnOf(letter)] = score;
  }

  /** Score of a substitution, nats; NaN where nothing was computed. @param position 1-based */
  score(position: number, letter: string): number {
    return this.scores[(position - 1) * LETTERS + columnOf(letter)];
  }

  /** Mean score of the substitutions at a position that were computed; NaN for none. */
  sensitivity(position: number): number {
    let sum = 0, count = 0;
    for (const letter of AMINO_ACIDS) {
      const score = this.score(position, letter);
      if (letter === this.target.residues[position - 1] || Number.isNaN(score)) continue;
      sum += score;
      count++;
    }
    return sum / count;
  }
}

/** Token ids of a sequence of any length. */
export function idsOf(id: string, residues: string): Int32Array {
  return tokenize({ id, residues }, { maxLength: Infinity });
}

/**
 * Queries for the marginals of some positions, in groups that are run together.
 *
 * @param masked whether each position is masked, alone; otherwise one pass shows all of them
 * @param tokenBudget tokens that a group of masked passes should have
 */
export function positionGroups(
  target: Target,
  positions: readonly number[],
  masked: boolean,
  tokensPerPass: number,
  tokenBudget: number,
): { positions: number[]; queries: Query[] }[] {
  const ids = idsOf(target.id, target.residues);
  const size = masked ? Math.max(1, Math.floor(tokenBudget / tokensPerPass)) : UNMASKED_GROUP;
  const read = (token: number) => ({ token, reference: ids[token] });
  const groups = [];
  for (let at = 0; at < positions.length; at += size) {
    const group = positions.slice(at, at + size);
    const queries = masked
      ? group.map((token) => ({ ids, masked: [token], reads: [read(token)] }))
      : [{ ids, masked: [], reads: group.map(read) }];
    groups.push({ positions: group, queries });
  }
  return groups;
}

/** Positions of an unmasked protein read at a time; only in windows does it need several passes. */
const UNMASKED_GROUP = 1022;
