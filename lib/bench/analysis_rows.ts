/** Commands from end to end: cold in a process of their own, and on top of a warm forward pass. */
import { examples } from "../../data/examples.ts";
import type { Backend } from "../backend/mod.ts";
import { Esm2, padBatch, tokenize } from "../esm2/mod.ts";
import { parseSites } from "../sites/parse_sites.ts";
import { analyzeSites } from "../sites/analyze.ts";
import { interleave } from "./interleave.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES, writeRandomCheckpoint } from "./random_checkpoint.ts";
import { median, pairedRatio, spreadOf } from "./statistics.ts";
import { runTask } from "./subprocess.ts";
import type { AnalysisRow } from "./types.ts";

/** A command with an output folder and a run.json in it; a new command adds itself here. */
interface TimedCommand {
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
  signal?: AbortSignal;
}

/**
 * Time from the start of a command to its exit, results written: the first is all that a user waits
 * for. The system's file cache is warm.
 */
export async function coldRows({ backend, runs, signal }: ColdOptions): Promise<AnalysisRow[]> {
  const dir = await Deno.makeTempDir({ prefix: "esmscope-bench-" });
  try {
    const model = `${dir}/8M`;
    await writeRandomCheckpoint(model, SHAPES["8M"]);
    const cases = COMMANDS.flatMap((command) => [
      { command, model: "embedded model", args: command.args },
      { command, model: "8M shape", args: [...command.args, "--model", model] },
    ]);
    const stages: Record<string, Record<string, number>[]> = {};
    const variants = cases.map(({ command, args }, i) => ({
      name: String(i),
      async run() {
        const out = `${dir}/${command.name}-${i}`;
        const flags = ["--quiet", "--backend", backend, "--out", out];
        await runTask(command.task, [...args, ...flags], signal);
        const { timingsMs } = JSON.parse(await Deno.readTextFile(`${out}/run.json`));
        (stages[i] ??= []).push(timingsMs);
      },
    }));
    const ms = await interleave(variants, { budgetMs: 0, least: runs, warmup: 1, signal });
    return cases.map(({ command, model }, i) => ({
      command: command.name,
      subject: `${model}, ${command.subject}`,
      backend,
      start: "cold",
      ms: spreadOf(ms[i]),
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
  { budgetMs, signal }: { budgetMs: number; signal?: AbortSignal },
): Promise<AnalysisRow> {
  const { a2a } = examples;
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  const batch = { ...padBatch([tokenize(a2a)]), members: [0] };
  const sites = parseSites(a2a.siteSets.published.sites.join(), a2a, "published");
  const protein = { id: a2a.id, residues: a2a.residues, sites };
  const ms = await interleave([
    { name: "plain", run: async () => void await enginePass(model, batch, "none") },
    { name: "analyze", run: async () => void await analyzeSites(model, [protein], { signal }) },
  ], { budgetMs, signal });
  return {
    command: "analyze",
    subject: "8M shape, A2A, 412 residues",
    backend: backend.name,
    start: "warm",
    ms: spreadOf(ms.analyze),
    overPlain: pairedRatio(ms.analyze, ms.plain),
  };
}
