import { mean, standardDeviation } from "../stats/moments.ts";
import type { LegacyRow } from "./legacy.ts";
import type { HeadSummary, ProteinResult } from "./types.ts";

/**
 * Impact of each head over several proteins (Dong et al. 2024: heads whose mean is large against its
 * spread look at sites whatever the protein). Proteins where the impact is undefined are left out of
 * that head's mean; the standard deviation is the sample's (ddof 1).
 */
export function summarise(proteins: readonly Pick<ProteinResult, "rows">[]): HeadSummary[] {
  return summariseImpacts(
    proteins.map(({ rows }) => rows),
    ({ impact }) => Number.isFinite(impact),
    0,
  );
}

/**
 * The same as allostery_heads has it (`analyze_dataset`): an impact that is undefined counts as 0, and
 * 1e-10 is added to the standard deviation.
 */
export function summariseLegacy(proteins: readonly (readonly LegacyRow[])[]): HeadSummary[] {
  return summariseImpacts(proteins, () => true, 1e-10);
}

function summariseImpacts(
  proteins: readonly (readonly { layer: number; head: number; impact: number }[])[],
  counts: (row: { impact: number }) => boolean,
  added: number,
): HeadSummary[] {
  const impacts = new Map<string, { layer: number; head: number; values: number[] }>();
  for (const rows of proteins) {
    for (const row of rows) {
      const { layer, head, impact } = row;
      const key = `${layer} ${head}`;
      const entry = impacts.get(key) ?? { layer, head, values: [] };
      impacts.set(key, entry);
      if (counts(row)) entry.values.push(impact);
    }
  }
  return [...impacts.values()].map(({ layer, head, values }) => {
    const impactMean = mean(values), impactSd = standardDeviation(values, 1);
    return {
      layer,
      head,
      proteins: values.length,
      impactMean,
      impactSd: values.length > 1 ? impactSd : NaN,
      impactSnr: values.length > 1 ? impactMean / (impactSd + added) : NaN,
    };
  });
}
