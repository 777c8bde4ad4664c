/** Runs a command from its command line to its exit code. */
import { printableLines, UserError } from "../errors.ts";
import { DiskError } from "../io/disk.ts";
import {
  type Command,
  type GeneralOptions,
  type Options,
  parseArguments,
  type Parsed,
} from "./command.ts";
import type { CommandContext } from "./context.ts";
import { chooseCommand, type CommandGroup } from "./group.ts";
import { Progress } from "./progress.ts";
import { onSignals } from "./signals.ts";

const EXIT = { done: 0, failed: 1, userError: 2, interrupted: 130 } as const;

/** How long an interrupted command may take to unwind before it is ended. */
const GRACE_MS = 1500;

/** Where a command writes; tests replace it. */
export interface CommandOutput {
  out(line: string): void;
  err(line: string): void;
}

/** Runs the command, or one of a group, with the process's signals attached, then ends the process. */
export async function runCommand<O extends Options>(
  command: Command<O> | CommandGroup,
  args: readonly string[],
): Promise<never> {
  const interrupt = new AbortController();
  onSignals(() => {
    // The second Ctrl-C does not wait for anything.
    if (interrupt.signal.aborted) Deno.exit(EXIT.interrupted);
    interrupt.abort(new DOMException("Interrupted", "AbortError"));
  });
  Deno.exit(await execute(command, args, { signal: interrupt.signal }));
}

/**
 * Runs the command, or one of a group, and gives its exit code: 0 done, 2 for a `UserError`, 130 when the signal
 * fired, 1 for any other error. Messages go to stderr as one line.
 */
export async function execute<O extends Options>(
  command: Command<O> | CommandGroup,
  args: readonly string[],
  { signal = new AbortController().signal, output = consoleOutput, graceMs = GRACE_MS }: {
    signal?: AbortSignal;
    output?: CommandOutput;
    graceMs?: number;
  } = {},
): Promise<number> {
  const cleanups: (() => void | Promise<void>)[] = [];
  // Names and ids from files pass through here, whatever a command does with them.
  const out = (text: string) => output.out(printableLines(text));
  const err = (text: string) => output.err(printableLines(text));
  let debug = args.includes("--debug"), name = command.name;
  try {
    const parsed = "commands" in command
      ? parseGroup(command, args)
      : bind(command, parseArguments(command, args));
    if ("help" in parsed) {
      out(parsed.help.trimEnd());
      return EXIT.done;
    }
    ({ name } = parsed);
    debug = parsed.general.debug;
    const { quiet } = parsed.general;
    const context: CommandContext = {
      args: parsed.args,
      signal,
      quiet,
      debug,
      print: out,
      note: (text) => quiet || err(text),
      progress: (init) => new Progress({ ...init, silent: init.silent || quiet }),
      onExit: (callback) => {
        cleanups.push(callback);
        return () => {
          const at = cleanups.indexOf(callback);
          if (at >= 0) cleanups.splice(at, 1);
        };
      },
    };
    const work = Promise.resolve().then(() => parsed.run(context));
    await untilInterrupted(work, signal, graceMs);
    if (signal.aborted) throw signal.reason;
    return EXIT.done;
  } catch (error) {
    if (signal.aborted) {
      err("interrupted");
      return EXIT.interrupted;
    }
    // The reader of a pipe has seen enough.
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.done;
    const kept = error instanceof DiskError ? `; ${error.kept(name)}` : "";
    err(`error: ${describeError(error)}${kept}`);
    if (debug && error instanceof Error && error.stack) err(error.stack);
    return error instanceof UserError ? EXIT.userError : EXIT.failed;
  } finally {
    for (const cleanup of cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        err(`warning: ${describeError(error)}`);
      }
    }
  }
}

/** A command line that was read: the help it asks for, or the work. */
type Bound =
  | { help: string }
  | {
    name: string;
    general: GeneralOptions;
    args: string[];
    run(ctx: CommandContext): void | Promise<void>;
  };

function parseGroup(group: CommandGroup, args: readonly string[]): Bound {
  const chosen = chooseCommand(group, args);
  if ("help" in chosen) return chosen;
  return bind(chosen.command, parseArguments(chosen.command, chosen.args));
}

function bind<O extends Options>(command: Command<O>, parsed: Parsed<O>): Bound {
  if ("help" in parsed) return parsed;
  return { ...parsed, name: command.name, run: (ctx) => command.run(parsed.options, ctx) };
}

/** Writes an error as one line; a missing Deno permission names the flag to add. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  if (error instanceof Deno.errors.NotCapable) {
    const asked = /^Requires (\w+) access(?: to (.*?))?, run again with the (--allow-\w+) flag/
      .exec(message);
    if (asked) {
      const target = asked[2]?.replace(/^"|"$/g, "");
      const flag = target && !target.startsWith("<") ? `${asked[3]}=${target}` : asked[3];
      return `Cannot run without ${asked[1]} access${target ? ` to ${target}` : ""}: ` +
        permit(flag);
    }
  }
  return message.trim().replace(/\s*\n\s*/g, " ");
}

/** What to type for one more permission: a task takes no flags of Deno, but its script does. */
function permit(flag: string): string {
  const task = /\/(?:tasks\/(\w+)|tests\/(parity)_table)\.ts$/.exec(Deno.mainModule);
  if (!task || !Deno.mainModule.startsWith("file:")) {
    return `start the script with deno run and add ${flag}`;
  }
  return `start it with deno run -P=${task[1] ?? task[2]} ${flag} ${task[0].slice(1)}`;
}

/** Waits for the work; once interrupted, gives it the grace time to unwind by itself. */
async function untilInterrupted(
  work: Promise<void>,
  signal: AbortSignal,
  graceMs: number,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = () => {};
  const interrupted = new Promise<void>((resolve) => {
    onAbort = () => timer = setTimeout(resolve, graceMs);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  try {
    await Promise.race([work, interrupted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

const consoleOutput: CommandOutput = {
  out: (line) => console.log(line),
  err: (line) => console.error(line),
};
