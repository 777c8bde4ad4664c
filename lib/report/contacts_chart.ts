/** Curves as SVG, drawn without a script. */
import { type Markup, markup } from "./markup.ts";
import { short } from "./scale.ts";

export interface Series {
  name: string;
  /** 1 to 3: one of the chart colours. */
  colour: number;
  dashed?: boolean;
  points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 460, HEIGHT = 250, LEFT = 46, RIGHT = 12, TOP = 12, BOTTOM = 40;

/** Lines over shared axes from 0; y reaches at least 1. */
export function lineChart(
  title: string,
  [xName, yName]: readonly [string, string],
  series: readonly Series[],
): Markup {
  const points = series.flatMap((each) => each.points);
  const xMax = Math.max(1e-9, ...points.map(([x]) => x));
  const yMax = Math.max(1, ...points.map(([, y]) => y));
  const x = (value: number) => rounded(LEFT + (WIDTH - LEFT - RIGHT) * value / xMax);
  const y = (value: number) =>
    rounded(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.max(0, value) / yMax);
  const step = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    .find((each) => xMax / each <= 8) ?? xMax;
  const xTicks = Array.from({ length: Math.floor(xMax / step + 1e-9) + 1 }, (_, i) => i * step);
  const yTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * yMax);
  return markup`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${yName} against ${xName}">
${
    yTicks.map((value) =>
      markup`<path class="grid" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}"/><text class="y" x="${
        LEFT - 7
      }" y="${y(value)}">${short(value)}</text>`
    )
  }${
    xTicks.map((value) =>
      markup`<text class="x" x="${x(value)}" y="${HEIGHT - BOTTOM + 16}">${short(value)}</text>`
    )
  }<text class="x" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 5}">${xName}</text>
${
    series.map(({ points, colour, dashed, name }) =>
      markup`<path class="line c${colour}${dashed && " dashed"}" d="${
        points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${x(px)} ${y(py)}`).join("")
      }"><title>${name}</title></path>`
    )
  }
</svg>
<p class="chart-keys">${
    series.map(({ name, colour, dashed }) =>
      markup`<span class="key"><i class="line-key c${colour}${
        dashed && " dashed"
      }"></i>${name}</span> `
    )
  }</p></figure>
`;
}

const rounded = (value: number) => Number(value.toFixed(1));
