import type { SampleCollector } from "../samples.ts";
import { jsonScript, type Markup, markup } from "../../report/markup.ts";

/** Up to this many variants are drawn one by one; more of them as a density. */
const MOST_POINTS = 5000;

/** Cells of the density. */
const COLUMNS = 120, ROWS = 90;

/** Scores against measured values: points with their names, or a density where there are many. */
export function scatter(
  { headline: { scores, measured, names, functional } }: SampleCollector,
  labels: { score: string; measured: string },
): Markup {
  const x = range(scores), y = range(measured);
  const few = scores.length <= MOST_POINTS;
  const digits = (value: number) => Number(value.toPrecision(7));
  const data = {
    ...{ x, y, labels },
    ...(few
      ? {
        points: scores.map((score, i) => [digits(score), digits(measured[i])]),
        names: names.slice(0, scores.length),
        // Neither 0 nor 1 where the assay does not say.
        ...(functional && {
          functional: functional.map((label) => Number.isNaN(label) ? "-" : label).join(""),
        }),
      }
      : { columns: COLUMNS, rows: ROWS, counts: density(scores, measured, x, y) }),
  };
  const count = scores.length;
  return markup`<figure class="scatter"><figcaption>Score and measured value</figcaption>
<canvas tabindex="0" role="img" aria-label="${labels.measured} against ${labels.score} of ${count} variants"></canvas>
<p class="hint">${
    few
      ? functional
        ? markup`Each point is a variant; <span class="point-key functional"></span> functional, <span class="point-key"></span> not${
          functional.some(Number.isNaN) && " or not known"
        }. Hover shows the nearest.`
        : "Each point is a variant; hover shows the nearest."
      : `The density of ${count} variants, on a logarithmic scale.`
  }</p>
${jsonScript("scatter-data", data)}</figure>
`;
}

function range(values: readonly number[]): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high)) return [0, 1];
  const margin = (high - low || 1) * 0.03;
  return [low - margin, high + margin];
}

/** Counts by cell, row-major from the lowest measured value. */
function density(
  scores: readonly number[],
  measured: readonly number[],
  [left, right]: [number, number],
  [low, high]: [number, number],
): number[] {
  const counts = new Array<number>(COLUMNS * ROWS).fill(0);
  scores.forEach((score, i) => {
    const column = Math.floor(COLUMNS * (score - left) / (right - left));
    const row = Math.floor(ROWS * (measured[i] - low) / (high - low));
    counts[Math.min(ROWS - 1, row) * COLUMNS + Math.min(COLUMNS - 1, column)]++;
  });
  return counts;
}
