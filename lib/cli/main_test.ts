import { deepEqual, equal, match } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { explainDiskError } from "../io/disk.ts";
import { UnitStore } from "../run/unit_store.ts";
import { type Command, defineCommand } from "./command.ts";
import { describeError, execute } from "./main.ts";

function commandOf(run: Command["run"]): Command {
  return defineCommand({ name: "probe", summary: "Probe", options: {}, examples: [], run });
}

/** Runs a command with its output recorded. */
async function outcome(run: Command["run"], args: string[] = [], signal?: AbortSignal) {
  const out: string[] = [], err: string[] = [];
  const output = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
  };
  const code = await execute(commandOf(run), args, { output, signal, graceMs: 1 });
  return { code, out, err };
}

Deno.test("execute exits with 0 when done, results on stdout and notes on stderr", async () => {
  const run: Command["run"] = (_, ctx) => {
    ctx.print("result");
    ctx.note("by the way");
  };
  deepEqual(await outcome(run), { code: 0, out: ["result"], err: ["by the way"] });
  deepEqual(await outcome(run, ["--quiet"]), { code: 0, out: ["result"], err: [] });
});

Deno.test("execute shows control characters of names instead of sending them", async () => {
  const name = "\x1b]0;owned\x07\x9b31mred";
  const shown = "\\u001b]0;owned\\u0007\\u009b31mred";
  const run: Command["run"] = (_, ctx) => {
    ctx.print(`a\n${name}`);
    ctx.note(name);
    throw new UserError(`Cannot read ${name}`);
  };
  const told = await outcome(run, ["--debug"]);
  equal(told.out.join(), `a\n${shown}`);
  deepEqual(told.err.slice(0, 2), [shown, `error: Cannot read ${shown}`]);
  // deno-lint-ignore no-control-regex
  equal(told.err.join("").search(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/), -1);
});

Deno.test("execute says of a full disk what is kept, and exits with 1", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const run = () => {
      const cause = Object.assign(new Error("No space left on device (os error 28)"), {
        code: "ENOSPC",
      });
      throw explainDiskError(cause, `${dir}/.heads.csv.tmp-0123abcd`);
    };
    const says = `error: Cannot write "${dir}/heads.csv" as the disk must have room for it: ` +
      "No space left on device (os error 28); ";
    const earlier = "; earlier results are as they were";
    const nothing = `${says}nothing of this run is kept${earlier}`;
    deepEqual(await outcome(run), { code: 1, out: [], err: [nothing] });
    // Another command's work is none of this run.
    using other = UnitStore.open(dir, {}, "other");
    other.put(0, new Float64Array(1));
    deepEqual((await outcome(run)).err, [nothing]);
    using own = UnitStore.open(dir, {}, "probe");
    own.put(0, new Float64Array(1));
    const kept = "what was finished is kept there, and the same command goes on from it";
    deepEqual((await outcome(run)).err, [`${says}${kept}${earlier}`]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("execute exits with 0 after help, on stdout", async () => {
  const { code, out, err } = await outcome(() => {
    throw new Error("must not run");
  }, ["--help"]);
  equal(code, 0);
  match(out.join("\n"), /^Usage: deno task probe/);
  deepEqual(err, []);
});

Deno.test("execute exits with 2 and one line for a UserError", async () => {
  const { code, out, err } = await outcome(() => {
    throw new UserError("Cannot do it");
  });
  deepEqual({ code, out, err }, { code: 2, out: [], err: ["error: Cannot do it"] });
  equal((await outcome(() => {}, ["--nope"])).code, 2);
});

Deno.test("execute exits with 1 for any other error, with the stack only under --debug", async () => {
  const run = () => Promise.reject(new TypeError("two\nlines"));
  deepEqual(await outcome(run), { code: 1, out: [], err: ["error: two lines"] });
  const { code, err } = await outcome(run, ["--debug"]);
  equal(code, 1);
  match(err[1], /TypeError: two\nlines\n +at /);
});

Deno.test("execute exits with 130 when interrupted, even if the command ignores it", async () => {
  for (const heeds of [true, false]) {
    const stop = new AbortController();
    const forever = Promise.withResolvers<void>();
    const order: string[] = [];
    const { code, err } = await outcome(
      async (_, ctx) => {
        ctx.onExit(() => void order.push("first registered"));
        ctx.onExit(async () => {
          await Promise.resolve();
          order.push("second registered");
        });
        if (heeds) ctx.signal.addEventListener("abort", () => forever.reject(ctx.signal.reason));
        stop.abort(new DOMException("Interrupted", "AbortError"));
        await forever.promise;
      },
      [],
      stop.signal,
    );
    deepEqual({ code, err }, { code: 130, err: ["interrupted"] });
    deepEqual(order, ["second registered", "first registered"]);
  }
});

Deno.test("execute cleans up after success and failure, except what was withdrawn", async () => {
  for (const fails of [true, false]) {
    const order: string[] = [];
    await outcome((_, ctx) => {
      const withdraw = ctx.onExit(() => void order.push("withdrawn"));
      ctx.onExit(() => void order.push("kept"));
      withdraw();
      if (fails) throw new Error("x");
    });
    deepEqual(order, ["kept"]);
  }
});

Deno.test("execute warns when cleaning up fails, and goes on cleaning", async () => {
  const order: string[] = [];
  const { code, err } = await outcome((_, ctx) => {
    ctx.onExit(() => void order.push("still"));
    ctx.onExit(() => {
      throw new Error("cannot");
    });
  });
  deepEqual({ code, err, order }, { code: 0, err: ["warning: cannot"], order: ["still"] });
});

Deno.test("describeError names the flag that a missing permission needs", () => {
  const net = new Deno.errors.NotCapable(
    'Requires net access to "hub.example:443", run again with the --allow-net flag',
  );
  equal(
    describeError(net),
    "Cannot run without net access to hub.example:443: " +
      "start the script with deno run and add --allow-net=hub.example:443",
  );
  const all = new Deno.errors.NotCapable(
    "Requires run access to <exec_path>, run again with the --allow-run flag",
  );
  match(describeError(all), /add --allow-run$/);
});
