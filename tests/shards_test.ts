/** Runs over many proteins: killed, in shards and merged they are the run in one piece, byte for byte. */
import { deepEqual, equal, match, ok } from "./assert.ts";
import { fixturePath } from "./fixtures.ts";

const PROTEINS = 60;
const LETTERS = "LAGVSERTIDPKQNFYMHWC";

/** Different lengths, so that batches hold other proteins than shards do. */
const proteins = Array.from({ length: PROTEINS }, (_, p) => ({
  id: `protein_${p}`,
  residues: Array.from(
    { length: 30 + p * 7 % 40 },
    (_, i) => LETTERS[(p * 31 + i * i * 7 + i * 3) % 20],
  ).join(""),
}));

async function fasta(dir: string): Promise<string[]> {
  const rows = proteins.map(({ id, residues }) => `>${id}\n${residues}\n`);
  await Deno.writeTextFile(`${dir}/in.fasta`, rows.join(""));
  return ["--fasta", `${dir}/in.fasta`];
}

interface Case {
  task: string;
  /** @default 60 proteins */
  what?: string;
  args(dir: string): Promise<string[]>;
  /** Files that must be those of a run in one piece. */
  files: readonly string[];
  /** Bytes of finished units after which it is under way. @default any */
  least?: number;
}

/** A model with an adapter. */
const ADAPTED = [
  ...["--model", fixturePath("rand_t2_d64_h4")],
  ...["--adapter", fixturePath("lora/mlm_qkv/adapter")],
];

