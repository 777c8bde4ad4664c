import { deepEqual, equal, match, ok, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { defineCommand, flag, option, optionList, parseArguments } from "./command.ts";
import { number, path, positiveInteger } from "./parsers.ts";

const command = defineCommand({
  name: "probe",
  summary: "Probe a thing",
  description: "A longer text.",
  positionals: [{ name: "files", description: "what to read", variadic: true }],
  options: {
    threshold: option({
      placeholder: "number",
      parse: number({ min: 0, max: 1 }),
      default: 0.3,
      description: "smallest attention that counts",
      group: "Statistics",
    }),
    topCount: option({ placeholder: "count", parse: positiveInteger(), description: "how many" }),
    site: optionList({ placeholder: "number", parse: positiveInteger(), description: "a site" }),
    out: option({ placeholder: "file", parse: path, short: "o", description: "where to" }),
    force: flag({ description: "do it anyway" }),
    maps: flag({ description: "draw no maps", default: true }),
  },
  examples: [{ command: "deno task probe a.fasta", shows: "probes one file" }],
  run: () => {},
});

function read(...args: string[]) {
  const parsed = parseArguments(command, args);
  ok(!("help" in parsed));
  return parsed;
}

function helpOf(...args: string[]): string {
  const parsed = parseArguments(command, args);
  ok("help" in parsed);
  return parsed.help;
}

function fails(args: string[], message: RegExp): void {
  throws(() => parseArguments(command, args), (error: Error) => {
    ok(error instanceof UserError, String(error));
    match(error.message, message);
    equal(error.message.includes("\n"), false);
    return true;
  });
}

Deno.test("parseArguments gives the defaults when nothing is given", () => {
  deepEqual(read(), {
    options: {
      threshold: 0.3,
      topCount: undefined,
      site: [],
      out: undefined,
      force: false,
      maps: true,
    },
    general: { quiet: false, debug: false },
    args: [],
  });
});

Deno.test("parseArguments reads values, lists, short forms, negated flags and arguments", () => {
  const { options, general, args } = read(
    ...["a", "--threshold=0", "--top-count", "7", "--site", "3", "--site", "1", "b"],
    ...["-o", "x.csv", "--force", "--no-maps", "--quiet", "--", "--c"],
  );
  deepEqual(options, {
    threshold: 0,
    topCount: 7,
    site: [3, 1],
    out: "x.csv",
    force: true,
    maps: false,
  });
  equal(general.quiet, true);
  deepEqual(args, ["a", "b", "--c"]);
});

Deno.test("parseArguments turns every mistake into one line", () => {
  fails(["--treshold", "1"], /^Cannot run probe as .*'--treshold' \(did you mean --threshold\?\)$/);
  fails(["--threshold"], /^Cannot run probe as the option must have a value: .*--threshold/);
  fails(
    ["--threshold", "abc"],
    /^Cannot read --threshold as it must be a number in 0..1: current value is "abc"$/,
  );
  fails(["--site", "1", "--site", "0"], /^Cannot read --site as .*current value is "0"$/);
  fails(["--force=yes"], /^Cannot run probe/);
});

Deno.test("parseArguments refuses arguments that the command does not take", () => {
  const bare = { ...command, positionals: [], options: {} };
  throws(() => parseArguments(bare, ["a", "b"]), /no more arguments .*got 2/);
  const strict = defineCommand({
    name: "strict",
    summary: "",
    examples: [],
    run: () => {},
    positionals: [{ name: "model", description: "", required: true }],
    options: {
      out: option({ placeholder: "file", parse: path, description: "", required: true }),
    },
  });
  throws(() => parseArguments(strict, ["--out", "x"]), /argument must be given: .*model/);
  throws(() => parseArguments(strict, ["m"]), /option must be given: .*--out/);
  const parsed = parseArguments(strict, ["m", "--out", "x"]);
  ok(!("help" in parsed));
  const out: string = parsed.options.out;
  equal(out, "x");
});

Deno.test("parseArguments gives help with groups and defaults, examples last, no colours", () => {
  const help = helpOf("--help");
  match(help, /^Usage: deno task probe \[options\] \[files\.\.\.\]/);
  match(help, /Statistics:\n +--threshold <number> +smallest.*\(default: 0\.3\)/);
  match(help, /--top-count <count>/);
  match(help, /--no-maps/);
  match(help, /Examples:\n {2}deno task probe a\.fasta\n {6}probes one file\n$/);
  equal(help.includes("\x1b"), false);
  equal(helpOf("-h"), help);
});
