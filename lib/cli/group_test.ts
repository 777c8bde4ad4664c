import { equal, match } from "../../tests/assert.ts";
import { type Command, defineCommand, option } from "./command.ts";
import type { CommandGroup } from "./group.ts";
import { execute } from "./main.ts";
import { positiveInteger } from "./parsers.ts";

const ran: string[] = [];
const first = defineCommand({
  name: "first",
  summary: "Does the first thing",
  options: {
    count: option({
      placeholder: "n",
      parse: positiveInteger(),
      default: 1,
      description: "how often",
    }),
  },
  examples: [],
  run: ({ count }) => void ran.push(`first ${count}`),
});
const second = defineCommand({
  name: "second",
  summary: "Does the second thing",
  options: {},
  examples: [],
  run: (_, ctx) => void ran.push(`second ${ctx.quiet}`),
});
const group: CommandGroup = {
  name: "things",
  summary: "Does things",
  description: "A longer text.",
  commands: [first, second] as Command[],
  examples: [{ command: "deno task things first", shows: "the first" }],
};

async function run(...args: string[]) {
  const out: string[] = [], err: string[] = [];
  ran.length = 0;
  const code = await execute(group, args, {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n"), ran: ran.join() };
}

Deno.test("execute runs the command of a group that the first argument names", async () => {
  equal((await run("first", "--count", "3")).ran, "first 3");
  equal((await run("second", "--quiet")).ran, "second true");
});

Deno.test("execute lists a group's commands without arguments and with --help", async () => {
  const { code, out, ran } = await run();
  equal(code, 0);
  equal(ran, "");
  match(out, /^Usage: deno task things <command> \[options\]\n\nDoes things\n\nA longer text\./);
  match(out, /Commands:\n {2}first {3}Does the first thing\n {2}second {2}Does the second thing\n/);
  match(out, /Examples:\n {2}deno task things first\n {6}the first$/);
  equal((await run("--help")).out, out);
  equal((await run("-h")).out, out);
});

Deno.test("execute names the group in a command's help and errors", async () => {
  match((await run("first", "--help")).out, /^Usage: deno task things first \[options\]/);
  const { code, err } = await run("first", "--wrong");
  equal(code, 2);
  match(err, /^error: Cannot run things first as every option must be one that --help lists/);
});

Deno.test("execute answers an unknown command of a group with one line", async () => {
  for (const name of ["third", "--quiet", ""]) {
    const { code, err, out } = await run(name);
    equal(code, 2);
    equal(out, "");
    equal(
      err,
      "error: Cannot run things as the first argument must be one of first, second: " +
        `current value is "${name}"`,
    );
  }
});

Deno.test("a group whose name alone runs a command takes options in the first place", async () => {
  const alone = { ...first, name: "things" } as Command;
  const call = async (...args: string[]) => {
    ran.length = 0;
    const err: string[] = [];
    const output = { out: () => {}, err: (line: string) => err.push(line) };
    const code = await execute({ ...group, alone }, args, { output });
    return [code, ran.join(), err.join()];
  };
  equal((await call()).join(), "0,first 1,");
  equal((await call("--count", "3")).join(), "0,first 3,");
  equal((await call("second")).join(), "0,second false,");
  match(
    (await call("third"))[2] as string,
    /must be one of first, second: current value is "third"/,
  );
});
