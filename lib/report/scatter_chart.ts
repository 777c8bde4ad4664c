import { type Axis, plotArea } from "./chart.ts";
import { type Markup, markup } from "./markup.ts";
import { tip } from "./tip.ts";

export interface ScatterPoint {
  x: number;
  y: number;
  /** 0 to 4: one of the chart colours. */
  colour: number;
  title: string;
  /** Names with values for the tooltip. */
  entries: readonly (readonly string[])[];
}

/** Points drawn at most: every so many of a longer list. */
const MOST_POINTS = 1000;

/** Least extent of an axis, as a share of its middle: below it one point's rounding would fill the plot. */
const LEAST_EXTENT = 0.1;

/** The smallest and largest value, some way apart; nothing of nothing. */
function extentOf(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const low = values.reduce((a, b) => Math.min(a, b)),
    high = values.reduce((a, b) => Math.max(a, b));
  const middle = (low + high) / 2;
  const half = Math.max((high - low) / 2, LEAST_EXTENT / 2 * Math.abs(middle));
  return [middle - half, middle + half];
}

/** Points over axes of the same extent, with the diagonal on which both are equal. */
export function scatterChart(
  title: string,
  xAxis: Axis,
  yAxis: Axis,
  points: readonly ScatterPoint[],
  keys: readonly { name: string; colour: number }[],
): Markup {
  const known = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const ends = extentOf(known.flatMap((point) => [point.x, point.y])), [low, high] = ends;
  const { x, y, frame, viewBox } = plotArea(xAxis, ends, yAxis, ends);
  const every = Math.max(1, Math.ceil(known.length / MOST_POINTS));
  return markup`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="${viewBox}" class="marks" tabindex="0" role="img" aria-label="${title}, ${known.length} points">
${frame}${
    known.length > 0 &&
    markup`<path class="zero" d="M${x.at(low)} ${y.at(low)}L${x.at(high)} ${y.at(high)}"/>`
  }
${
    known.filter((_, i) => i % every === 0).map(({ x: px, y: py, colour, title, entries }) =>
      markup`<circle class="dot c${colour}" cx="${x.at(px)}" cy="${y.at(py)}" r="3.5" ${
        tip(title, entries)
      }/>`
    )
  }
</svg>
<p class="chart-keys">${
    keys.map(({ name, colour }) =>
      markup`<span class="key"><i class="dot-key c${colour}"></i>${name}</span> `
    )
  }${every > 1 && `One point of ${every} is drawn.`}</p></figure>
`;
}
