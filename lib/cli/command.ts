/** A command declared as data, and the one place that names the argument parsing library. */
import { Command as Commander, CommanderError, Option } from "npm:commander@15.1.0";
import { UserError } from "../errors.ts";
import { describeTables, type TableOf } from "../io/columns.ts";
import type { CommandContext } from "./context.ts";
import type { Parser } from "./parsers.ts";

/** One option of a command; made by {@link option}, {@link optionList} or {@link flag}. */
export interface OptionSpec<T> extends OptionHelp {
  kind: "value" | "list" | "flag";
  placeholder?: string;
  parse?: Parser<unknown>;
  default: T;
  required: boolean;
}

interface OptionHelp {
  description: string;
  /** One letter, without the dash. */
  short?: string;
  /** Heading of the help under which the option is listed. */
  group?: string;
  /** What the help shows as default instead of the value itself. */
  defaultText?: string;
}

interface ValueInit<T> extends OptionHelp {
  /** What stands for the value in the help: `number`, `file`. */
  placeholder: string;
  parse: Parser<T>;
}

/** An option with one value; without a default it is `undefined` when absent. */
export function option<T>(init: ValueInit<T> & { default: T }): OptionSpec<T>;
export function option<T>(init: ValueInit<T> & { required: true }): OptionSpec<T>;
export function option<T>(init: ValueInit<T>): OptionSpec<T | undefined>;
export function option<T>(
  init: ValueInit<T> & { default?: T; required?: boolean },
): OptionSpec<T | undefined> {
  return { required: false, default: undefined, ...init, kind: "value" };
}

/** An option that may be given several times; an empty list when absent. */
export function optionList<T>(init: ValueInit<T>): OptionSpec<T[]> {
  return { ...init, kind: "list", default: [], required: false };
}

/** An option without a value; one that is true by default is declared as `--no-…`. */
export function flag(init: OptionHelp & { default?: boolean }): OptionSpec<boolean> {
  return { default: false, ...init, kind: "flag", required: false };
}

/** Options by their camelCase key: `headCount` is given as `--head-count`. */
export type Options = Record<string, OptionSpec<unknown>>;

export type OptionValues<O extends Options> = {
  [K in keyof O]: O[K] extends OptionSpec<infer T> ? T : never;
};

export interface Positional {
  name: string;
  description: string;
  required?: boolean;
  /** Takes all further arguments; only the last positional can. */
  variadic?: boolean;
}

export interface Example {
  command: string;
  /** What it does, in one line. */
  shows: string;
}

export interface Command<O extends Options = Options> {
  /** The name of the task: `deno task NAME`. */
  name: string;
  /** One line, for the overview and the head of the help. */
  summary: string;
  /** Further paragraphs of the help. */
  description?: string;
  positionals?: Positional[];
  options: O;
  examples: Example[];
  /** The tables that it writes, with every column that a run can have; `--help columns` shows them. */
  tables?: readonly TableOf<never>[];
  /** @param merged shards of such a run, whose results are to be written instead of computing any */
  run(options: OptionValues<O>, ctx: CommandContext, merged?: unknown): void | Promise<void>;
}

/** Gives a command the types of its own options. */
export function defineCommand<O extends Options>(command: Command<O>): Command<O> {
  return command;
}

/** Options that every command has. */
export interface GeneralOptions {
  quiet: boolean;
  debug: boolean;
}

export type Parsed<O extends Options> =
  | { help: string }
  | { options: OptionValues<O>; general: GeneralOptions; args: string[] };

/**
 * Reads a command line; `--help` gives the help text instead.
 *
 * @throws {UserError} for an unknown option, a missing value, an excess argument or a bad value
 */
