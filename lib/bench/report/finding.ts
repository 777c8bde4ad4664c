/** The result in a sentence. */
import { counted } from "../../display.ts";
import { percent, short } from "../../report/client/numbers.js";
import type { Finding } from "../../report/page.ts";
import type { BenchReport, KernelRow, Processor } from "../types.ts";

/** Where kernels run, in words. */
export const PROCESSORS: Record<Processor, string> = { gpu: "adapter", cpu: "CPU" };

/** Kernels that are the ceilings themselves. */
const CEILINGS: ReadonlySet<string> = new Set(["copy", "fma"]);

/** A row that a ceiling limits. */
export type LimitedRow = KernelRow & { share: number };

/** Rows that have a share of a ceiling, without the ceilings themselves. */
export const limitedRows = ({ kernels }: BenchReport): LimitedRow[] =>
  kernels.filter((row): row is LimitedRow => row.share !== undefined && !CEILINGS.has(row.kernel));

const middle = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** How near kernels come to what this run's own copy and multiply-add reached. */
export function finding(report: BenchReport): Finding {
  const rows = limitedRows(report);
  const method =
    "Ceiling: a copy and a multiply-add kernel of the same run. Traffic and arithmetic are the " +
    "least that each operation needs, so that extra work lowers a dot.";
  if (rows.length === 0) return { answer: "No kernel has a ceiling to be compared with.", method };
  const parts = (["gpu", "cpu"] as const).flatMap((processor) => {
    const own = rows.filter((row) => row.processor === processor);
    if (own.length === 0) return [];
    const share = percent(middle(own.map(({ share }) => share)));
    return [`${share} on the ${PROCESSORS[processor]} (${counted(own.length, "row")})`];
  });
  const best = rows.reduce((a, b) => b.share > a.share ? b : a);
  const worst = rows.reduce((a, b) => b.share < a.share ? b : a);
  const of = ({ kernel, shape, processor, share }: LimitedRow) =>
    `${kernel} ${shape} (${PROCESSORS[processor]}, ${short(100 * share)}\u202f%)`;
  return {
    answer: `Of its ceiling the median kernel reaches ${parts.join(" and ")}.`,
    method: rows.length === 1 ? method : `Highest: ${of(best)}; lowest: ${of(worst)}. ${method}`,
  };
}