const cases: Case[] = [
  {
    task: "analyze",
    async args(dir) {
      const rows = proteins.map(({ id, residues }) => `${id},${residues},"3,7,20"`);
      await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,sites\n${rows.join("\n")}\n`);
      return ["--table", `${dir}/in.csv`];
    },
    files: ["heads.csv", "summary.csv"],
  },
  {
    task: "analyze",
    what: "60 proteins with a mutation each",
    async args(dir) {
      const rows = proteins.map(({ id, residues }) =>
        `${id},${residues},"3,7,20",${residues[4]}5${residues[4] === "A" ? "G" : "A"}`
      );
      await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,sites,mutant\n${rows.join("\n")}\n`);
      return ["--table", `${dir}/in.csv`];
    },
    files: ["heads.csv", "mutants.csv", "mutant_residues.csv"],
  },
  {
    task: "analyze",
    what: "60 proteins with an adapter",
    async args(dir) {
      const rows = proteins.map(({ id, residues }) => `${id},${residues},"3,7,20"`);
      await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,sites\n${rows.join("\n")}\n`);
      return [...ADAPTED, "--table", `${dir}/in.csv`];
    },
    files: ["heads.csv", "adapter.csv", "adapter_residues.csv"],
  },
  {
    task: "contacts",
    what: "60 proteins with an adapter",
    args: async (dir) => [...await fasta(dir), "--method", "attention", ...ADAPTED],
    files: ["contacts.csv", "changed_contacts.csv", "protein_0.map.npz"],
  },
  {
    task: "contacts",
    args: async (dir) => [...await fasta(dir), "--method", "jacobian", "--fast"],
    files: ["contacts.csv", "protein_0.map.npz", "protein_59.map.npz"],
  },
  ...[
    { task: "sae encode", more: [], files: ["latents.csv", "top_latents.csv"] },
    { task: "sae encode", more: ["--format", "npz"], files: ["latents.npz", "top_latents.csv"] },
    // What is counted in a unit takes 0.8 MB.
    { task: "sae latents", more: [], files: ["latents.csv", "letters.csv"], least: 1e6 },
  ].map(({ more, ...one }): Case => ({
    ...one,
    async args(dir) {
      // A small budget makes many units.
      return [...await fasta(dir), "--no-fidelity", "--token-budget", "30", ...more];
    },
  })),
  ...["--unmasked", "--tuned=none"].map((how): Case => ({
    task: "lens",
    what: `60 proteins ${how}`,
    args: async (dir) => [...await fasta(dir), how, "--token-budget", "60"],
    files: ["lens.csv", "layers.csv", "decided.csv", "summary.csv"],
  })),
  {
    task: "embed",
    async args(dir) {
      const more = ["--layers", "1,last", "--pool", "mean,attention,none", "--contacts"];
      return [...await fasta(dir), "--token-budget", "30", ...more];
    },
    files: [
      ...["embeddings.npz", "proteins.csv", "mean_representations.1.csv"],
      ...["attention_representations.last.csv"],
    ],
  },
  {
    task: "embed",
    what: "60 proteins in 8-bit integers",
    args: async (dir) => [...await fasta(dir), "--token-budget", "30", "--precision", "int8"],
    files: ["embeddings.npz", "proteins.csv"],
  },
  {
    task: "embed",
    what: "60 proteins, a map and a search",
    async args(dir) {
      const own = await fasta(dir);
      return [...own, "--token-budget", "60", "--map", "umap", "--search", `${dir}/in.fasta`];
    },
    files: ["map.csv", "neighbours.csv", "embeddings.csv"],
  },
  {
    task: "mlm",
    args: async (dir) => [...await fasta(dir), "--exact", "--token-budget", "400"],
    files: ["proteins.csv", "letters.csv"],
  },
  {
    task: "probe",
    async args(dir) {
      const rows = proteins.map(({ id, residues }, p) => `${id},${residues},${"abc"[p % 3]}`);
      await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,label\n${rows.join("\n")}\n`);
      const quick = ["--penalties", "0.1", "--bootstrap", "20", "--baselines", "random,shuffled"];
      return ["--table", `${dir}/in.csv`, "--token-budget", "60", ...quick];
    },
    files: ["metrics.csv", "predictions.csv", "confusion.csv", "classes.csv", "head.safetensors"],
  },
  {
    task: "score",
    async args(dir) {
      for (const { id, residues } of proteins) {
        // A changes its letter below.
        const at = [...Array(residues.length).keys()].filter((i) => i > 4 && residues[i] !== "A");
        const name = (i: number, to: string) => `${residues[at[i]]}${at[i] + 1}${to}`;
        const variants = [name(0, "A"), name(1, "A"), `${name(0, "A")}:${name(2, "A")}`];
        const rows = [...variants, `${name(3, "del")}`].map((each, i) => `${each},${i * i}`);
        await Deno.writeTextFile(`${dir}/${id}.csv`, `mutant,DMS_score\n${rows.join("\n")}\n`);
      }
      const rows = proteins.map(({ id, residues }) => `${id},${residues},${id}.csv`);
      await Deno.writeTextFile(`${dir}/in.csv`, `id,sequence,assay\n${rows.join("\n")}\n`);
      return ["--table", `${dir}/in.csv`, "--multi", "joint", "--bootstrap", "20"];
    },
    files: [
      ...["scores.csv", "matrix.csv", "performance.csv", "summary.csv", "report.html"],
      ...["protein_0.matrix.npz", "protein_59.matrix.npz"],
    ],
  },
  {
    task: "score",
    what: "the positions of one long protein",
    async args(dir) {
      const residues = proteins.slice(0, 6).map(({ residues }) => residues).join("");
      await Deno.writeTextFile(`${dir}/in.fasta`, `>p\n${residues}\n`);
      return ["--fasta", `${dir}/in.fasta`, "--token-budget", "600"];
    },
    files: ["scores.csv", "matrix.csv", "matrix.npz", "report.html"],
  },
];

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function command(task: string, args: readonly string[]) {
  const [file, ...own] = task.split(" ");
  const url = new URL(`../tasks/${file}.ts`, import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--quiet", "-A", url, ...own, ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(task: string, ...args: string[]) {
  const { code, stdout, stderr } = await command(task, args).output();
  equal(code, 0, text(stderr));
  return { out: text(stdout), err: text(stderr) };
}

/** Bytes of finished units in a folder. */
function unitBytes(folder: string): number {
  try {
    const file = [...Deno.readDirSync(folder)].find(({ name }) => name.endsWith(".progress"));
    return file ? Deno.statSync(`${folder}/${file.name}`).size : 0;
  } catch {
    return 0;
  }
}

/** Times that a command may come to its end before it is killed: where others keep the machine busy. */
const ATTEMPTS = 5;

/** Starts the command and kills it as soon as something is finished. */
async function killed(
  { task, least = 1 }: Case,
  args: readonly string[],
  out: string,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const child = command(task, [...args, "--out", out]).spawn();
    const logs = [new Response(child.stdout).text(), new Response(child.stderr).text()];
    let ended = false;
    child.status.then(() => ended = true);
    // What is there first may be half of a unit.
    let first = 0;
    for (let size = 0; !ended && (first === 0 || size <= first || size < least);) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      size = unitBytes(out);
      first ||= size;
    }
    const isUnderWay = !ended;
    if (isUnderWay) child.kill("SIGKILL");
    await child.status;
    await Promise.all(logs);
    const written = [...Deno.readDirSync(out)].filter(({ name }) => !name.startsWith("."));
    if (isUnderWay && written.length === 0) return;
    ok(attempt < ATTEMPTS, "it was under way");
    await Deno.remove(out, { recursive: true });
  }
}

