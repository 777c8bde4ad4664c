/**
 * The page of the kernels' benchmark: each beside the ceiling that limits it, and all of them under the
 * roofs of the same run (Williams et al. 2009, doi:10.1145/1498765.1498785), both on logarithmic axes.
 */
import type { Piece } from "../../report/bundle.ts";
import { intervalRows, scatter } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { panel, reportPage, summaryView, tableHead } from "../../report/page.ts";
import { short } from "../tables.ts";
import type { BenchReport, Ceilings, KernelRow, Processor } from "../types.ts";
import { finding, limitedRows, PROCESSORS } from "./finding.ts";
import script from "./page.js" with { type: "text" };

const PAGE: Piece = { name: "page.js", script, uses: [intervalRows, scatter] };

/** What runs on a processor. */
const WITH: Record<Processor, string> = {
  gpu: "WGSL on the adapter",
  cpu: "TypeScript on the CPU",
};

/** Colours of processors. */
const COLOURS: Record<Processor, string> = { gpu: "blue", cpu: "orange" };

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. @param files beside it */
export function renderBenchReport(report: BenchReport, files: readonly string[] = []): string {
  const { machine, adapter, date, versions, elapsedSeconds, ceilings, options } = report;
  const name = adapter ? adapter.description || adapter.device || adapter.vendor : "no adapter";
  const isSoftware = adapter?.isFallback ?? false;
  const data = benchData(report);
  const processors = (["gpu", "cpu"] as const).filter((processor) =>
    data.rows.some((row) => row.processor === processor)
  );
  const keys = markup`<span class="key">${
    processors.map((one) =>
      markup`<span><i style="--c:var(--${COLOURS[one]})"></i>${WITH[one]}</span>`
    )
  }</span>`;
  return reportPage({
    name: "Kernels",
    about: "against this run’s own ceilings",
    context: [machine.cpu, `${machine.cores} cores`, name, date.slice(0, 10)],
    finding: finding(report),
    cautions: [
      // A run's own notes say it as well.
      ...(isSoftware && !report.notes.some((note) => note.includes("software"))
        ? [`${name} is a software adapter: it says nothing about a GPU.`]
        : []),
      ...report.notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`),
    ],
    body: summaryView(data, [
      data.kernels.length > 0 && panel({
        span: 12,
        title: "How near each kernel comes to its ceiling",
        controls: keys,
        body: markup`<div class="canvas" style="height:${
          String(62 + 22 * Math.max(3, data.kernels.length))
        }px" data-figure="shares"></div>`,
        caption:
          "Dot: at the median time. Bar: 10th to 90th percentile of the samples. Filled: a copy’s traffic is the ceiling; ring: arithmetic, or the launch.",
      }),
      data.points.length > 0 && panel({
        span: 12,
        title: "Under the roofs of the same run",
        controls: keys,
        body: markup`<div class="canvas" style="height:400px" data-figure="roofs"></div>`,
        caption:
          "Rows with floating-point work. Line: copy bandwidth up to the ridge, then multiply-adds.",
      }),
      panel({ span: 12, title: "Ceilings of this run", body: ceilingTable(ceilings) }),
      panel({
        span: 12,
        title: markup`In numbers <span>— every kernel row</span>`,
        body: kernelTable(report, data),
      }),
    ]),
    run: {
      record: {
        ...{ esmscope: versions.esmscope, command: "bench", started: date, elapsedSeconds },
        backend: { name, detail: adapter?.vendor },
        ...{ versions, machine, adapter, options, ceilings, notes: report.notes },
      },
      input: `${machine.cpu}, ${machine.cores} cores`,
      options: Object.entries(options).map(([name, value]) => `${name} ${value}`).join(", ") ||
        "none",
      ...{ files, recordFile: "--json" },
    },
    pieces: [PAGE],
  });
}

