// @ts-check
/// <reference lib="dom" />
/** The page of the kernels' benchmark. */
import { linkedTable } from "../../report/client/linked_table.js";
import { short } from "../../report/client/numbers.js";
import { start } from "../../report/client/start.js";
import { intervalRows } from "../../report/figures/interval_rows/interval_rows.js";
import { scatter } from "../../report/figures/scatter/scatter.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */
/** @typedef {import("./mod.ts").BenchData} BenchData */

const COLOURS = /** @type {const} */ ({ gpu: "blue", cpu: "orange" });

/** Of a hundred, with as many digits as say something. @param {number} share */
const shareText = (share) => `${short(100 * share)}\u202f%`;

/** @param {View} view @param {BenchData} data */
function setUp(view, { kernels, rows, points, roofs }) {
  /** @param {BenchData["rows"][number]} row @returns {Fact[]} */
  const factsOf = ({ processor, share, us, bound, gbps, gflops }) => [
    [`${processor}, share of the ceiling`, shareText(share), String(share)],
    [`${processor}, limit`, bound ?? "–"],
    [`${processor}, median µs`, short(us), String(us)],
    [`${processor}, GB/s`, short(gbps), String(gbps)],
    [`${processor}, GFLOP/s`, short(gflops), String(gflops)],
  ];
  if (view.has("shares")) {
    const least = Math.min(0.1, ...rows.map(({ low }) => low).filter((low) => low > 0));
    const columns = ["name", "processor", "dtype", "share", "low", "high", "bound", "us"];
    const of = (/** @type {number} */ item) => rows.filter((row) => row.item === item);
    intervalRows(view, view.frame("shares"), {
      ...{ head: "kernel", columns: ["adapter", "CPU"], axis: "share of the ceiling", left: 340 },
      ...{ chance: 1, chanceName: "the ceiling", least: 1, log: true },
      from: 10 ** Math.floor(Math.log10(least) + 1e-9),
      write: shareText,
      label: () => "Share of its ceiling that each kernel reaches, on a logarithmic axis",
      rows: () =>
        kernels.map((name, item) => {
          const [first, ...others] = of(item).map(({ processor, share, low, high, bound }) => ({
            ...{ value: share, low, high, filled: bound === "memory", colour: COLOURS[processor] },
          }));
          const numbers = /** @type {const} */ (["gpu", "cpu"]).map((processor) => {
            const row = of(item).find((one) => one.processor === processor);
            return row ? shareText(row.share) : "–";
          });
          return { item, name, ...first, others, numbers };
        }),
      facts: ({ item }) => of(item).flatMap(factsOf),
      data: () => ({
        columns,
        rows: rows.map((row) => columns.map((name) => /** @type {any} */ (row)[name] ?? "")),
      }),
    });
  }
  if (view.has("roofs")) {
    const dots = points.map(({ row, intensity }) => ({
      ...{ x: intensity, y: rows[row].gflops, name: rows[row].name, item: rows[row].item },
      ...{ colour: COLOURS[rows[row].processor], facts: factsOf(rows[row]).slice(0, 3) },
    }));
    scatter(view, view.frame("roofs"), {
      ...{ dots: () => dots, curves: () => roofs, log: "xy", x: "FLOP per byte", y: "GFLOP/s" },
      label: () => `${dots.length} kernel rows under the roofs of their processors`,
      data: () => ({
        columns: ["kernel", "processor", "flop_per_byte", "gflops"],
        rows: points.map(({ row, intensity }) => [
          ...[rows[row].name, rows[row].processor, intensity, rows[row].gflops],
        ]),
      }),
    });
  }
  linkedTable(
    view,
    /** @type {HTMLElement} */ (view.root.querySelector("[data-table=kernels]")),
  );
}

start(() => {}, setUp);
