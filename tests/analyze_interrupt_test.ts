import { HP36, inFolder, listing } from "./analyze_run.ts";
import { equal, match, ok } from "./assert.ts";

const script = new URL("../tasks/analyze.ts", import.meta.url).href;

/** A table whose analysis takes seconds and writes an archive for each protein. */
function longTable(): string {
  const residues = HP36.repeat(14);
  const rows = Array.from({ length: 12 }, (_, i) => `p${i},${residues},"3,17"`);
  return ["id,sequence,sites", ...rows].join("\n");
}

interface Running {
  child: Deno.ChildProcess;
  /** Resolves with all of stderr once `pattern` has appeared in it, or the process has ended. */
  says(pattern: RegExp): Promise<string>;
  stderr: Promise<string>;
}

function start(dir: string, ...args: string[]): Running {
  const child = new Deno.Command(Deno.execPath(), {
    cwd: dir,
    env: { NO_COLOR: "1" },
    args: ["run", "--quiet", "--no-lock", "-A", script, "--backend", "cpu", ...args],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let text = "";
  let heard = () => {};
  const stderr = (async () => {
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      heard();
    }
    return text;
  })();
  const says = (pattern: RegExp) =>
    Promise.race([
      stderr,
      new Promise<string>((resolve) => {
        heard = () => pattern.test(text) && resolve(text);
        heard();
      }),
    ]);
  return { child, says, stderr };
}

/** Waits until a file whose name fits is in the folder; gives up when the process has ended. */
async function appears(dir: string, pattern: RegExp, { child }: Running): Promise<void> {
  let ended = false;
  child.status.then(() => ended = true);
  while (!ended) {
    try {
      if (listing(dir).some((name) => pattern.test(name))) return;
    } catch {
      // The folder is not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`the command ended before ${pattern} appeared in ${dir}`);
}

/** Windows has no signals to send to another process. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os === "windows", fn: () => inFolder(fn) });
}

const ARCHIVE = /^\.p\d+\.attention\.npz\.tmp-/;

test("analyze: Ctrl-C while attention is written leaves no folder", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.csv`, longTable());
  const run = start(dir, "--table", "in.csv", "--save-attention", "--out", "a/b");
  await appears(`${dir}/a/b`, ARCHIVE, run);
  run.child.kill("SIGINT");
  const { code } = await run.child.status;
  match(await run.stderr, /\ninterrupted\n$/);
  equal(code, 130);
  equal(listing(dir).join(), "in.csv");
});

test("analyze: Ctrl-C leaves an earlier run's folder as it was", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.csv`, longTable());
  await Deno.mkdir(`${dir}/out`);
  await Deno.writeTextFile(`${dir}/out/heads.csv`, "earlier");
  const run = start(dir, "--table", "in.csv", "--save-attention", "--out", "out");
  await appears(`${dir}/out`, ARCHIVE, run);
  run.child.kill("SIGTERM");
  equal((await run.child.status).code, 130);
  await run.stderr;
  equal(listing(`${dir}/out`).join(), "heads.csv");
  equal(Deno.readTextFileSync(`${dir}/out/heads.csv`), "earlier");
});

test("analyze: Ctrl-C early in a long run leaves no folder", async (dir) => {
  // Thirty million random residues to draw, then to sum for each of 32 heads.
  const run = start(dir, "--sites", "1-40", "--trials", "800000");
  match(await run.says(/Running/), /Running/);
  run.child.kill("SIGINT");
  const { code } = await run.child.status;
  match(await run.stderr, /\ninterrupted\n$/);
  equal(code, 130);
  equal(listing(dir).length, 0);
});

test("analyze: a killed process leaves temporary files only, and the next run removes them", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.csv`, longTable());
  await Deno.mkdir(`${dir}/out`);
  await Deno.writeTextFile(`${dir}/out/heads.csv`, "earlier");
  const run = start(dir, "--table", "in.csv", "--save-attention", "--out", "out");
  await appears(`${dir}/out`, ARCHIVE, run);
  run.child.kill("SIGKILL");
  equal((await run.child.status).signal, "SIGKILL");
  await run.stderr;
  const left = listing(`${dir}/out`);
  ok(left.every((name) => name === "heads.csv" || /^\..*\.tmp-[0-9a-f]{8}$/.test(name)), `${left}`);
  ok(left.some((name) => ARCHIVE.test(name)), `${left}`);
  equal(Deno.readTextFileSync(`${dir}/out/heads.csv`), "earlier");
  await finishes(dir);
  equal(listing(`${dir}/out`).join(), "heads.csv,report.html,run.json");
});

test("analyze: a run leaves alone the temporary files of one under way in the same folder", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.csv`, longTable());
  const run = start(dir, "--table", "in.csv", "--save-attention", "--out", "out");
  await appears(`${dir}/out`, ARCHIVE, run);
  // Stopped, so that it is under way however long the other takes.
  run.child.kill("SIGSTOP");
  const before = listing(`${dir}/out`);
  await finishes(dir);
  equal(listing(`${dir}/out`).filter((name) => name.startsWith(".")).join(), before.join());
  run.child.kill("SIGCONT");
  run.child.kill("SIGINT");
  equal((await run.child.status).code, 130);
  await run.stderr;
  equal(listing(`${dir}/out`).join(), "heads.csv,report.html,run.json");
});

/** Runs the example into the folder `out`. */
async function finishes(dir: string): Promise<void> {
  const run = start(dir, "--out", "out");
  equal((await run.child.status).code, 0, await run.stderr);
}
