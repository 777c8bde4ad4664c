import { quantile } from "../stats/bootstrap.ts";
import { scaled } from "./chart.ts";
import { type Markup, markup } from "./markup.ts";
import { short } from "./scale.ts";
import { tip } from "./tip.ts";

export interface Strip {
  name: string;
  /** 0 to 4: one of the chart colours. */
  colour: number;
  /** Not negative. */
  values: readonly number[];
}

const WIDTH = 470, LEFT = 140, RIGHT = 52, ROW = 30, TOP = 6, BOTTOM = 38;

/** Room for values that are next to nothing, left of the axis. */
const NOTHING = 30;

/** More points than this of a strip are thinned evenly by rank. */
const MOST_POINTS = 250;

/** Values over this many powers of ten have a place of their own; smaller ones lie at the left end. */
const DECADES = 6;

/** Values of several groups on one logarithmic axis, each with its middle half, median and count. */
export function stripPlot(title: string, axis: string, strips: readonly Strip[]): Markup {
  const all = strips.flatMap(({ values }) => values.filter((value) => value > 0));
  const high = all.reduce((a, b) => Math.max(a, b), 1e-9);
  const low = Math.max(
    10 ** (Math.ceil(Math.log10(high)) - DECADES),
    10 ** Math.floor(Math.log10(all.reduce((a, b) => Math.min(a, b), high))),
  );
  const left = LEFT + NOTHING, right = WIDTH - RIGHT;
  const x = scaled({ name: axis, from: low, log: true }, [high], left, right);
  const at = (value: number) => value < low ? LEFT + 6 : x.at(value);
  const height = TOP + strips.length * ROW + BOTTOM, bottom = height - BOTTOM;
  const anySmall = strips.some(({ values }) => values.some((value) => value < low));
  return markup`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" class="marks" tabindex="0" role="img" aria-label="${title}: ${
    strips.map(({ name, values }) => `${name}, ${values.length}`).join("; ")
  }">
${
    x.ticks.map((value) =>
      markup`<path class="grid" d="M${x.at(value)} ${TOP}V${bottom}"/><text class="x" x="${
        x.at(value)
      }" y="${bottom + 16}">${power(value)}</text>`
    )
  }${
    anySmall &&
    markup`<path class="grid" d="M${LEFT + 6} ${TOP}V${bottom}"/><text class="x" x="${
      LEFT + 6
    }" y="${bottom + 16}">0</text>`
  }<text class="x" x="${(left + right) / 2}" y="${height - 5}">${axis}</text>
${strips.map((strip, i) => stripRow(strip, TOP + (i + 0.5) * ROW, at))}
</svg></figure>
`;
}

/** A power of ten, as such where it is small. */
function power(value: number): string {
  if (value >= 0.01) return short(value);
  const exponent = String(Math.round(-Math.log10(value)));
  return `10⁻${[...exponent].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

function stripRow({ name, colour, values }: Strip, y: number, at: (v: number) => number): Markup {
  const sorted = values.toSorted((a, b) => a - b);
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
  const count = Math.min(MOST_POINTS, sorted.length);
  const shown = Array.from(
    { length: count },
    (_, i) => sorted[count === 1 ? 0 : Math.round(i * (sorted.length - 1) / (count - 1))],
  );
  // Spread over the row by the golden ratio: neighbours by rank do not lie on each other.
  const points = shown.map((value, i) =>
    `M${at(value)} ${(y + 14 * (i * 0.618034 % 1) - 7).toFixed(1)}h0`
  );
  const about = sorted.length === 0 ? [] : [
    ["median", short(median)],
    ["middle half", `${short(q1)} to ${short(q3)}`],
    ["largest", short(sorted.at(-1)!)],
  ];
  return markup`<text class="label" x="${LEFT - 12}" y="${y}">${name}</text>${
    sorted.length > 0 &&
    markup`<rect class="box c${colour}" x="${at(q1)}" y="${y - 10}" width="${
      Math.max(1, at(q3) - at(q1)).toFixed(1)
    }" height="20" rx="2"/><path class="points c${colour}" d="${
      points.join("")
    }"/><path class="middle c${colour}" d="M${at(median)} ${y - 10}v20"/>`
  }<text class="count" x="${
    WIDTH - RIGHT + 9
  }" y="${y}">n = ${sorted.length}</text><rect class="reach" x="0" y="${
    y - ROW / 2
  }" width="${WIDTH}" height="${ROW}" ${tip(name, [["count", String(sorted.length)], ...about])}/>
`;
}
