/** Sae commands that were killed go on where they stopped, and end as if nothing had happened. */
import { deepEqual, equal, match, ok } from "./assert.ts";
import { corpus } from "./sae_train_run.ts";

const task = new URL("../tasks/sae.ts", import.meta.url).pathname;

interface Case {
  name: string;
  args: string[];
  /** Files that must be those of a run in one piece. */
  files: string[];
  /** Bytes of finished work after which the run is under way. */
  least: number;
}

const encode = ["--token-budget", "140", "--no-fidelity"];

const cases: Case[] = [
  {
    name: "ig",
    args: ["--sample", "40", "--token-budget", "140"],
    files: ["attributions.csv", "mutations.csv", "attributions.npz"],
    least: 20_000,
  },
  {
    name: "latents",
    // Some 70 windows of eight batches.
    args: ["--token-budget", "140", "--no-fidelity", "--fasta"],
    files: ["latents.csv", "letters.csv"],
    // Two of them, whose counts take 0.8 MB each: a first one that is half written is no finished work.
    least: 2_000_000,
  },
  {
    name: "encode",
    args: [...encode, "--fasta"],
    files: ["latents.csv", "top_latents.csv"],
    // Five windows of 64 bytes and more.
    least: 320,
  },
  {
    name: "encode",
    args: [...encode, "--json", "--format", "npz", "--fasta"],
    files: ["latents.npz", "top_latents.csv"],
    least: 320,
  },
];

/** Bytes of finished work that a folder holds, without those of unfinished units. */
function progressBytes(folder: string): number {
  try {
    const file = [...Deno.readDirSync(folder)].find(({ name }) =>
      /^\.sae-[a-z]+-[0-9a-f]{24}\.progress$/.test(name)
    );
    return file ? Deno.statSync(`${folder}/${file.name}`).size : 0;
  } catch {
    return 0;
  }
}

for (const { name, args, files, least } of cases) {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    Deno.test({
      name: `sae ${name} goes on after ${signal} and ends as if nothing had happened: ${files[0]}`,
      // Windows has no signals to send to another process.
      ignore: Deno.build.os === "windows",
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const folder = await Deno.makeTempDir();
        try {
          await Deno.writeTextFile(`${folder}/in.fasta`, corpus(1000));
          const own = args.at(-1) === "--fasta" ? [...args, `${folder}/in.fasta`] : args;
          const start = (out: string) => spawn([name, ...own, "--out", `${folder}/${out}`]);
          const whole = await start("whole").output();
          equal(whole.code, 0, new TextDecoder().decode(whole.stderr));

          const out = `${folder}/out`;
          const first = start("out");
          const log = new Response(first.stderr).text();
          const ignored = new Response(first.stdout).text();
          let ended = false;
          first.status.then(() => ended = true);
          while (!ended && progressBytes(out) < least) {
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
          ok(!ended, "it was under way");
          first.kill(signal);
          const { code } = await first.status;
          if (signal === "SIGINT") equal(code, 130, await log);
          await log;
          await ignored;
          ok(progressBytes(out) > 0, "what was finished is kept");

          const second = await start("out").output();
          const text = new TextDecoder().decode(second.stderr);
          equal(second.code, 0, text);
          match(text, /Continuing an interrupted run/);
          deepEqual(printed(second.stdout), printed(whole.stdout));
          const names = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
          deepEqual(names(out), names(`${folder}/whole`));
          for (const file of files) {
            deepEqual(
              Deno.readFileSync(`${out}/${file}`),
              Deno.readFileSync(`${folder}/whole/${file}`),
              file,
            );
          }
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      },
    });
  }
}

/** What a run says of its results. */
function printed(stdout: Uint8Array): unknown {
  const text = new TextDecoder().decode(stdout);
  return text.startsWith("{") ? { ...JSON.parse(text), run: undefined } : text;
}

function spawn(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--quiet", "-A", task, ...args, "--backend", "cpu"],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
