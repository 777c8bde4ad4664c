/** Curves and points as SVG, drawn without a script; script_marks.js adds the tooltip of marks. */
import { type Markup, markup } from "./markup.ts";
import { short } from "./scale.ts";
import { tip } from "./tip.ts";

export interface Axis {
  name: string;
  /** Where it begins; without it at the smallest value. */
  from?: number;
  /** Where it ends unless values lie beyond. */
  reach?: number;
  log?: boolean;
  /** Numbers at the axis, in place of round ones. */
  ticks?: readonly number[];
}

export type Point = readonly [x: number, y: number];

export interface Series {
  name: string;
  /** 1 to 4: one of the chart colours. */
  colour: number;
  dashed?: boolean;
  points: readonly Point[];
  /** Ends of an interval at each x, in the order of the points. */
  band?: readonly (readonly [low: number, high: number])[];
  /** Marks each point, with a tooltip. */
  dots?: boolean;
}

/** A scale from values to the viewBox, and its round numbers. */
export interface Scaled {
  at(value: number): number;
  ticks: readonly number[];
}

const WIDTH = 460, HEIGHT = 260, LEFT = 50, RIGHT = 14, TOP = 24, BOTTOM = 40;

/** Lines over shared axes. */
export function lineChart(
  title: string,
  xAxis: Axis,
  yAxis: Axis,
  series: readonly Series[],
): Markup {
  const points = series.flatMap((each) => each.points);
  const heights = [
    ...points.map(([, y]) => y),
    ...series.flatMap(({ band }) => band ?? []).flat(),
  ];
  const { x, y, frame, viewBox } = plotArea(
    xAxis,
    points.map(([px]) => px),
    yAxis,
    heights,
  );
  const marked = series.some(({ dots }) => dots);
  const path = (list: readonly Point[]) =>
    list.map(([px, py], i) => `${i === 0 ? "M" : "L"}${x.at(px)} ${y.at(py)}`).join("");
  return markup`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="${viewBox}" ${
    marked && markup`class="marks" tabindex="0" `
  }role="img" aria-label="${title}: ${yAxis.name} against ${xAxis.name}">
${frame}
${
    series.map(({ points, band, colour }) =>
      band && markup`<path class="band c${colour}" d="${
        path([
          ...points.map(([px], i) => [px, band[i][1]] as const),
          ...points.map(([px], i) => [px, band[i][0]] as const).reverse(),
        ])
      }Z"/>`
    )
  }${
    series.map(({ points, band, colour, dashed, name, dots }) =>
      markup`<path class="line c${colour}${dashed && " dashed"}" d="${
        path(points)
      }"><title>${name}</title></path>${
        dots && points.map(([px, py], i) =>
          markup`<circle class="dot c${colour}" cx="${x.at(px)}" cy="${y.at(py)}" r="3.5" ${
            tip(name, [
              [xAxis.name, short(px)],
              [yAxis.name, short(py)],
              ...(band ? [["middle half", `${short(band[i][0])} to ${short(band[i][1])}`]] : []),
            ])
          }/>`
        )
      }`
    )
  }
</svg>
${keys(series)}</figure>
`;
}

/** What the lines are. */
export function keys(series: readonly Pick<Series, "name" | "colour" | "dashed">[]): Markup {
  return markup`<p class="chart-keys">${
    series.map(({ name, colour, dashed }) =>
      markup`<span class="key"><i class="line-key c${colour}${
        dashed && " dashed"
      }"></i>${name}</span> `
    )
  }</p>`;
}

export interface PlotArea {
  x: Scaled;
  y: Scaled;
  viewBox: string;
  /** Grid, numbers and names of both axes. */
  frame: Markup;
}

/** The area of a chart with its axes. */
export function plotArea(
  xAxis: Axis,
  xs: readonly number[],
  yAxis: Axis,
  ys: readonly number[],
): PlotArea {
  const x = scaled(xAxis, xs, LEFT, WIDTH - RIGHT);
  const y = scaled(yAxis, ys, HEIGHT - BOTTOM, TOP);
  const frame = markup`${
    y.ticks.map((value) =>
      markup`<path class="grid" d="M${LEFT} ${y.at(value)}H${WIDTH - RIGHT}"/><text class="y" x="${
        LEFT - 7
      }" y="${y.at(value)}">${short(value)}</text>`
    )
  }${
    x.ticks.map((value) =>
      markup`<text class="x" x="${x.at(value)}" y="${HEIGHT - BOTTOM + 16}">${short(value)}</text>`
    )
  }<text class="x" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${
    HEIGHT - 5
  }">${xAxis.name}</text><text class="start" x="0" y="10">${yAxis.name}</text>`;
  return { x, y, frame, viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
}

/** A scale over values from one place of the viewBox to another. */
export function scaled(
  { from, reach, log, ticks }: Axis,
  values: readonly number[],
  begin: number,
  end: number,
): Scaled {
  const real = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  let low = from ?? real.reduce((a, b) => Math.min(a, b), Infinity);
  let high = real.reduce((a, b) => Math.max(a, b), reach ?? -Infinity);
  if (!(low < high)) {
    const middle = Number.isFinite(low) ? low : Number.isFinite(high) ? high : 1;
    [low, high] = log
      ? [middle / 2, middle * 2]
      : from === undefined
      ? [middle - 0.5, middle + 0.5]
      : [middle, middle + 1];
  }
  const size = log ? Math.log : (value: number) => value;
  const span = size(high) - size(low);
  return {
    at(value) {
      const share = (size(Math.max(low, Math.min(high, value))) - size(low)) / span;
      return Number((begin + (end - begin) * share).toFixed(1));
    },
    ticks: ticks ??
      (log ? logTicks(low, high) : linearTicks(low, high, Math.abs(end - begin) / 52)),
  };
}

/** Round numbers within a range, about `count` of them. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const power = 10 ** Math.floor(Math.log10((high - low) / count));
  const step = [1, 2, 2.5, 5, 10].find((each) => (high - low) / (each * power) <= count)! * power;
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    return Number(((first + i) * step).toPrecision(6)) || 0;
  });
}

/** Powers of ten, thinned where there are many; with their doubles and fives where there are few. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first) / 6));
  const found: number[] = [];
  for (let power = first - 1; power <= last; power++) {
    for (const digit of last - first < 2 ? [1, 2, 5] : [1]) {
      const value = Number((digit * 10 ** power).toPrecision(3));
      const isIn = value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9);
      if (isIn && (power - first) % step === 0) found.push(value);
    }
  }
  return found;
}
