/** Intervals of an assay's statistics, which no model takes part in. */
import type { Backend } from "../backend/mod.ts";
import { evaluate } from "../variants/evaluate.ts";
import { interleave } from "./interleave.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";
import type { AnalysisRow } from "./types.ts";
import type { WarmOptions } from "./warm_analysis.ts";

const VARIANTS = 100_000;
/** A fifth of the default: the time is that of the resamples alone. */
const RESAMPLES = 200;

/** All five statistics of as many variants as a scan of doubles has, against as many plain draws. */
export async function warmBootstrapRow(
  backend: Backend,
  { budgetMs, signal }: WarmOptions,
): Promise<AnalysisRow> {
  const scores = Array.from({ length: VARIANTS }, (_, i) => Math.sin(0.37 * i));
  const measured = scores.map((score, i) => score + Math.cos(1.3 * i));
  const functional = measured.map((value) => Number(value > 0));
  const samples = { scores, measured, functional };
  const ms = await interleave([
    { name: "draws", run: () => plainDraws() },
    {
      name: "analysis",
      run: async () =>
        void await evaluate("all", samples, { resamples: RESAMPLES, seed: 0, signal }),
    },
  ], { budgetMs, signal });
  return {
    command: "score, intervals",
    subject: `${VARIANTS} variants, ${RESAMPLES} resamples`,
    backend: backend.name,
    start: "warm",
    ms: spreadOf(ms.analysis),
    overPlain: pairedRatio(ms.analysis, ms.draws),
  };
}

/** Which variants are drawn how often, with the plainest generator there is. */
function plainDraws(): void {
  const counts = new Uint32Array(VARIANTS);
  for (let i = VARIANTS * RESAMPLES, state = 1; i > 0; i--) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    counts[(state >>> 0) % VARIANTS]++;
  }
}