export function parseArguments<O extends Options>(
  command: Command<O>,
  args: readonly string[],
): Parsed<O> {
  const { tables } = command, asked = args.findIndex((arg) => arg === "--help" || arg === "-h");
  if (tables && asked >= 0 && args[asked + 1] === "columns") {
    return { help: describeTables(tables) };
  }
  let help = "";
  const program = build(command).configureOutput({
    writeOut: (text) => help += text,
    outputError: () => {},
    getOutHelpWidth: helpWidth,
    // Looking the terminal's colours up would read environment variables.
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  try {
    program.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return { help };
    throw new UserError(lineOf(command.name, error));
  }
  const given = program.opts();
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(command.options)) {
    values[key] = valueOf(spec, flagOf(key), given[key]);
  }
  return {
    options: values as OptionValues<O>,
    general: { quiet: given.quiet === true, debug: given.debug === true },
    args: program.args,
  };
}

const GENERAL = "General:";

function build<O extends Options>(command: Command<O>): Commander {
  const program = new Commander(`deno task ${command.name}`)
    .description([command.summary, command.description].filter(Boolean).join("\n\n"))
    .allowExcessArguments(false)
    .exitOverride();
  for (const { name, description, required, variadic } of command.positionals ?? []) {
    const inner = variadic ? `${name}...` : name;
    program.argument(required ? `<${inner}>` : `[${inner}]`, description);
  }
  for (const [key, spec] of Object.entries(command.options)) {
    program.addOption(optionOf(key, spec));
  }
  program.addOption(
    new Option("--quiet", "show no progress and no notes").helpGroup(GENERAL),
  );
  program.addOption(
    new Option("--debug", "show where in the code an error came from").helpGroup(GENERAL),
  );
  program.addHelpOption(new Option("-h, --help", helpText(command)).helpGroup(GENERAL));
  const examples = command.examples.map(({ command, shows }) => `  ${command}\n      ${shows}`);
  if (examples.length > 0) program.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  return program;
}

const helpText = ({ tables }: Pick<Command, "tables">) =>
  tables ? "show this help; --help columns: what the tables hold" : "show this help";

function optionOf(key: string, spec: OptionSpec<unknown>): Option {
  const long = spec.kind === "flag" && spec.default === true
    ? `--no-${flagOf(key).slice(2)}`
    : flagOf(key);
  const value = spec.kind === "flag" ? "" : ` <${spec.placeholder}>`;
  const made = new Option(`${spec.short ? `-${spec.short}, ` : ""}${long}${value}`);
  made.description = spec.description;
  if (spec.group) made.helpGroup(`${spec.group.replace(/:$/, "")}:`);
  if (spec.required) made.makeOptionMandatory();
  if (spec.kind === "list") {
    made.argParser((text: string, before?: string[]) => [...(before ?? []), text]);
  }
  const shown = spec.defaultText ?? (spec.kind === "value" ? spec.default : undefined);
  if (shown !== undefined) made.description += ` (default: ${shown})`;
  return made;
}

function valueOf(spec: OptionSpec<unknown>, flag: string, given: unknown): unknown {
  if (given === undefined) return spec.default;
  const { parse } = spec;
  if (!parse) return given;
  return spec.kind === "list"
    ? (given as string[]).map((text) => parse(text, flag))
    : parse(given as string, flag);
}

function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const REQUIREMENTS: Record<string, string> = {
  "commander.unknownOption": "every option must be one that --help lists",
  "commander.optionMissingArgument": "the option must have a value",
  "commander.excessArguments": "there must be no more arguments than --help lists",
  "commander.missingArgument": "the argument must be given",
  "commander.missingMandatoryOptionValue": "the option must be given",
};

function lineOf(name: string, error: CommanderError): string {
  const detail = error.message.replace(/^error: /, "").replaceAll("\n", " ")
    .replace("(Did you mean", "(did you mean");
  const requirement = REQUIREMENTS[error.code] ?? "the command line must be readable";
  return `Cannot run ${name} as ${requirement}: ${detail}`;
}

function helpWidth(): number {
  if (!Deno.stdout.isTerminal()) return 100;
  return Math.min(100, Deno.consoleSize().columns);
}
