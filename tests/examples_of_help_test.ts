/** Examples that the commands' help prints: each is one that can be typed. */
import { type Command, type Example, parseArguments } from "../lib/cli/command.ts";
import { chooseCommand, type CommandGroup } from "../lib/cli/group.ts";
import { commands } from "../lib/cli/commands.ts";
import { loadCommand } from "../tasks/commands.ts";
import { command as esmscope } from "../tasks/esmscope.ts";
import { equal, ok } from "./assert.ts";
import { command as parity } from "./parity_table.ts";

const all = [
  ...await Promise.all(commands.map(({ name }) => loadCommand(name))),
  esmscope,
  parity,
] as readonly (Command | CommandGroup)[];
const shown: Example[] = [
  ...all.flatMap((one) => "commands" in one ? [one, ...one.commands] : [one]),
].flatMap(({ examples }) => examples);
const lines = [...shown, ...commands.map(({ example }) => ({ command: example, shows: "" }))]
  .flatMap(({ command }) => command.split(" && "));

/** Words of a shell line; double quotes keep spaces. */
const words = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

Deno.test("examples of every --help are command lines that the commands accept", () => {
  ok(lines.length > 40, `${lines.length} examples`);
  for (const line of lines) {
    const [deno, task, name, ...args] = words(line);
    equal(`${deno} ${task}`, "deno task", line);
    const one = all.find((each) => each.name === name);
    ok(one, line);
    if ("commands" in one) {
      const chosen = chooseCommand(one, args);
      if ("command" in chosen) parseArguments(chosen.command, chosen.args);
    } else parseArguments(one, args);
  }
});

Deno.test("examples of every --help name files of the project that are there", () => {
  const files = lines.flatMap(words).filter((word) => word.startsWith("data/"));
  ok(files.length > 2, files.join());
  for (const file of files) ok(Deno.statSync(new URL(`../${file}`, import.meta.url)).isFile, file);
});

Deno.test("examples and README name residues that the proteins of the project have", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const typed = [...lines, ...readme.split("\n").filter((line) => line.startsWith("deno task "))];
  let named = 0;
  for (const line of typed) {
    const args = words(line), after = (name: string) => args[args.indexOf(name) + 1];
    if (!args.includes("--fasta") || !after("--fasta").startsWith("data/")) continue;
    const text = await Deno.readTextFile(new URL(`../${after("--fasta")}`, import.meta.url));
    const residues = text.replace(/^>.*$/gm, "").replace(/\s/g, "");
    for (const option of ["--sites", "--mutations"]) {
      if (!args.includes(option)) continue;
      for (const [, letter, residue] of after(option).matchAll(/([A-Z])(\d+)/g)) {
        equal(residues[Number(residue) - 1], letter, line);
        named++;
      }
    }
    ok(!line.includes(" p.fasta"), line);
  }
  ok(named > 8, `${named} residues`);
});