/** Rows as the page's module takes them; an item is a kernel's place, whatever it ran on. */
export function benchData(report: BenchReport) {
  const limited = limitedRows(report).sort((a, b) => b.share - a.share);
  const kernels = [...new Set(limited.map(nameOf))];
  const rows = limited.map((row) => {
    const { processor, bound, share, us, gbps, gflops, dtype } = row;
    return {
      ...{ item: kernels.indexOf(nameOf(row)), name: nameOf(row), processor, dtype },
      ...{ bound, share, us: us.median, gbps, gflops },
      low: share * us.median / us.p90,
      high: share * us.median / us.p10,
    };
  });
  const points = limited.flatMap(({ flops, bytes }, row) =>
    flops > 0 && bytes > 0 ? [{ row, intensity: flops / bytes }] : []
  );
  const roofs = report.ceilings.flatMap((ceiling) => {
    const own = points.filter(({ row }) => rows[row].processor === ceiling.processor);
    return own.length === 0 ? [] : [roofOf(ceiling, own.map(({ intensity }) => intensity))];
  });
  return { kernels, rows, points, roofs };
}

export type BenchData = ReturnType<typeof benchData>;

const nameOf = ({ kernel, shape }: KernelRow) => `${kernel} ${shape}`;

/** Bandwidth as a diagonal up to the ridge, arithmetic as a level from there, over the rows it limits. */
function roofOf({ processor, copyGBps, fmaGflops }: Ceilings, intensities: readonly number[]) {
  const ridge = fmaGflops / copyGBps;
  const first = Math.min(ridge, ...intensities), last = Math.max(2 * ridge, ...intensities);
  return {
    name: `${PROCESSORS[processor]}: ${short(fmaGflops)} GFLOP/s`,
    colour: COLOURS[processor],
    points: [[first, first * copyGBps], [ridge, fmaGflops], [last, fmaGflops]] as [
      number,
      number,
    ][],
  };
}

const ceilingTable = (ceilings: readonly Ceilings[]) =>
  markup`<div class="scroll"><table>${
    tableHead(["Where", "Copy, GB/s", "Multiply-add, GFLOP/s", "Empty dispatch, µs"])
  }<tbody>${
    ceilings.map(({ processor, copyGBps, fmaGflops, launchUs }) =>
      markup`
<tr><td class="wrap">${WITH[processor]}</td><td>${short(copyGBps)}</td><td>${
        short(fmaGflops)
      }</td><td>${launchUs > 0 ? short(launchUs) : "–"}</td></tr>`
    )
  }</tbody></table></div>`;

/** All rows, those with a ceiling linked to their dots. */
function kernelTable({ kernels }: BenchReport, data: BenchData): Markup {
  const head = [
    "Type",
    "By",
    "Median µs",
    "10 to 90 %",
    "GB/s",
    "GFLOP/s",
    "% of ceiling",
    "Limit",
  ];
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Kernels"><table data-table="kernels"><thead><tr><th scope="col">Kernel</th>${
    head.map((name) => markup`<th scope="col">${name}</th>`)
  }</tr></thead><tbody>${
    kernels.map((row) => {
      const { dtype, implementation, us, gbps, gflops, share, bound } = row;
      const name = nameOf(row), item = share === undefined ? -1 : data.kernels.indexOf(name);
      const amounts = [gbps, gflops].map((amount) => amount > 0 ? short(amount) : "–");
      const cells = [
        ...[dtype, implementation, short(us.median), `${short(us.p10)} to ${short(us.p90)}`],
        ...[...amounts, share === undefined ? "–" : short(100 * share), bound ?? "–"],
      ].map((text) => markup`<td>${text}</td>`);
      return item < 0
        ? markup`
<tr><td class="wrap">${name}</td>${cells}</tr>`
        : markup`
<tr data-item="${
          String(item)
        }"><td class="wrap"><button type="button">${name}</button></td>${cells}</tr>`;
    })
  }</tbody></table></div>`;
}
