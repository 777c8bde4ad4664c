/** Roofline plot as SVG (Williams et al. 2009, doi:10.1145/1498765.1498785): both axes logarithmic. */
import { placeTags } from "./roofline_tags.ts";
import style from "./roofline.css" with { type: "text" };
import { short } from "./tables.ts";
import type { BenchReport, Ceilings, KernelRow, Processor } from "./types.ts";

const TOP = 84, LEFT = 70, PLOT_WIDTH = 620, LIST_LEFT = LEFT + PLOT_WIDTH + 34;
const LINE = 19;

export interface RooflinePoint {
  row: KernelRow;
  /** FLOP per byte. */
  intensity: number;
}

/** Rows with floating-point work; the others have no place on the axes. */
export function rooflinePoints({ kernels }: BenchReport): RooflinePoint[] {
  return kernels
    .filter(({ flops, bytes, share }) => flops > 0 && bytes > 0 && share !== undefined)
    .map((row) => ({ row, intensity: row.flops / row.bytes }));
}

/** Draws the kernels of a report under the ceilings of the same run. */
export function renderRoofline(report: BenchReport): string {
  const { ceilings } = report, points = rooflinePoints(report);
  const plotHeight = Math.max(400, LINE * (points.length + 2 * ceilings.length + 2));
  const height = TOP + plotHeight + 74;
  // About the width of a letter; too wide is better than cut.
  const width = LIST_LEFT + 60 + 7 * Math.max(50, ...points.map(({ row }) => describe(row).length));
  const ridges = ceilings.map(({ copyGBps, fmaGflops }) => fmaGflops / copyGBps);
  const x = logScale(
    [...points.map(({ intensity }) => intensity), ...ridges],
    [LEFT, LEFT + PLOT_WIDTH],
  );
  const y = logScale(
    [...points.map(({ row }) => row.gflops), ...ceilings.map(({ fmaGflops }) => fmaGflops)],
    [TOP + plotHeight, TOP],
  );
  const dots = points.map(({ row, intensity }) => ({ x: x.at(intensity), y: y.at(row.gflops) }));
  const tags = placeTags(dots, {
    left: LEFT,
    right: LEFT + PLOT_WIDTH,
    top: TOP,
    bottom: TOP + plotHeight,
  });

  const parts = [
    `<rect class="paper" width="${width}" height="${height}"/>`,
    text(LEFT, 32, "title", "Kernels under this run's own roofs"),
    text(LEFT, 54, "muted", subtitle(report)),
    ...axes(x, y, plotHeight),
    ...ceilings.map((roof) => roofPath(roof, x, y)),
    ...points.flatMap(({ row }, i) => [
      tags[i].far
        ? `<line class="lead" x1="${dots[i].x}" y1="${dots[i].y}" x2="${tags[i].x}" y2="${
          tags[i].y
        }"/>`
        : "",
      `<circle class="${row.processor}" cx="${dots[i].x}" cy="${dots[i].y}" r="4.5">` +
      `<title>${escape(describe(row))}</title></circle>`,
      text(tags[i].x, tags[i].y + 4, "tag", String(i + 1)),
    ]),
    ...legend(points, ceilings),
    text(
      LEFT,
      height - 12,
      "muted",
      "Arithmetic and traffic are the least that the operation needs, so that extra work lowers a point.",
    ),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="Roofline plot of ${points.length} kernel rows">`,
    `<style>${style}</style>`,
    ...parts.filter((part) => part !== ""),
    "</svg>\n",
  ].join("\n");
}

interface Scale {
  at(value: number): number;
  /** Powers of ten inside the axis. */
  ticks: number[];
}

/** Whole decades around the values. */
export function logScale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const low = Math.floor(Math.min(0, ...logs)),
    high = Math.max(low + 1, Math.ceil(Math.max(...logs, 0)));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const at = (value: number) => {
    const position = from + (Math.log10(value) - low) / (high - low) * (to - from);
    return Math.round(10 * position) / 10;
  };
  return { at, ticks };
}

function axes(x: Scale, y: Scale, plotHeight: number): string[] {
  const bottom = TOP + plotHeight, right = LEFT + PLOT_WIDTH;
  const parts: string[] = [];
  for (const tick of x.ticks) {
    parts.push(
      `<line class="grid" x1="${x.at(tick)}" y1="${TOP}" x2="${x.at(tick)}" y2="${bottom}"/>`,
    );
    parts.push(text(x.at(tick), bottom + 18, "tick middle", tickText(tick)));
  }
  for (const tick of y.ticks) {
    parts.push(
      `<line class="grid" x1="${LEFT}" y1="${y.at(tick)}" x2="${right}" y2="${y.at(tick)}"/>`,
    );
    parts.push(text(LEFT - 8, y.at(tick) + 4, "tick end", tickText(tick)));
  }
  parts.push(text((LEFT + right) / 2, bottom + 40, "middle", "FLOP per byte"));
  parts.push(text(LEFT, TOP - 10, "", "GFLOP/s"));
  return parts;
}

const tickText = (tick: number) => tick >= 1 ? String(tick) : tick.toFixed(-Math.log10(tick));

/** Bandwidth as a diagonal up to the ridge, arithmetic as a level from there, clipped to the axes. */
function roofPath({ processor, copyGBps, fmaGflops }: Ceilings, x: Scale, y: Scale): string {
  const ridge = fmaGflops / copyGBps;
  const first = Math.max(x.ticks[0], y.ticks[0] / copyGBps), last = x.ticks[x.ticks.length - 1];
  const corners = [
    [first, first * copyGBps],
    [ridge, fmaGflops],
    [last, fmaGflops],
  ].filter(([at]) => at >= first);
  const line = corners.map(([at, rate]) => `${x.at(at)},${y.at(rate)}`).join(" ");
  return `<polyline class="roof ${processor}" points="${line}"/>`;
}

function legend(points: readonly RooflinePoint[], ceilings: readonly Ceilings[]): string[] {
  const parts: string[] = [];
  let y = TOP + 6;
  for (const { processor, copyGBps, fmaGflops, launchUs } of ceilings) {
    parts.push(
      `<line class="roof ${processor}" x1="${LIST_LEFT}" y1="${y - 4}" x2="${LIST_LEFT + 22}" y2="${
        y - 4
      }"/>`,
    );
    parts.push(text(LIST_LEFT + 32, y, "", `${NAMES[processor]}: copy ${short(copyGBps)} GB/s`));
    const launch = launchUs > 0 ? `, empty dispatch ${short(launchUs)} µs` : "";
    parts.push(
      text(LIST_LEFT + 32, y + LINE, "muted", `multiply-add ${short(fmaGflops)} GFLOP/s${launch}`),
    );
    y += 2 * LINE;
  }
  y += LINE;
  points.forEach(({ row }, i) => {
    parts.push(`<circle class="${row.processor}" cx="${LIST_LEFT + 4}" cy="${y - 4}" r="4.5"/>`);
    parts.push(text(LIST_LEFT + 32, y, "tag end", String(i + 1)));
    parts.push(text(LIST_LEFT + 40, y, "", describe(row)));
    y += LINE;
  });
  return parts;
}

const NAMES: Record<Processor, string> = {
  gpu: "WGSL on the adapter",
  cpu: "TypeScript on the CPU",
};

function describe({ kernel, shape, share, bound }: KernelRow): string {
  return `${kernel} ${shape}: ${(100 * share!).toFixed(0)} %, ${bound}`;
}

function subtitle({ adapter, machine, date }: BenchReport): string {
  const name = adapter ? adapter.description || adapter.device || adapter.vendor : "no adapter";
  const software = adapter?.isFallback ? " (a software adapter: says nothing about a GPU)" : "";
  return `${name}${software}; ${machine.cpu}, ${machine.cores} cores; ${date.slice(0, 10)}`;
}

function text(x: number, y: number, name: string, content: string): string {
  return `<text x="${x}" y="${y}"${name && ` class="${name}"`}>${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
