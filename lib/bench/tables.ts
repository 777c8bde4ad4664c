/** The report as tables for people. */
import { type Cell, formatTable } from "../cli/table.ts";
import { formatBytes, formatCount } from "../cli/units.ts";
import type { Comparison } from "./compare.ts";
import { NULL_ADAPTER } from "./host_rows.ts";
import type { Section } from "./plan.ts";
import type { Spread } from "./statistics.ts";
import type { BenchReport } from "./types.ts";

/** Three significant digits, without exponent. */
export function short(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 999.5) return formatCount(Math.round(value));
  return Number(value.toPrecision(3)).toString();
}

const range = ({ p10, p90 }: Spread) => `${short(p10)}–${short(p90)}`;
const times = (value: number | undefined) => value === undefined ? "" : `${value.toFixed(2)}×`;
const amount = (value: number) => value === 0 ? "" : short(value);

interface Row {
  [header: string]: Cell;
}

function table(rows: readonly Row[], textColumns: readonly string[]): string {
  const headers = Object.keys(rows[0]);
  const columns = headers.map((header) => ({
    header,
    align: textColumns.includes(header) ? "left" as const : "right" as const,
  }));
  return formatTable(columns, rows.map((row) => headers.map((header) => row[header])));
}

/** A section's title and table; empty if it has no rows. */
export function sectionText(section: Section, report: BenchReport): string {
  const text = TABLES[section](report);
  return text && `${TITLES[section]}\n\n${text}\n`;
}

const TITLES: Record<Section, string> = {
  kernels:
    "Kernels (% of this run's own ceiling; bytes and FLOP are the least that the work needs)",
  models: "Forward passes (ratio = engine / whole graph of the same weights, round by round)",
  host:
    "Host time of a pass on webgpu, until all is submitted (replayed blocks against onnxruntime's own)",
  memory: "Peak memory, each pass in a process of its own",
  analyses: "Analyses from end to end",
  threads: "Settings of the cpu backend (ratio to the first of each question, round by round)",
  peers: "Forward passes beside other programs' (ratio = theirs / ours, round by round)",
};

