/**
 * The example scripts for Slurm: their syntax, what they ask of `sbatch` (a stand-in runs what it is given
 * at once), and with REQUIRE_SLURM=1 a real Slurm on this machine (Debian: slurm-wlm).
 */
import { sis1 } from "../data/sis1.ts";
import { execute } from "../lib/cli/main.ts";
import { loadCommand } from "../tasks/commands.ts";
import { deepEqual, equal, match, ok, rejects } from "./assert.ts";
import { type Cluster, startCluster, until } from "./slurm_cluster.ts";

const folder = new URL("../data/examples/slurm", import.meta.url).pathname;
const project = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const isWanted = Deno.env.get("REQUIRE_SLURM") === "1";

const hasBash = await new Deno.Command("bash", { args: ["-c", "true"] }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: `the Slurm examples are scripts that bash can read${hasBash ? "" : " (skipped: no bash)"}`,
  ignore: !hasBash,
  async fn() {
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    deepEqual(names, ["merge.sbatch", "sweep.sbatch", "sweep.sh"]);
    for (const name of names) {
      const { success, stderr } = await new Deno.Command("bash", {
        args: ["-n", `${folder}/${name}`],
      }).output();
      ok(success, `${name}: ${new TextDecoder().decode(stderr)}`);
    }
  },
});

/** A test with a folder, and in it a `deno` that does without the lock file of the project. */
function test(
  name: string,
  { ignore, why }: { ignore: boolean; why: string },
  fn: (dir: string, env: Record<string, string>) => Promise<void>,
): void {
  Deno.test({
    name: `${name}${ignore ? ` (skipped: ${why})` : ""}`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        await script(`${dir}/deno`, `exec '${Deno.execPath()}' "$1" --no-lock "\${@:2}"`);
        await fn(dir, { DENO: `${dir}/deno`, ESMSCOPE: project, NO_COLOR: "1" });
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

async function script(path: string, body: string): Promise<void> {
  await Deno.writeTextFile(path, `#!/bin/bash\n${body}\n`);
  await Deno.chmod(path, 0o755);
}

/** Contents of the results by name. */
function results(path: string): Record<string, string> {
  const names = [...Deno.readDirSync(path)].map(({ name }) => name);
  return Object.fromEntries(
    names.filter((name) => name !== "run.json").sort()
      .map((
        name,
      ) => [name, new TextDecoder("latin1").decode(Deno.readFileSync(`${path}/${name}`))]),
  );
}

/** That many mutations to alanine or glycine. */
const mutations = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const from = sis1.residues[i];
    return `${from}${i + 1}${from === "A" ? "G" : "A"}`;
  }).join();

/** The run in one piece. */
async function whole([task, ...args]: string[], out: string): Promise<void> {
  const output = { out: () => {}, err: () => {} };
  equal(await execute(await loadCommand(task), [...args, "--out", out], { output }), 0);
}

const PATCH = [
  "sae",
  "patch",
  "--backend",
  "cpu",
  "--mutations",
  mutations(5),
  "--layers",
  "1,2,3",
];

test(
  "sweep.sh submits every shard and a merge that waits for them",
  { ignore: !hasBash, why: "no bash" },
  async (dir, env) => {
    await Deno.mkdir(`${dir}/bin`);
    await script(
      `${dir}/bin/sbatch`,
      `echo "$@" >> '${dir}/asked'
while [[ $1 == -* ]]; do
  case $1 in --array=1-*) last=\${1#--array=1-} ;; esac
  shift
done
for ((i = 1; i <= \${last:-1}; i++)); do
  \${last:+env SLURM_ARRAY_TASK_ID=$i SLURM_ARRAY_TASK_MAX=$last SLURM_ARRAY_TASK_COUNT=$last} \\
    bash "$@" > /dev/null 2>> '${dir}/log' || exit 1
done
echo $((100 + $(wc -l < '${dir}/asked')))";"cluster`,
    );
    const { success, stdout, stderr } = await new Deno.Command("bash", {
      args: [`${folder}/sweep.sh`, ...PATCH],
      cwd: dir,
      env: {
        ...env,
        PATH: `${dir}/bin:${Deno.env.get("PATH")}`,
        SHARDS: "2",
        PARTS: "parts",
        OUT: "merged",
      },
    }).output();
    ok(success, new TextDecoder().decode(stderr));
    equal(new TextDecoder().decode(stdout).trim(), "sweep 101 merge 102");
    const asked = (await Deno.readTextFile(`${dir}/asked`)).trim().split("\n");
    match(asked[0], /^--parsable --array=1-2 \S+sweep\.sbatch sae patch .* --out parts$/);
    match(asked[1], /--dependency=afterok:101 .*merge\.sbatch parts --out merged$/);
    await whole(PATCH, `${dir}/whole`);
    deepEqual(results(`${dir}/merged`), results(`${dir}/whole`));
  },
);

test(
  "sweep.sbatch asks for SHARDS where an array has only some of them",
  { ignore: !hasBash, why: "no bash" },
  async (dir, env) => {
    const { code, stderr } = await new Deno.Command("bash", {
      args: [`${folder}/sweep.sbatch`, ...PATCH, "--out", "parts"],
      cwd: dir,
      env: {
        ...env,
        SLURM_ARRAY_TASK_ID: "3",
        SLURM_ARRAY_TASK_MAX: "3",
        SLURM_ARRAY_TASK_COUNT: "1",
      },
    }).output();
    equal(code, 2);
    match(new TextDecoder().decode(stderr), /^SHARDS must say how many/);
    await rejects(Deno.stat(`${dir}/parts`), Deno.errors.NotFound);
  },
);

const slurm = { ignore: !isWanted, why: "REQUIRE_SLURM=1 runs it" };

/** Submits a sweep; gives the numbers of its two jobs. */
async function submit(
  cluster: Cluster,
  dir: string,
  env: Record<string, string>,
  args: string[],
): Promise<{ sweep: string; merge: string }> {
  const text = await cluster.run("bash", [`${folder}/sweep.sh`, ...args], {
    cwd: dir,
    env: { ...env, PARTS: "parts", OUT: "merged" },
  });
  const found = /^sweep (\d+) merge (\d+)\n$/.exec(text)!;
  return { sweep: found[1], merge: found[2] };
}

const logs = (dir: string) =>
  [...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".log"))
    .map(({ name }) => `${name}:\n${Deno.readTextFileSync(`${dir}/${name}`)}`).join("\n");

