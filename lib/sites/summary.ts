import type { LegacyRow } from "./legacy.ts";
import type { HeadSummary, ProteinResult } from "./types.ts";

/**
 * Impact of each head over several proteins (Dong et al. 2024: heads whose mean is large against its
 * spread look at sites whatever the protein). Proteins where the impact is undefined are left out of
 * that head's mean; the standard deviation is the sample's (ddof 1).
 */
export function summarise(proteins: Iterable<Pick<ProteinResult, "rows">>): HeadSummary[] {
  const rows = {
    *[Symbol.iterator]() {
      for (const one of proteins) yield one.rows;
    },
  };
  return summariseImpacts(rows, ({ impact }) => Number.isFinite(impact), 0);
}

/**
 * The same as allostery_heads has it (`analyze_dataset`): an impact that is undefined counts as 0, and
 * 1e-10 is added to the standard deviation.
 */
export function summariseLegacy(proteins: Iterable<readonly LegacyRow[]>): HeadSummary[] {
  return summariseImpacts(proteins, () => true, 1e-10);
}

/** @param proteins gone through twice, so that nothing but sums is kept of each */
function summariseImpacts(
  proteins: Iterable<readonly { layer: number; head: number; impact: number }[]>,
  counts: (row: { impact: number }) => boolean,
  added: number,
): HeadSummary[] {
  const heads = new Map<
    string,
    { layer: number; head: number; count: number; sum: number; squares: number }
  >();
  const visit = (see: (of: { count: number; sum: number; squares: number }, x: number) => void) => {
    for (const rows of proteins) {
      for (const row of rows) {
        const { layer, head, impact } = row, key = `${layer} ${head}`;
        const own = heads.get(key) ?? { layer, head, count: 0, sum: 0, squares: 0 };
        heads.set(key, own);
        if (counts(row)) see(own, impact);
      }
    }
  };
  visit((own, impact) => {
    own.count++;
    own.sum += impact;
  });
  visit((own, impact) => own.squares += (impact - own.sum / own.count) ** 2);
  return [...heads.values()].map(({ layer, head, count, sum, squares }) => {
    const impactMean = sum / count, impactSd = count > 1 ? Math.sqrt(squares / (count - 1)) : NaN;
    return {
      ...{ layer, head, proteins: count, impactMean, impactSd },
      impactSnr: impactMean / (impactSd + added),
    };
  });
}