const TABLES: Record<Section, (report: BenchReport) => string> = {
  kernels({ kernels, ceilings }) {
    if (kernels.length === 0) return "";
    const rows = kernels.map((row) => ({
      kernel: row.kernel,
      shape: row.shape,
      dtype: row.dtype,
      by: row.implementation,
      samples: row.us.samples,
      "median µs": short(row.us.median),
      "p10–p90": range(row.us),
      MB: amount(row.bytes / 1e6),
      MFLOP: amount(row.flops / 1e6),
      "GB/s": amount(row.gbps),
      "GFLOP/s": amount(row.gflops),
      "% ceiling": row.share === undefined ? "" : (100 * row.share).toFixed(1),
      bound: row.bound ?? "",
      "× twin": row.speedUp === undefined ? "" : short(row.speedUp),
    }));
    const roofs = ceilings.map(({ processor, copyGBps, fmaGflops, launchUs }) =>
      `${processor === "gpu" ? "adapter" : "TypeScript"}: copy ${
        short(copyGBps)
      } GB/s, multiply-add ` +
      `${short(fmaGflops)} GFLOP/s${launchUs ? `, empty dispatch ${short(launchUs)} µs` : ""}`
    );
    const clocks = new Set(
      kernels.filter(({ processor }) => processor === "gpu").map(({ clock }) => clock),
    );
    if (clocks.has("wall")) roofs.push("the adapter has no timestamps: wall time with the wait");
    const notes = new Set(
      kernels.flatMap(({ note, kernel }) => note ? [`${kernel}: ${note}`] : []),
    );
    const lines = [...roofs, ...notes].map((line) => `  ${line}`).join("\n");
    return `${table(rows, ["kernel", "shape", "dtype", "by", "bound"])}\n\n${lines}`;
  },

  models({ models }) {
    if (models.length === 0) return "";
    return table(
      models.map((row) => ({
        shape: row.shape,
        backend: row.backend,
        threads: row.threads ?? "",
        residues: row.residues,
        batch: row.batch,
        attention: row.attention,
        samples: row.engineMs.samples,
        "engine ms": short(row.engineMs.median),
        "p10–p90": range(row.engineMs),
        "ms/block": short(row.msPerBlock),
        "whole ms": row.wholeMs ? short(row.wholeMs.median) : "",
        ratio: times(row.ratio?.median),
        "of ratio": row.ratio ? `${row.ratio.p10.toFixed(2)}–${row.ratio.p90.toFixed(2)}` : "",
        "over products": times(row.overProducts?.median),
        "over none": times(row.overPlain?.median),
        "tokens/s": formatCount(Math.round(row.tokensPerSecond)),
      })),
      ["shape", "backend", "attention"],
    );
  },

  host({ host = [] }) {
    if (host.length === 0) return "";
    return table(
      host.map((row) => ({
        shape: row.shape,
        residues: row.residues,
        batch: row.batch,
        device: row.adapter === NULL_ADAPTER ? "none: commands are not executed" : row.adapter,
        samples: row.replayMs.samples,
        "replay ms": short(row.replayMs.median),
        "p10–p90": range(row.replayMs),
        "µs/block": short(row.usPerBlock),
        "onnxruntime ms": short(row.onnxruntimeMs.median),
        ratio: times(row.ratio.median),
        "of ratio": `${row.ratio.p10.toFixed(2)}–${row.ratio.p90.toFixed(2)}`,
        "pass ms": row.passMs ? short(row.passMs.median) : "",
        "host %": row.passMs ? (100 * row.replayMs.median / row.passMs.median).toFixed(0) : "",
      })),
      ["shape", "device"],
    );
  },

  memory({ memory }) {
    if (memory.length === 0) return "";
    return table(
      memory.map((row) => ({
        shape: row.shape,
        backend: row.backend,
        tokens: row.tokens,
        runner: row.runner,
        attention: row.attention,
        loaded: formatBytes(row.beforeBytes),
        peak: formatBytes(row.peakBytes),
        "of the pass": formatBytes(Math.max(0, row.peakBytes - row.beforeBytes)),
        "one block's attention": formatBytes(row.blockAttentionBytes),
        "all attention": formatBytes(row.allAttentionBytes),
      })),
      ["shape", "backend", "runner", "attention"],
    );
  },

  analyses({ analyses }) {
    if (analyses.length === 0) return "";
    return table(
      analyses.map((row) => ({
        command: row.command,
        subject: row.subject,
        backend: row.backend,
        start: row.start,
        samples: row.ms.samples,
        "median ms": short(row.ms.median),
        "p10–p90": range(row.ms),
        "over forward": times(row.overPlain?.median),
        "over yardstick": times(row.overYardstick?.median),
        "% products": row.overCeiling ? (100 / row.overCeiling.median).toFixed(0) : "",
        "stages ms": Object.entries(row.stagesMs ?? {})
          .map(([name, ms]) => `${name} ${short(ms)}`).join(", "),
      })),
      ["command", "subject", "backend", "start", "stages ms"],
    );
  },

  threads({ settings }) {
    if (settings.length === 0) return "";
    return table(
      settings.map((row) => ({
        question: row.question,
        "one core": row.busy ? "busy" : "idle",
        setting: row.setting,
        samples: row.ms.samples,
        "median ms": short(row.ms.median),
        "p10–p90": range(row.ms),
        ratio: times(row.ratio?.median),
      })),
      ["question", "one core", "setting"],
    );
  },

  peers({ peers = [] }) {
    if (peers.length === 0) return "";
    return table(
      peers.map((row) => ({
        shape: row.shape,
        threads: row.threads,
        T: row.tokens,
        beside: row.version ? `${row.peer} ${row.version}` : row.peer,
        samples: row.ratio.samples,
        "engine ms": short(row.oursMs.median),
        "their ms": short(row.theirsMs.median),
        ratio: times(row.ratio.median),
        "of ratio": `${row.ratio.p10.toFixed(2)}–${row.ratio.p90.toFixed(2)}`,
      })),
      ["shape", "beside"],
    );
  },
};

/** The comparison as text; the slowest first. */
export function comparisonText(
  { changes, missing, added, notes }: Comparison,
  factor: number,
): string {
  const parts: string[] = [];
  if (changes.length > 0) {
    const sorted = [...changes].sort((a, b) => b.ratio - a.ratio);
    const rows = sorted.map(({ name, before, now, ratio, verdict }) => ({
      row: name,
      before: short(before),
      now: short(now),
      change: times(ratio),
      "": verdict === "slower" ? `past ${factor}` : verdict === "scatter" ? "scatter" : "",
    }));
    parts.push(table(rows, ["row", ""]));
  }
  if (missing.length > 0) parts.push(list("Only in the earlier report:", missing));
  if (added.length > 0) parts.push(list("Only in this one:", added));
  parts.push(...notes);
  return parts.join("\n\n");
}

const list = (title: string, names: readonly string[]) =>
  [title, ...names.map((name) => `  ${name}`)].join("\n");