for (const one of cases) {
  const { task, what = `${PROTEINS} proteins`, args: argsOf, files } = one;
  Deno.test({
    name: `${task} of ${what} (${
      files[0]
    }) in four shards, one killed and repeated, merges to the run in one piece`,
    ignore: Deno.build.os === "windows",
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        const args = ["--backend", "cpu", ...await argsOf(dir)];
        const whole = await run(task, ...args, "--out", `${dir}/whole`);

        await killed(one, args, `${dir}/again`);
        const again = await run(task, ...args, "--out", `${dir}/again`);
        match(again.err, /Continuing an interrupted run/);
        equal(again.out, whole.out);

        await killed(one, [...args, "--shard", "2/4"], `${dir}/parts`);
        for (const index of [3, 1, 4, 2]) {
          const shard = ["--shard", `${index}/4`, "--out", `${dir}/parts`];
          const { out, err } = await run(task, ...args, ...shard);
          equal(out, "");
          equal(/Continuing an interrupted run/.test(err), index === 2, err);
        }
        const merged = await run("merge", `${dir}/parts`, "--out", `${dir}/merged`);
        equal(merged.out, whole.out);
        for (const folder of ["again", "merged"]) {
          for (const file of files) {
            deepEqual(
              await Deno.readFile(`${dir}/${folder}/${file}`),
              await Deno.readFile(`${dir}/whole/${file}`),
              `${folder}/${file}`,
            );
          }
          const names = (name: string) =>
            [...Deno.readDirSync(`${dir}/${name}`)].map(({ name }) => name).sort();
          deepEqual(names(folder), names("whole"));
        }
        const { shards } = JSON.parse(await Deno.readTextFile(`${dir}/merged/run.json`));
        equal(shards.length, 4);

        // What was merged must be what was computed.
        const input = args.at(task === "analyze" ? -1 : 3)!;
        const before = await Deno.readTextFile(input);
        await Deno.writeTextFile(input, before.replace(/LAAS|A/, "W"));
        const other = await command("merge", [`${dir}/parts`, "--out", `${dir}/no`]).output();
        deepEqual([other.code, text(other.stdout)], [2, ""]);
        match(text(other.stderr), /error: Cannot merge as inputs and model must be those of the/);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

Deno.test("analyze --save-attention is refused with --shard, and draws no report with --no-report", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { code, stderr } = await command("analyze", [
      ...["--save-attention", "--shard", "1/2", "--out", `${dir}/no`],
    ]).output();
    equal(code, 2);
    match(text(stderr), /Cannot use --shard with --save-attention/);
    await run("analyze", "--no-report", "--out", `${dir}/out`);
    deepEqual([...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name).sort(), [
      ...["heads.csv", "run.json"],
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

for (const task of ["patch", "ig", "circuit", "steer"]) {
  Deno.test(`sae ${task} draws no report with --no-report, and the same tables`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const own = task === "steer" ? ["--set", "184=2"] : ["--mutations", "Y8G"];
      const args = [...own, "--no-fidelity", "--backend", "cpu"];
      await run(`sae ${task}`, ...args, "--out", `${dir}/drawn`);
      await run(`sae ${task}`, ...args, "--no-report", "--out", `${dir}/plain`);
      const names = (name: string) =>
        [...Deno.readDirSync(`${dir}/${name}`)].map(({ name }) => name).sort();
      deepEqual(names("plain"), names("drawn").filter((name) => name !== "report.html"));
      ok(names("drawn").includes("report.html"));
      for (const name of names("plain").filter((name) => name !== "run.json")) {
        deepEqual(
          await Deno.readFile(`${dir}/plain/${name}`),
          await Deno.readFile(`${dir}/drawn/${name}`),
          name,
        );
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