test("Slurm runs a sweep whose merge equals the run in one piece", slurm, async (dir, env) => {
  await Deno.mkdir(`${dir}/slurm`);
  await using cluster = await startCluster(`${dir}/slurm`);
  const { sweep, merge } = await submit(cluster, dir, { ...env, SHARDS: "3" }, PATCH);
  await cluster.drain();
  for (const job of [`${sweep}_1`, `${sweep}_2`, `${sweep}_3`, merge]) {
    equal(await cluster.stateOf(job), "COMPLETED", logs(dir));
  }
  await whole(PATCH, `${dir}/whole`);
  deepEqual(results(`${dir}/merged`), results(`${dir}/whole`));
});

test(
  "Slurm continues a shard that was cancelled when it is submitted again",
  slurm,
  async (dir, env) => {
    await Deno.mkdir(`${dir}/slurm`);
    await using cluster = await startCluster(`${dir}/slurm`);
    const args = [
      ...["ig", "--backend", "cpu", "--mutations", mutations(60), "--layers", "1,2,3"],
      ...["--token-budget", "140"],
    ];
    const { sweep, merge } = await submit(cluster, dir, { ...env, SHARDS: "2" }, args);
    await until(() => finishedBytes(`${dir}/parts`, 2) > 20_000);
    await cluster.run("scancel", [`${sweep}_1`]);
    await cluster.drain();
    equal(await cluster.stateOf(`${sweep}_1`), "CANCELLED", logs(dir));
    equal(await cluster.stateOf(`${sweep}_2`), "COMPLETED", logs(dir));
    equal(await cluster.stateOf(merge), "CANCELLED", "not without all shards");
    await rejects(Deno.stat(`${dir}/merged`), Deno.errors.NotFound);

    const again = (await cluster.run(
      "sbatch",
      ["--parsable", "--array=1", `${folder}/sweep.sbatch`, ...args, "--out", "parts"],
      { cwd: dir, env: { ...env, SHARDS: "2" } },
    )).trim();
    await cluster.run("sbatch", [
      ...[
        `--dependency=afterok:${again}`,
        `${folder}/merge.sbatch`,
        "parts",
        "--out",
        "merged",
      ],
    ], { cwd: dir, env });
    await cluster.drain();
    match(
      await Deno.readTextFile(`${dir}/esmscope-${again}_1.log`),
      /Continuing an interrupted run/,
    );
    await whole(args, `${dir}/whole`);
    deepEqual(results(`${dir}/merged`), results(`${dir}/whole`), logs(dir));
  },
);

/** The smallest of the side files of finished work; 0 until there are as many as wanted. */
function finishedBytes(path: string, wanted: number): number {
  try {
    const sizes = [...Deno.readDirSync(path)].filter(({ name }) => name.endsWith(".progress"))
      .map(({ name }) => Deno.statSync(`${path}/${name}`).size);
    return sizes.length < wanted ? 0 : Math.min(...sizes);
  } catch {
    return 0;
  }
}
