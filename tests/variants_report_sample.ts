/** Made-up scores of the size and kind that the analysis gives, for tests of the report. */
import { evaluate } from "../lib/variants/evaluate.ts";
import { AMINO_ACIDS } from "../lib/variants/letters.ts";
import { ScoreMatrix } from "../lib/variants/matrix.ts";
import type { ScoredProtein } from "../lib/variants/report/types.ts";
import { residueOf } from "../lib/variants/resolve.ts";
import { SampleCollector } from "../lib/variants/samples.ts";
import { Extremes } from "../lib/variants/tables.ts";
import type { Variant } from "../lib/variants/types.ts";
import { random } from "./report_sample.ts";

export interface ScoreShape {
  id: string;
  length: number;
  offset?: number;
  seed?: number;
  /** Positions without a score. */
  skipped?: (position: number) => boolean;
  /** Whether there is an assay. @default true */
  hasAssay?: boolean;
  /** Variants with two substitutions, and those that change the length. */
  multiples?: number;
  indels?: number;
}

/** Scores that tell position and letter apart, and an assay that follows them with noise. */
export async function sampleScores(shape: ScoreShape): Promise<ScoredProtein> {
  const { id, length, offset = 1, seed = 1, skipped, hasAssay = true } = shape;
  const next = random(seed);
  const residues = Array.from({ length }, (_, i) => AMINO_ACIDS[i * 7 % 20]).join("");
  const matrix = new ScoreMatrix({ id, residues, offset });
  const samples = new SampleCollector(), extremes = new Extremes(10);
  let scored = 0, favoured = 0;
  const take = (text: string, reading: Variant, score: number) => {
    extremes.add(text, score, reading);
    scored++;
    if (score >= 0) favoured++;
    if (!hasAssay) return;
    const measured = score + 4 * next() - 2;
    const row = { place: text, text, raw: text, measured, functional: measured > 0 };
    samples.add({ row, reading, score, pll: NaN, perResidue: 0 });
  };
  for (let position = 1; position <= length; position++) {
    if (skipped?.(position)) continue;
    const from = residues[position - 1];
    matrix.entropy[position - 1] = 3 * next();
    for (const to of AMINO_ACIDS) {
      const score = to === from ? 0 : Math.fround(6 * next() - 4 + Math.sin(position));
      matrix.setScore(position, to, score);
      if (to === from) continue;
      const text = `${from}${residueOf(position, matrix.target)}${to}`;
      take(text, { substitutions: [{ position, from, to }] }, score);
    }
  }
  for (let i = 0; i < (shape.multiples ?? 0); i++) {
    const [a, b] = [1 + i % (length - 1), length];
    const change = (position: number) => ({ position, from: residues[position - 1], to: "B" });
    take(`several ${i}`, { substitutions: [change(a), change(b)] }, 4 * next() - 6);
  }
  for (let i = 0; i < (shape.indels ?? 0); i++) {
    take(`indel ${i}`, { substitutions: [], indel: residues.slice(i + 1) }, 90 * next());
  }
  const performance = [];
  if (hasAssay) {
    for (const { name, samples: group } of samples.groups()) {
      performance.push(await evaluate(name, group, { resamples: length > 400 ? 0 : 20, seed: 0 }));
    }
  }
  const { lowest, highest } = extremes;
  return {
    ...{ matrix, isScan: !hasAssay, scored, favoured, lowest, highest, performance, samples },
  };
}
