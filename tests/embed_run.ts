/** Runs `embed` in this process, and reads what it wrote. */
import { execute } from "../lib/cli/main.ts";
import { openNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { command } from "../tasks/embed.ts";
import { equal } from "./assert.ts";

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** On the CPU, unless the arguments say otherwise. */
export async function embed(...args: string[]): Promise<Outcome> {
  const out: string[] = [], err: string[] = [];
  const own = args.includes("--backend") ? [] : ["--backend", "cpu"];
  const code = await execute(command, [...args, ...own], {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** Like `embed`, and fails the test where the command fails. */
export async function embedded(...args: string[]): Promise<Outcome> {
  const outcome = await embed(...args);
  equal(outcome.code, 0, outcome.err);
  return outcome;
}

/** Arrays of numbers of an archive; texts are left out. */
export async function readArrays(path: string) {
  using source = await openRandomAccess(path);
  const archive = await openNpz(source);
  const numbers = archive.names.filter((name) => name !== "ids" && name !== "label");
  const found = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const name of numbers) {
    const { shape, data } = await (await archive.look(name))!.read();
    found.set(name, { shape, data: Float32Array.from(data as Float32Array) });
  }
  return { names: archive.names, arrays: found };
}
