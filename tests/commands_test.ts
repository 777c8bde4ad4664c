/** What holds for every command of the registry, so that a new one cannot be left out. */
import config from "../deno.json" with { type: "json" };
import { execute } from "../lib/cli/main.ts";
import { commands } from "../lib/cli/commands.ts";
import { loadAll, loadCommand } from "../tasks/commands.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const root = new URL("../", import.meta.url);
const all = await loadAll();

/** What a command cannot do without. */
const NEEDS: Readonly<Record<string, string[]>> = {
  "analyze": ["--sites", "1"],
  "fold": ["--model", fixturePath("esmfold/model")],
  "merge": ["folder"],
  "sae merge": ["folder"],
  "sae steer": ["--set", "1=2"],
  "contacts fit": ["--table", "proteins.csv", "--folds", "2"],
  "lens train": ["--fasta", "one.fasta", "--validation", "0"],
  "sae train": ["--fasta", "one.fasta", "--validation", "0"],
};

Deno.test("every file of tasks/ is a command of the registry, and every command a file", async () => {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(new URL("tasks", root))) {
    if (/^[a-z]+\.ts$/.test(name) && !["esmscope.ts", "commands.ts"].includes(name)) {
      files.push(name.slice(0, -3));
    }
  }
  deepEqual(files.sort(), commands.map(({ name }) => name).sort());
});

Deno.test("deno.json has of every command the task, its summary, and what its kind may do", async () => {
  const tasks = config.tasks as Record<string, { command: string; description: string }>;
  const permissions = config.permissions as Record<string, unknown>;
  for (const { name, summary, access } of commands) {
    const { command, description } = tasks[name];
    equal(command, `deno run --quiet -P=${name} tasks/${name}.ts`);
    equal(description, summary);
    equal((await loadCommand(name)).summary, summary);
    const first = commands.find((one) => one.access === access)!;
    deepEqual(permissions[name], permissions[first.name], `${name} and ${first.name}`);
  }
});

Deno.test("the README has a row for every command, and for those of groups", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  for (const { name } of commands) {
    ok(readme.includes(`deno task ${name}`), name);
    const loaded = await loadCommand(name);
    if (!("commands" in loaded)) continue;
    for (const one of loaded.commands) match(readme, new RegExp(`^\\| \`${one.name}\` \\|`, "m"));
  }
});

for (const { path, command } of all) {
  Deno.test(`${path} --help says what it does, every option, and examples that begin with it`, async () => {
    const out: string[] = [];
    const code = await execute(command, ["--help"], {
      output: { out: (line) => out.push(line), err: (line) => out.push(line) },
    });
    equal(code, 0);
    const text = out.join("\n"), flat = text.replace(/\s+/g, " ");
    ok(flat.includes(command.summary), command.summary);
    for (const [key, { description }] of Object.entries(command.options)) {
      const long = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      match(text, new RegExp(`--(no-)?${long}\\b`));
      ok(description.length > 3, key);
    }
    const own = `deno task ${path === "sae merge" ? "merge" : path}`;
    ok(command.examples.some(({ command: line }) => line.includes(own)), own);
    for (const { command: line } of command.examples) {
      ok(flat.includes(line.replace(/\s+/g, " ")), line);
    }
  });

  Deno.test(`${path} has the options of its kind, and hears of shards where it can be split`, () => {
    const names = Object.keys(command.options);
    // A command that runs a model and writes a folder.
    if (!names.includes("out") || !names.includes("model") || !names.includes("json")) return;
    for (const name of ["backend", "lowMemory", "report"]) ok(names.includes(name), name);
    ok(command.tables && command.tables.length > 0, "its tables are declared");
    if (names.includes("shard")) equal(command.run.length, 3, "run takes what is merged");
  });

  const needs = NEEDS[path] ?? [];
  const has = (key: string) => Object.hasOwn(command.options, key);
  const files = {
    "empty.fasta": "",
    "taken": "a file",
    "digits.fasta": ">a\nMK1\n",
    "one.fasta": ">a\nMKTAYIAKQR\n",
    "proteins.csv": "id,sequence,truth\na,MKTAYIAKQR,pairs.csv\nb,MKTAYIAKQR,pairs.csv\n",
    "pairs.csv": "i,j\n1,9\n",
  };
  const cases: (BadInput & { option?: string })[] = [
    { name: "an option that it has not", args: ["--no-such-option"], says: /--no-such-option/ },
    {
      name: "an argument too many",
      args: command.positionals ? ["--nothing"] : ["excess"],
      says: command.positionals ? /--nothing/ : /excess|too many/,
    },
    ...Object.entries(command.options).filter(([, { kind }]) => kind !== "flag").slice(0, 40).map(
      ([key]) => {
        const long = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        return {
          name: `--${long} without a value`,
          args: [`--${long}`],
          says: new RegExp(`--${long}`),
        };
      },
    ),
    { option: "fasta", name: "no file", args: ["--fasta", "none.fasta"], says: /none\.fasta/ },
    { option: "fasta", name: "an empty file", args: ["--fasta", "empty.fasta"], says: /empty/ },
    {
      option: "fasta",
      name: "a digit in a file",
      args: ["--fasta", "digits.fasta"],
      says: /digit in column 3|"1"/,
    },
    { option: "sequence", name: "a digit", args: ["--sequence", "MK1"], says: /MK1|"1"/ },
    { option: "table", name: "no table", args: ["--table", "none.csv"], says: /none\.csv/ },
    { option: "model", name: "no model", args: ["--model", "esm9"], says: /esm9/ },
    { option: "backend", name: "a backend", args: ["--backend", "gpu"], says: /--backend.*gpu/ },
    { option: "shard", name: "a shard beyond", args: ["--shard", "3/2"], says: /--shard.*3\/2/ },
    { option: "out", name: "a file as folder", args: ["--out", "taken"], says: /taken/ },
  ];
  testBadInputs(
    path,
    (args, settings) => execute(command, args, settings),
    cases.filter(({ option }) => option === undefined || has(option))
      // Downloads and measurements begin before there is a folder to write to.
      .filter(({ option }) => option !== "out" || has("model") && has("json"))
      .map((one) => ({
        ...one,
        files,
        args: [...(needs[0] === one.args[0] || one.option === "table" ? [] : needs), ...one.args],
      })),
  );
}
