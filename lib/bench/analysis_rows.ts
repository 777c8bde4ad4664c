/** Commands from end to end: cold in a process of their own, and on top of a warm forward pass. */
import { examples } from "../../data/examples.ts";
import type { Backend } from "../backend/mod.ts";
import { Esm2, padBatch, tokenize } from "../esm2/mod.ts";
import { parseSites } from "../sites/parse_sites.ts";
import { analyzeSites } from "../sites/analyze.ts";
import { interleave, type Variant } from "./interleave.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { writeRandomCheckpoint } from "./random_folder.ts";
import { median, pairedRatio, spreadOf } from "./statistics.ts";
import { runModule, runTask } from "./subprocess.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** A command with an output folder and a run.json in it; a new command adds itself here. */
export interface TimedCommand {
  name: string;
  task: URL;
  args: readonly string[];
  subject: string;
}

export const COMMANDS: readonly TimedCommand[] = [
  {
    name: "analyze",
    task: new URL("../../tasks/analyze.ts", import.meta.url),
    args: [],
    subject: "A2A, 412 residues",
  },
  {
    name: "score",
    task: new URL("../../tasks/score.ts", import.meta.url),
    args: [],
    subject: "every mutation of 66 residues",
  },
];

export interface ColdOptions {
  /** Value of --backend. */
  backend: string;
  /** Runs of each command. */
  runs: number;
  /** What is timed. @default COMMANDS */
  commands?: readonly TimedCommand[];
  signal?: AbortSignal;
}

/** The variant that every cold start is measured against. */
const YARDSTICK = "yardstick";

/**
 * Time from the start of a command to its exit, results written: the first is all that a user waits
 * for. The system's file cache is warm.
 */
export async function coldRows(
  { backend, runs, commands = COMMANDS, signal }: ColdOptions,
): Promise<AnalysisRow[]> {
  const dir = await Deno.makeTempDir({ prefix: "esmscope-bench-" });
  try {
    const model = `${dir}/8M`;
    await writeRandomCheckpoint(model, SHAPES["8M"]);
    const cases = commands.flatMap((command) => [
      { command, model: "embedded model", args: command.args },
      { command, model: "8M shape", args: [...command.args, "--model", model] },
    ]);
    const stages: Record<string, Record<string, number>[]> = {};
    const variants: Variant[] = cases.map(({ command, args }, i) => ({
      name: String(i),
      async run() {
        const out = `${dir}/${command.name}-${i}`;
        const flags = ["--quiet", "--backend", backend, "--out", out];
        await runTask(command.task, [...args, ...flags], signal);
        const { timingsMs } = JSON.parse(await Deno.readTextFile(`${out}/run.json`));
        (stages[i] ??= []).push(timingsMs);
      },
    }));
    const yardstick = new URL("./cold_yardstick.ts", import.meta.url);
    variants.unshift({
      name: YARDSTICK,
      run: async () => void await runModule(yardstick, {}, signal),
    });
    const ms = await interleave(variants, { budgetMs: 0, least: runs, warmup: 1, signal });
    return cases.map(({ command, model }, i) => ({
      command: command.name,
      subject: `${model}, ${command.subject}`,
      backend,
      start: "cold",
      ms: spreadOf(ms[i]),
      overYardstick: pairedRatio(ms[i], ms[YARDSTICK]),
      stagesMs: mediansOf(stages[i].slice(1)),
    }));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function mediansOf(records: readonly Record<string, number>[]): Record<string, number> {
  return Object.fromEntries(
    Object.keys(records[0]).map((key) => [key, median(records.map((record) => record[key]))]),
  );
}

/** The analysis of the A2A example with the 8M shape against a plain forward pass of it. */
export async function warmRow(
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> {
  const { a2a } = examples;
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  const batch = { ...padBatch([tokenize(a2a)]), members: [0] };
  const sites = parseSites(a2a.siteSets.published.sites.join(), a2a, "published");
  const protein = { id: a2a.id, residues: a2a.residues, sites };
  return await warmAnalysis(backend, {
    command: "analyze",
    subject: "8M shape, A2A, 412 residues",
    yardstick: { config: model.config, tokens: batch.width },
    plain: () => enginePass(model, batch, "none"),
    analysis: () => analyzeSites(model, [protein], options),
  }, options);
}
