/** Scores variants of a sequence without the command around it, for tests. */
import type { Esm2 } from "../lib/esm2/mod.ts";
import type { ScoreMatrix } from "../lib/variants/matrix.ts";
import { scanVariants } from "../lib/variants/scan.ts";
import { type ScoreRequest, scoreVariants } from "../lib/variants/score.ts";
import { allSingles, listed } from "../lib/variants/source.ts";

export interface AllScores {
  matrix: ScoreMatrix;
  passes: number;
  wildPll?: number;
  /** Per variant, in order. */
  scores: number[];
  names: string[];
}

/** Scores a list of mutations, or every single substitution. */
export async function scoreAll(
  model: Esm2,
  residues: string,
  { mutations, offset = 1, ...settings }: Partial<ScoreRequest> & {
    mutations?: string;
    offset?: number;
  } = {},
): Promise<AllScores> {
  const target = { id: "test", residues, offset };
  const source = mutations === undefined ? allSingles(target) : listed(mutations);
  const scores: number[] = [], names: string[] = [];
  const result = await scoreVariants(model, {
    mode: "masked-marginal",
    multi: "additive",
    window: "optimal",
    positions: mutations === undefined ? Array.from(residues, (_, i) => i + 1) : [],
    ...settings,
    target,
    source,
    scan: await scanVariants(source, target),
    onRow: ({ row, score }) => {
      names.push(row.text);
      scores.push(score);
    },
  });
  return { ...result, scores, names };
}
