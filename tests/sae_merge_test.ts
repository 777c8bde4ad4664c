/** Runs in shards: put together they are the run in one piece, byte for byte. */
import { sis1 } from "../data/sis1.ts";
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/sae.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        await fn(dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });

async function run(...args: string[]): Promise<{ out: string; err: string }> {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, args, {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  equal(code, 0, err.join("\n"));
  return { out: out.join("\n"), err: err.join("\n") };
}

/** Contents by name, but for the record of the run, which tells times. */
function results(folder: string): Record<string, string> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return Object.fromEntries(
    names.filter((name) => name !== "run.json").map((name) => [
      name,
      new TextDecoder("latin1").decode(Deno.readFileSync(`${folder}/${name}`)),
    ]),
  );
}

/** The budget is small so that groups of mutations that run together are, and there are many. */
const SETTINGS = ["--backend", "cpu", "--layers", "1,2,3", "--token-budget", "140"];

/** Two proteins with mutations of their own, one of them from an assay. */
async function sweep(dir: string): Promise<string[]> {
  const wild = "MKTAYIAKQRQISFVKSHFSRQ";
  const rows = ["A4G:-4", "K8E:-3.5", "F14L:1", "H18P:-2.5", "S20A:0"].map((row) => {
    const [name, measured] = row.split(":"), at = Number(name.slice(1, -1));
    return `${name},${measured},${wild.slice(0, at - 1)}${name.at(-1)}${wild.slice(at)}`;
  });
  await Deno.mkdir(`${dir}/in`);
  await Deno.writeTextFile(
    `${dir}/in/TEST_HUMAN_a.csv`,
    `mutant,DMS_score,mutated_sequence\n${rows.join("\n")}\n`,
  );
  await Deno.writeTextFile(
    `${dir}/in/proteins.csv`,
    `assay,id,sequence,mutations,offset\nTEST_HUMAN_a.csv,,,,\n` +
      `,sis1,${sis1.residues},"Y108G,L111C,D109V",101\n`,
  );
  return [...SETTINGS, "--table", `${dir}/in/proteins.csv`];
}

const COMMANDS: Record<string, string[]> = {
  patch: ["patch", "--top", "2"],
  ig: ["ig", "--steps", "4", "--at", "mutated"],
  circuit: ["circuit", "--at", "mutated", "--steps", "4"],
  "patch --legacy": ["patch", "--legacy", "sae_mutation_effect", "--filter", "DMS_score < 0"],
  "ig --legacy": ["ig", "--legacy", "sae_mutation_effect", "--filter", "DMS_score < 0"],
};

for (const [name, args] of Object.entries(COMMANDS)) {
  test(`sae merge of sae ${name} gives the files of the run in one piece`, async (dir) => {
    const inputs = await sweep(dir);
    // The filter is for the assay: the other protein has no measurements.
    const own = args.includes("--filter")
      ? [
        "--backend",
        "cpu",
        "--assay",
        `${dir}/in/TEST_HUMAN_a.csv`,
        "--layers",
        "1,2,3",
        ...args.slice(1),
      ]
      : [...inputs, ...args.slice(1)];
    const whole = await run(args[0], ...own, "--out", `${dir}/whole`);
    for (const index of [3, 1, 4, 2]) {
      const folder = index > 2 ? `${dir}/b` : `${dir}/a`;
      const { out, err } = await run(args[0], ...own, "--shard", `${index}/4`, "--out", folder);
      equal(out, "");
      match(err, new RegExp(`Wrote shard ${index} of 4 .* deno task merge`));
    }
    const merged = await run("merge", `${dir}/a`, `${dir}/b`, "--out", `${dir}/merged`);
    deepEqual(results(`${dir}/merged`), results(`${dir}/whole`));
    equal(merged.out, whole.out, "and prints the same");
    deepEqual([...Deno.readDirSync(`${dir}/a`)].map((entry) => entry.name).sort(), [
      ...["shard-1-of-4.json", "shard-1-of-4.units", "shard-2-of-4.json", "shard-2-of-4.units"],
    ]);
    const record = JSON.parse(await Deno.readTextFile(`${dir}/merged/run.json`));
    equal(record.command, `sae ${args[0]}`);
    deepEqual(record.shards.map(({ index }: { index: number }) => index).sort(), [1, 2, 3, 4]);
  });
}

