/** How fast the kernels, the engine and the analyses are, and whether they became slower. */
import { basename, dirname } from "node:path";
import { compareReports } from "../lib/bench/compare.ts";
import { listOf } from "../lib/bench/options.ts";
import { SECTIONS } from "../lib/bench/plan.ts";
import { type ShapeName, SHAPES } from "../lib/checkpoint/random.ts";
import { readReport } from "../lib/bench/report_file.ts";
import { renderBenchReport } from "../lib/bench/report/mod.ts";
import { runBench } from "../lib/bench/run.ts";
import type { BenchReport } from "../lib/bench/types.ts";
import { comparisonText, sectionText } from "../lib/bench/tables.ts";
import { defineCommand, flag, option, type OptionValues } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import type { CommandContext } from "../lib/cli/context.ts";
import { describeError, runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { formatDuration } from "../lib/cli/units.ts";
import { UserError } from "../lib/errors.ts";
import { OutputDir } from "../lib/io/output.ts";

const shapeNames = Object.keys(SHAPES) as ShapeName[];

const options = {
  only: option({
    placeholder: "list",
    parse: listOf(parse.choice(...SECTIONS)),
    description: `sections to run: ${SECTIONS.join(", ")}`,
    defaultText: "all but threads and peers",
    group: "What",
  }),
  backend: option({
    placeholder: "list",
    parse: listOf(parse.choice("webgpu", "cpu", "wasm")),
    description: "backends of models and analyses: webgpu, cpu, wasm",
    defaultText: "webgpu,cpu with a GPU, else cpu,wasm",
    group: "What",
  }),
  shapes: option({
    placeholder: "list",
    parse: listOf(parse.choice(...shapeNames)),
    description: `ESM-2 sizes, with random weights: ${shapeNames.join(", ")}`,
    defaultText: "8M,35M; beside peers 150M too",
    group: "What",
  }),
  lengths: option({
    placeholder: "list",
    parse: listOf(parse.positiveInteger(100_000)),
    description: "residues of a sequence",
    defaultText: "64,256,412,1022; beside peers 30,64,256,412,1020",
    group: "What",
  }),
  batches: option({
    placeholder: "list",
    parse: listOf(parse.positiveInteger(1024)),
    description: "sequences of a batch",
    defaultText: "1,8,32",
    group: "What",
  }),
  threads: option({
    placeholder: "list",
    parse: listOf(parse.positiveInteger(1024)),
    description: "threads of the cpu backend",
    defaultText: "1 and all cores",
    group: "What",
  }),
  peers: flag({
    description:
      "forward passes of one sequence beside PyTorch (of python3-torch), transformers.js (fetched from npm) and " +
      "onnxruntime's whole graph, on the same weights; nothing else without --only",
    group: "What",
  }),
  quick: flag({ description: "fewer and shorter rows, in about a minute", group: "What" }),
  compare: option({
    placeholder: "file",
    parse: parse.path,
    description: "an earlier --json; fails if a ratio grew past --factor",
    group: "Comparison",
  }),
  factor: option({
    placeholder: "number",
    parse: parse.number({ min: 1 }),
    default: 1.3,
    description: "how many times a row's ratio may grow",
    group: "Comparison",
  }),
  json: option({
    placeholder: "file",
    parse: parse.path,
    description: "write every number, machine, adapter and versions",
    group: "Output",
  }),
  plot: option({
    placeholder: "file",
    parse: parse.path,
    description: "draw the kernels against this run's ceilings, as a page (HTML)",
    group: "Output",
  }),
};

export const command = defineCommand({
  ...about("bench"),
  description:
    "Kernels are shares of the ceilings that a copy and a multiply-add kernel reach in the same " +
    "run; forward passes are ratios to onnxruntime's session of the whole model with the same " +
    "weights, and to plain products of the same shapes, measured in turn; analyses to their passes and to " +
    "such products; memory to what the sizes ask for. Comparison uses these ratios only, so that a slow or busy machine " +
    "does not look like a slow program. Outputs are verified before they are timed.",
  options,
  examples: [
    { command: "deno task bench", shows: "everything but the question about threads" },
    { command: "deno task bench --quick --json now.json", shows: "a short run, kept" },
    {
      command: "deno task bench --quick --compare data/bench/cpu-2-cores.json --factor 1.5",
      shows: "fails if a ratio is 1.5 times that of the file",
    },
    {
      command: "deno task bench --only models --shapes 150M,650M --lengths 412 --batches 1",
      shows: "large models",
    },
    {
      command: "deno task bench --only kernels --plot kernels.html",
      shows: "a page of the kernels against their ceilings",
    },
    {
      command: "deno task bench --peers --json peers.json",
      shows: "the engine beside other programs, kept",
    },
    { command: "deno task bench --only threads", shows: "threads, spinning, padding, batches" },
  ],
  run,
});

async function run(o: OptionValues<typeof options>, ctx: CommandContext): Promise<void> {
  if (o.plot !== undefined && o.only && !o.only.includes("kernels")) {
    throw new UserError("Cannot use --plot as --only must include kernels: it draws nothing else");
  }
  // What cannot be read or written is said before minutes of measuring.
  const before = o.compare === undefined ? undefined : await readReport(o.compare);
  using outputs = new DisposableStack();
  const open = (path: string | undefined) => {
    if (path === undefined) return undefined;
    const dir = outputs.use(OutputDir.open(dirname(path)));
    ctx.onExit(() => dir.dispose());
    dir.temporaryPath(basename(path));
    return { dir, name: basename(path) };
  };
  const json = open(o.json), plot = open(o.plot);

  const { compare: _, factor, json: __, plot: ___, ...plan } = o;
  let begun: BenchReport | undefined;
  const write = async () => {
    if (!begun) return;
    if (json) await json.dir.write(json.name, JSON.stringify(begun, null, 1) + "\n");
    if (plot && begun.kernels.length > 0) {
      await plot.dir.write(plot.name, renderBenchReport(begun, json ? [json.name] : []));
    }
    for (const file of [json, plot]) if (file) ctx.note(`Wrote ${file.dir.commit().join(", ")}`);
  };
  const report = await runBench(plan, {
    onBegin: (report) => begun = report,
    onSection: (name) => ctx.note(`Measuring ${name} …`),
    onStep: (text) => ctx.note(`  ${text}`),
    onRows: (name, soFar) => {
      const text = sectionText(name, soFar);
      if (text) ctx.print(text);
    },
  }, ctx.signal).catch(async (error) => {
    // Minutes of measuring are kept when a later row fails or the run is interrupted.
    begun?.notes.push(`not complete: ${describeError(error)}`);
    await write();
    throw error;
  });

  const { machine, elapsedSeconds } = report;
  ctx.print(`${machine.cpu}, ${machine.cores} cores; ${formatDuration(elapsedSeconds)}`);
  for (const note of report.notes) ctx.print(`Note: ${note}.`);
  await write();

  if (!before) return;
  const comparison = compareReports(before, report, factor);
  ctx.print(`\nCompared with ${o.compare}\n\n${comparisonText(comparison, factor)}`);
  if (comparison.changes.length === 0) {
    throw new Error(
      `Cannot compare with ${o.compare} as a row must be in both reports: current count is 0`,
    );
  }
  if (comparison.slower.length > 0) {
    throw new Error(
      `Slower than ${o.compare} by more than ${factor}: ` +
        comparison.slower.map(({ name, ratio }) => `${name} (${ratio.toFixed(2)}×)`).join("; "),
    );
  }
}

if (import.meta.main) await runCommand(command, Deno.args);
