/**
 * What allostery_heads computes (github.com/jdlg-42/allostery_heads at fdbf9e8), mistakes included, so
 * that its users can compare.
 *
 * - Site i is looked up in token column i − 1, but column 0 is `<cls>`: every site is the residue
 *   before it, and site 1 is `<cls>`.
 * - `<cls>` and `<eos>` are rows and columns like any other; they may be drawn into the baseline.
 * - impact is 0 where the baseline mean is 0; snr adds 1e-10 to the population standard deviation.
 * - `pValue` tests whether the mean of the 1000 draws is below the observed sum, which with 1000 draws
 *   is nearly always 0 or 1; `pValueHeads` (the example scripts) tests the head's impact against the
 *   impacts of all heads. Neither is a significance of the head's attention to the sites.
 */
import { tTestMeanLess } from "../stats/student_t.ts";
import type { HeadRow, Site } from "./types.ts";

/** Tools that can be reproduced. */
export const LEGACY_MODES = ["allostery_heads"] as const;
/** One of {@linkcode LEGACY_MODES}. */
export type LegacyMode = typeof LEGACY_MODES[number];

/** The columns that the tool takes for the sites: residue number − 1 on the axis of tokens. */
export function legacyColumns(sites: readonly Site[]): Uint32Array {
  return Uint32Array.from(sites, ({ residue }) => residue - 1);
}

/** The tool's own numbers for one head, beside those of heads.csv. */
export interface LegacyRow {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Observed over the mean of the random sets. */
  impact: number;
  /** Observed less that mean, over the sets' standard deviation. */
  snr: number;
  /** SciPy ttest_1samp(draws, observed, alternative="less"). */
  pValue: number;
  /** SciPy ttest_1samp(all impacts, this impact, alternative="less"). */
  pValueHeads: number;
  /** The scripts' choice: pValueHeads < 0.01 and snr > 2. */
  selected: boolean;
}

/**
 * @param rows scored on legacy columns
 * @param draws f32[G, trials], the sampled sums of each row
 */
export function legacyRows(rows: readonly HeadRow[], draws: Float32Array): LegacyRow[] {
  const trials = draws.length / rows.length;
  const impacts = rows.map(({ observed, baselineMean }) =>
    baselineMean === 0 ? 0 : observed / baselineMean
  );
  return rows.map(({ layer, head, observed, baselineMean, baselineSd }, g) => {
    const snr = (observed - baselineMean) / (baselineSd + 1e-10);
    const pValueHeads = tTestMeanLess(impacts, impacts[g]);
    return {
      layer,
      head,
      impact: impacts[g],
      snr,
      pValue: tTestMeanLess(draws.subarray(g * trials, (g + 1) * trials), observed),
      pValueHeads,
      selected: pValueHeads < 0.01 && snr > 2,
    };
  });
}
