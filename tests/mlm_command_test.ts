/** `mlm` from the command line to the files: measuring, training, and a model that opens again. */
import { execute } from "../lib/cli/main.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { MASK } from "../lib/esm2/alphabet.ts";
import { Esm2, padBatch, tokenize } from "../lib/esm2/mod.ts";
import { command } from "../tasks/mlm.ts";
import { csvNumber, inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { testBadInputs } from "./bad_input.ts";
import { tinyModel, tinyPath } from "./fixtures.ts";

const parent = "MKVLDEIFHGRAWTNQPSYCLKDE", letters = "LAGVSERTIDPKQNFYMHWC";
const family = Array.from({ length: 30 }, (_, i) => {
  const copy = [...parent];
  copy[i % 24] = letters[i % 20];
  return copy.join("");
});
const fasta = family.map((residues, i) => `>s${i}\n${residues}\n`).join("");

async function mlm(...args: string[]): Promise<string> {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, [...args, "--backend", "cpu"], {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  equal(code, 0, err.join("\n"));
  return out.join("\n");
}

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({
    name: `mlm ${name}`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () =>
      inFolder(async (dir) => {
        await Deno.writeTextFile(`${dir}/family.fasta`, fasta);
        await fn(dir);
      }),
  });

test("--exact is the loss of each residue hidden on its own, in double precision", async (dir) => {
  const residues = "NLYIQWLKDGGPSSGRPPPS";
  await mlm(...tinyModel, "--sequence", residues, "--exact", "--out", `${dir}/out`);
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  using checkpoint = await openCheckpoint(tinyPath);
  await using esm = await Esm2.open(checkpoint, backend);
  const row = tokenize({ id: "", residues });
  let loss = 0, right = 0;
  for (let i = 0; i < residues.length; i++) {
    const ids = row.slice();
    ids[i + 1] = MASK;
    using result = await esm.run(padBatch([ids]), { head: true });
    const logits = Array.from((await result.logits!.read()).subarray((i + 1) * 33, (i + 2) * 33));
    const sum = logits.reduce((all, x) => all + Math.exp(x), 0);
    loss -= Math.log(Math.exp(logits[row[i + 1]]) / sum);
    right += Number(logits.indexOf(Math.max(...logits)) === row[i + 1]);
  }
  const [own] = readCsv(`${dir}/out/proteins.csv`).rows;
  equal(own.asked, "20");
  allClose([csvNumber(own.loss), csvNumber(own.accuracy)], [loss / 20, right / 20], { atol: 1e-5 });
  allClose([csvNumber(own.perplexity)], [Math.exp(loss / 20)], { rtol: 1e-5 });
  ok(listing(`${dir}/out`).includes("report.html"));
});

test("measures about the share of residues, the same ones again, letters adding up", async (dir) => {
  const args = ["--fasta", `${dir}/family.fasta`, "--mask-share", "0.3", "--seed", "4"];
  await mlm(...args, "--out", `${dir}/one`);
  await mlm(...args, "--token-budget", "60", "--out", `${dir}/two`);
  const [one, two] = ["one", "two"].map((name) => readCsv(`${dir}/${name}/proteins.csv`).rows);
  deepEqual(one.map(({ asked }) => asked), two.map(({ asked }) => asked));
  allClose(one.map(({ loss }) => csvNumber(loss)), two.map(({ loss }) => csvNumber(loss)), {
    atol: 1e-5,
  });
  const asked = one.reduce((sum, row) => sum + Number(row.asked), 0), all = 30 * 24;
  ok(Math.abs(asked - 0.3 * all) < 4 * Math.sqrt(all * 0.21), `${asked}`);
  const sums = readCsv(`${dir}/one/letters.csv`).rows;
  equal(sums.reduce((sum, row) => sum + Number(row.asked), 0), asked);
});

test("trains a model that opens, beats the baselines, and goes on", async (dir) => {
  const common = ["--fasta", `${dir}/family.fasta`, "--batch", "512", "--validation", "0.1"];
  const rates = ["--matrix-rate", "0.02", "--learning-rate", "0.01"];
  const out = await mlm(
    ...[...common, ...rates, "--new", "2,32,4", "--tokens", "80000", "--out", `${dir}/model`],
  );
  match(out, /On \d+ residues of the held-out sequences/);
  deepEqual(
    listing(`${dir}/model`),
    [
      ...["MODEL_CARD.md", "config.json", "curve.csv", "model.safetensors", "report.html"],
      ...["run.json", "special_tokens_map.json", "tokenizer_config.json", "vocab.txt"],
    ].sort(),
  );
  const { before, after } = JSON.parse(await Deno.readTextFile(`${dir}/model/run.json`));
  equal(before, undefined);
  ok(after.loss < 1.6 && after.loss < after.unigram - 1, JSON.stringify(after));
  const { rows } = readCsv(`${dir}/model/curve.csv`);
  ok(csvNumber(rows[0].loss) > 2.8 && csvNumber(rows.at(-1)!.loss) < 1.5);
  equal(Number(rows.at(-1)!.tokens) >= 80_000, true);
  // Every command opens it; training goes on with it.
  await mlm(
    ...[...common, "--model", `${dir}/model`, "--tokens", "2000", "--learning-rate", "0.0001"],
    ...["--matrix-rate", "0.0001", "--out", `${dir}/more`],
  );
  const more = JSON.parse(await Deno.readTextFile(`${dir}/more/run.json`));
  allClose([more.before.loss], [after.loss], { atol: 1e-4 });
  ok(more.after.loss < after.loss + 0.2);
});

test("trains on alignments, mixed by weight, drawn and held out by cluster", async (dir) => {
  const gapped = family.map((residues, i) =>
    `>a${i}\n${residues.slice(0, 9)}--.${residues.slice(9)}\n`
  );
  await Deno.writeTextFile(`${dir}/aligned.fasta`, gapped.join(""));
  const clusters = family.map((_, i) => `c${i % 5}\ts${i}\n`).join("");
  await Deno.writeTextFile(`${dir}/clusters.tsv`, clusters);
  const lone = family.map((_, i) => `a${i}\ta${i}\n`).join("");
  await Deno.writeTextFile(`${dir}/lone.tsv`, lone);
  await mlm(
    ...["--fasta", `${dir}/family.fasta,${dir}/aligned.fasta`, "--weights", "1,3"],
    ...["--clusters", `${dir}/clusters.tsv,${dir}/lone.tsv`, "--validation", "0.2"],
    ...["--new", "1,16,2", "--tokens", "1000", "--batch", "500", "--out", `${dir}/model`],
  );
  const { corpora } = JSON.parse(await Deno.readTextFile(`${dir}/model/run.json`));
  deepEqual(
    corpora.map(({ sequences, clusters, heldOut, weight }: Record<string, number>) => [
      ...[sequences, clusters, heldOut, weight],
    ]),
    [[30, 5, 1, 1], [30, 30, 6, 3]],
  );
});

const files = { "family.fasta": fasta };
const train = ["--fasta", "family.fasta", "--tokens", "1000"];

testBadInputs("mlm", (args, settings) => execute(command, [...args], settings), [
  {
    name: "a training without sequences",
    args: ["--tokens", "1000"],
    says: /Cannot train as --fasta must name sequences/,
  },
  {
    name: "a new model without tokens",
    files,
    args: ["--fasta", "family.fasta", "--new", "1,16,2"],
    says: /Cannot use --new as --tokens must say how long to train/,
  },
  {
    name: "the type of weights that are not written",
    files,
    args: ["--fasta", "family.fasta", "--dtype", "f16"],
    says: /Cannot use --dtype as --tokens must say how long to train/,
  },
  {
    name: "a protein of which no residue happens to be hidden",
    files,
    args: ["--sequence", "MKTAYI", "--mask-share", "0.01"],
    says: /Cannot evaluate as at least one of 6 residues must be hidden: current count is 0/,
  },
  {
    name: "heads that do not divide the width",
    files,
    args: [...train, "--new", "1,16,3"],
    says: /--new must be|--new as it must be layers,width,heads/,
  },
  {
    name: "a new model beside one that is there",
    files,
    args: [...train, "--new", "1,16,2", "--model", "x"],
    says: /Cannot use --new together with --model/,
  },
  {
    name: "weights of other files",
    files,
    args: [...train, "--weights", "1,2"],
    says: /--weights as it must have an entry for each of 1 files of --fasta: current count is 2/,
  },
  {
    name: "shares beyond 1",
    files,
    args: [...train, "--masked", "0.9", "--replaced", "0.2"],
    says: /their sum must be at most 1: current value is 1\.1/,
  },
  {
    name: "a shard of a training",
    files,
    args: [...train, "--shard", "1/2"],
    says: /Cannot use --shard as a training reads whole files/,
  },
  {
    name: "clusters that name nobody",
    files: { ...files, "c.tsv": "a\tb\n" },
    args: [...train, "--new", "1,16,2", "--clusters", "c.tsv"],
    says: /must name records of "family\.fasta": none of its 1 members is one/,
  },
  {
    name: "clusters without a tab",
    files: { ...files, "c.tsv": "a\ts1\nb s2\n" },
    args: [...train, "--new", "1,16,2", "--clusters", "c.tsv"],
    says: /"c\.tsv" line 2 as it must have a cluster and a member/,
  },
  {
    name: "a share that is none",
    files,
    args: ["--fasta", "family.fasta", "--mask-share", "0.3-0.1"],
    says: /--mask-share.*a share in 0\.\.1 or bounds/,
  },
  {
    name: "several files to measure",
    files,
    args: ["--fasta", "family.fasta,family.fasta"],
    says: /Cannot evaluate as --fasta must be one file: current count is 2/,
  },
]);
