import { mean, standardDeviation } from "../stats/moments.ts";
import type { HeadSummary, ProteinResult } from "./types.ts";

/**
 * Impact of each head over several proteins (Dong et al. 2024: heads whose mean is large against its
 * spread look at sites whatever the protein). Proteins where the impact is undefined are left out of
 * that head's mean; the standard deviation is the sample's (ddof 1).
 */
export function summarise(proteins: readonly ProteinResult[]): HeadSummary[] {
  const impacts = new Map<string, { layer: number; head: number; values: number[] }>();
  for (const { rows } of proteins) {
    for (const { layer, head, impact } of rows) {
      const key = `${layer} ${head}`;
      const entry = impacts.get(key) ?? { layer, head, values: [] };
      impacts.set(key, entry);
      if (Number.isFinite(impact)) entry.values.push(impact);
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
      impactSnr: values.length > 1 ? impactMean / impactSd : NaN,
    };
  });
}
