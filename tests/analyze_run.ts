/** Runs `analyze` in this process in a folder of its own, and reads what it wrote. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/analyze.ts";
import { equal } from "./assert.ts";
import { tinyModel } from "./fixtures.ts";

export const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
export const HP36 = "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF";

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** Runs the command quietly unless `args` say `--loud`, on the model of the golden files unless they name one. */
export async function analyze(...args: string[]): Promise<Outcome> {
  const out: string[] = [], err: string[] = [];
  const loud = args.includes("--loud");
  const isTold = ["--model", "--adapter"].some((name) => args.includes(name));
  const given = [
    ...args.filter((a) => a !== "--loud"),
    ...(loud ? [] : ["--quiet"]),
    ...(isTold ? [] : tinyModel),
  ];
  const code = await execute(command, given, {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** Like `analyze`, and fails the test where the command fails. */
export async function analyzed(...args: string[]): Promise<Outcome> {
  const outcome = await analyze(...args);
  equal(outcome.code, 0, outcome.err);
  return outcome;
}

/** Calls `fn` with an empty folder that is removed afterwards. */
export async function inFolder(fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

export const listing = (dir: string): string[] =>
  [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

/** Rows of a CSV file without quoted fields, by column. */
export function readCsv(path: string): { columns: string[]; rows: Record<string, string>[] } {
  const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
  const columns = lines[0].split(",");
  return {
    columns,
    rows: lines.slice(1).map((line) => {
      const cells = line.split(",");
      equal(cells.length, columns.length, line);
      return Object.fromEntries(columns.map((name, i) => [name, cells[i]]));
    }),
  };
}

/** A number as heads.csv writes it; what JSON says of it is null where it is no finite number. */
export function csvNumber(text: string): number {
  return text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);
}
