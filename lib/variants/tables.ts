/** Results as files and on the terminal. */
import { formatTable } from "../cli/table.ts";
import { formatCsv } from "../io/csv.ts";
import { NpzWriter } from "../io/npz.ts";
import { type Performance, STATISTIC_LABELS, STATISTICS } from "./evaluate.ts";
import { AMINO_ACIDS } from "./letters.ts";
import type { ScoreMatrix } from "./matrix.ts";
import { residueOf } from "./resolve.ts";

/** matrix.csv: one row per position that has a score, one column per amino acid. */
export function matrixCsv(matrix: ScoreMatrix): string {
  const letters = [...AMINO_ACIDS];
  return formatCsv(
    ["position", "wild_type", ...letters, "mean_score", "entropy", "wild_type_log_prob"],
    scoredPositions(matrix).map((position) => ({
      position: residueOf(position, matrix.target),
      wild_type: matrix.target.residues[position - 1],
      ...Object.fromEntries(letters.map((letter) => [letter, matrix.score(position, letter)])),
      mean_score: matrix.sensitivity(position),
      entropy: matrix.entropy[position - 1],
      wild_type_log_prob: matrix.wildTypeLogProb[position - 1],
    })),
  );
}

/** Positions at which at least one score was computed. */
function scoredPositions(matrix: ScoreMatrix): number[] {
  return Array.from(matrix.target.residues, (_, i) => i + 1).filter((position) =>
    [...AMINO_ACIDS].some((letter) => !Number.isNaN(matrix.score(position, letter)))
  );
}

/** matrix.npz: the whole matrix, NaN where nothing was computed, with what its axes mean. */
export async function writeMatrixNpz(path: string, matrix: ScoreMatrix): Promise<void> {
  const { target: { residues, offset }, scores, entropy, wildTypeLogProb } = matrix;
  const length = residues.length;
  const codes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  await using npz = await NpzWriter.create(path);
  await npz.add("scores", { shape: [length, AMINO_ACIDS.length], data: scores });
  await npz.add("entropy", { shape: [length], data: entropy });
  await npz.add("wild_type_log_prob", { shape: [length], data: wildTypeLogProb });
  const positions = Int32Array.from({ length }, (_, i) => i + offset);
  await npz.add("positions", { shape: [length], data: positions });
  await npz.add("wild_type", { shape: [length], data: codes(residues) });
  await npz.add("amino_acids", { shape: [AMINO_ACIDS.length], data: codes(AMINO_ACIDS) });
  await npz.close();
}

/** performance.csv: statistics against the assay, by group of variants. */
export function performanceCsv(performance: readonly Performance[]): string {
  const columns = STATISTICS.flatMap((name) => [name, `${name}_low`, `${name}_high`]);
  return formatCsv(
    ["group", "variants", "labelled", ...columns],
    performance.map(({ group, variants, labelled, values, intervals }) => ({
      group,
      variants,
      labelled,
      ...Object.fromEntries(STATISTICS.flatMap((name) => [
        [name, values[name]],
        [`${name}_low`, intervals?.[name].low],
        [`${name}_high`, intervals?.[name].high],
      ])),
    })),
  );
}

const three = (value: number) => Number.isNaN(value) ? "–" : value.toFixed(3);

/** The statistics as a table for the terminal, intervals in brackets. */
export function performanceText(performance: readonly Performance[]): string {
  const shown = STATISTICS.filter((name) =>
    performance.some(({ values }) => !Number.isNaN(values[name]))
  );
  // Of no interest where all or none have a label.
  const some = performance.some(({ variants, labelled }) => labelled > 0 && labelled < variants);
  return formatTable(
    [
      { header: "variants" },
      { header: "n" },
      ...(some ? [{ header: "labelled" }] : []),
      ...shown.map((name) => ({ header: STATISTIC_LABELS[name], align: "right" as const })),
    ],
    performance.map(({ group, variants, labelled, values, intervals }) => [
      group,
      variants,
      ...(some ? [labelled] : []),
      ...shown.map((name) => {
        const { low, high } = intervals?.[name] ?? { low: NaN, high: NaN };
        const range = Number.isNaN(low) ? "" : ` (${three(low)} to ${three(high)})`;
        return three(values[name]) + range;
      }),
    ]),
  );
}

/** A scored variant for the terminal. */
interface NamedScore {
  name: string;
  /** Or why there is none. */
  score: number | string;
}

interface Scored extends NamedScore {
  score: number;
}

/** The variants scored lowest and highest, or all of them in input order when they are few. */
export class Extremes {
  readonly #most: number;
  #all: NamedScore[] | null = [];
  #low: Scored[] = [];
  #high: Scored[] = [];

  constructor(most = 5) {
    this.#most = most;
  }

  /** @param score or why there is none */
  add(name: string, score: number | string): void {
    if (this.#all && this.#all.push({ name, score }) > 4 * this.#most) this.#all = null;
    if (typeof score === "string") return;
    this.#low = this.#best(this.#low, { name, score }, 1);
    this.#high = this.#best(this.#high, { name, score }, -1);
  }

  text(): string {
    const column = (header: string) => ({ header });
    const score = { header: "score", format: (value: number) => value.toFixed(3) };
    if (this.#all) {
      return formatTable(
        [column("variant"), score],
        this.#all.map(({ name, score }) => [name, score]),
      );
    }
    return formatTable(
      [column("highest"), score, column("lowest"), score],
      this.#high.map(({ name, score }, i) => [name, score, this.#low[i].name, this.#low[i].score]),
    );
  }

  #best(kept: Scored[], one: Scored, sign: 1 | -1): Scored[] {
    const last = kept.at(-1);
    if (Number.isNaN(one.score)) return kept;
    if (last && kept.length >= this.#most && sign * one.score >= sign * last.score) return kept;
    return [...kept, one].sort((a, b) => sign * (a.score - b.score)).slice(0, this.#most);
  }
}
