/** Killed and interrupted runs go on where they stopped, and end as if nothing had happened. */
import { deepEqual, equal, match, ok } from "./assert.ts";

const ubiquitin = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG";
const task = new URL("../tasks/score.ts", import.meta.url).pathname;

function start(folder: string, options: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-lock", "--quiet", "-A", task, "--backend", "cpu", "--out", folder],
      ...["--token-budget", "240", "--bootstrap", "0", ...options],
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

const sideFiles = (folder: string) => {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((n) =>
      n.endsWith(".progress")
    );
  } catch {
    return [];
  }
};

/** Waits until the side file has some records, so that the run is neither at its start nor done. */
async function untilUnderWay(folder: string, process: Deno.ChildProcess): Promise<void> {
  let ended = false;
  process.status.then(() => ended = true);
  while (!ended) {
    if (sideFiles(folder).some((file) => sizeOf(`${folder}/${file}`) > 2000)) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Some hundred units of work each, of which a run is stopped after the first few. */
const cases = {
  "masked marginals of every position": ["--sequence", ubiquitin.repeat(3)],
  "passes of their own for every variant": [
    ...["--sequence", ubiquitin.slice(0, 60), "--mode", "mutant-marginal"],
  ],
  "one variant of many passes": [
    ...["--sequence", ubiquitin.repeat(3), "--mode", "pseudo-perplexity", "--mutations", "M1A"],
  ],
};

for (const [what, options] of Object.entries(cases)) {
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    Deno.test(`score resumes after ${signal}: ${what}`, async () => {
      const folder = await Deno.makeTempDir();
      try {
        const whole = await start(`${folder}/whole`, options).output();
        equal(whole.code, 0, new TextDecoder().decode(whole.stderr));

        const out = `${folder}/out`;
        const first = start(out, options);
        const log = new Response(first.stderr).text();
        await untilUnderWay(out, first);
        first.kill(signal);
        const { code } = await first.status;
        if (signal === "SIGINT") equal(code, 130, await log);
        await log;
        ok(!exists(`${out}/scores.csv`) && !exists(`${out}/report.html`), "nothing looks finished");
        ok(sideFiles(out).length > 0, "what was finished is kept");

        const second = await start(out, options).output();
        const text = new TextDecoder().decode(second.stderr);
        equal(second.code, 0, text);
        match(text, /Continuing an interrupted run/);
        deepEqual(sideFiles(out), []);
        const run = JSON.parse(Deno.readTextFileSync(`${out}/run.json`));
        const all = JSON.parse(Deno.readTextFileSync(`${folder}/whole/run.json`));
        ok(run.passes < all.passes, `${run.passes} of ${all.passes} passes ran again`);
        const names = [...Deno.readDirSync(`${folder}/whole`)].map(({ name }) => name).sort();
        for (const name of names.filter((name) => name !== "run.json")) {
          deepEqual(
            Deno.readFileSync(`${out}/${name}`),
            Deno.readFileSync(`${folder}/whole/${name}`),
            name,
          );
        }
        // The temporary files that a kill leaves are gone too.
        deepEqual([...Deno.readDirSync(out)].map(({ name }) => name).sort(), names);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

/** A file may be gone before it is looked at. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