test("sae merge of more shards than there is work: some are empty", async (dir) => {
  const args = ["--backend", "cpu", "--mutations", "Y8G", "--layers", "1,2", "--top", "1"];
  await run("patch", ...args, "--out", `${dir}/whole`);
  for (const index of [1, 2, 3]) {
    await run("patch", ...args, "--shard", `${index}/3`, "--out", `${dir}/parts`);
  }
  equal((await Deno.readFile(`${dir}/parts/shard-3-of-3.units`)).length, 0);
  await run("merge", `${dir}/parts`, "--out", `${dir}/parts`);
  const both = results(`${dir}/parts`), whole = results(`${dir}/whole`);
  for (const [name, contents] of Object.entries(whole)) equal(both[name], contents, name);
});

const task = new URL("../tasks/sae.ts", import.meta.url).pathname;

test("sae patch --shard continues after a kill, with the same result", async (dir) => {
  const args = [
    ...["--backend", "cpu", "--mutations", mutations(20), "--layers", "1,2,3"],
    ...["--token-budget", "150"],
  ];
  const start = (index: number) =>
    new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-lock", "--quiet", "-A", task, "patch", ...args],
        ...["--shard", `${index}/2`, "--out", `${dir}/parts`],
      ],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
  await run("patch", ...args, "--out", `${dir}/whole`);
  const first = start(1);
  const log = new Response(first.stderr).text();
  let ended = false;
  first.status.then(() => ended = true);
  const begun = () => {
    try {
      return [...Deno.readDirSync(`${dir}/parts`)].some(({ name }) =>
        name.endsWith(".progress") && Deno.statSync(`${dir}/parts/${name}`).size > 4000
      );
    } catch {
      return false;
    }
  };
  while (!ended && !begun()) await new Promise((resolve) => setTimeout(resolve, 2));
  ok(!ended, "it was under way");
  first.kill("SIGKILL");
  await first.status;
  await log;
  ok(![...Deno.readDirSync(`${dir}/parts`)].some(({ name }) => name.startsWith("shard-")));
  for (const index of [1, 2]) {
    const { code, stderr } = await start(index).output();
    const text = new TextDecoder().decode(stderr);
    equal(code, 0, text);
    equal(/Continuing an interrupted run/.test(text), index === 1, text);
  }
  await run("merge", `${dir}/parts`, "--out", `${dir}/merged`);
  deepEqual(results(`${dir}/merged`), results(`${dir}/whole`));
});

test("sae patch --shard counts the mutations of the shard as it goes", async (dir) => {
  const counts: number[] = [];
  for (const index of [1, 2, 3]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-lock", "--quiet", "-A", task, "patch", "--backend", "cpu"],
        ...["--mutations", mutations(20), "--token-budget", "150", "--no-fidelity"],
        ...["--shard", `${index}/3`, "--out", dir],
      ],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).output();
    const text = new TextDecoder().decode(stderr);
    equal(code, 0, text);
    const last = text.split("\n").filter((line) => line.includes("mutations")).at(-1)!;
    match(last, new RegExp(`^SIS1_YEAST, shard ${index}/3 +100% +(\\d+)/\\1 mutations`));
    counts.push(Number(/(\d+) mutations/.exec(last)![1]));
  }
  equal(counts.reduce((a, b) => a + b, 0), 20);
  ok(counts.every((count) => count > 0 && count < 20), counts.join());
});

/** That many substitutions by alanine or glycine. */
function mutations(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const from = sis1.residues[i];
    return `${from}${i + 1}${from === "A" ? "G" : "A"}`;
  }).join();
}
