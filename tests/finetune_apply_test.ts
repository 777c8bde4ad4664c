/** Fine-tuned models of others, read and applied: Hugging Face's folders and PEFT's adapters. */
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/finetune.ts";
import { csvNumber, inFolder, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match } from "./assert.ts";
import { classOf, table } from "./finetune_run.ts";
import { fixturePath, readFixture } from "./fixtures.ts";

const PROTEINS = ["NLYIQWLKDGGPSSGRPPPS", "GYDPETGTWG", "IQWLKDGGPSSGRPA"];
const FASTA = PROTEINS.map((residues, i) => `>p${i}\n${residues}\n`).join("");

async function apply(dir: string, folder: string, ...args: string[]) {
  await Deno.writeTextFile(`${dir}/in.fasta`, FASTA);
  const err: string[] = [];
  const code = await execute(
    command,
    [
      ...["--apply", folder, "--fasta", `${dir}/in.fasta`, "--out", `${dir}/out`],
      ...["--backend", "cpu", ...args],
    ],
    { output: { out: () => {}, err: (line) => err.push(line) } },
  );
  equal(code, 0, err.join("\n"));
  return { ...readCsv(`${dir}/out/predictions.csv`), err: err.join("\n") };
}

/** Softmax of rows of logits. */
function probabilities(logits: ArrayLike<number>, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, r) => {
    const own = Array.from({ length: classes }, (_, k) => Math.exp(logits[r * classes + k]));
    const sum = own.reduce((a, b) => a + b);
    return own.map((x) => x / sum);
  }).flat();
}

/** Logits [B, T, n] of residues alone, protein after protein. */
function ofResidues({ data, shape: [, width, n] }: { data: ArrayLike<number>; shape: number[] }) {
  return PROTEINS.flatMap(({ length }, b) =>
    Array.from({ length: length * n }, (_, i) => data[(b * width + 1) * n + i])
  );
}

const said = (rows: Record<string, string>[], names: readonly string[]) =>
  rows.flatMap((row) => names.map((name) => csvNumber(row[`p_${name}`])));

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({
    name: `finetune --apply ${name}`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => inFolder(fn),
  });

test("gives transformers' logits of a fine-tuned EsmForSequenceClassification", async (dir) => {
  const classes = ["cytoplasm", "nucleus", "membrane"];
  const { rows, columns } = await apply(dir, fixturePath("train/full_seq_cls"));
  deepEqual(columns, ["id", "predicted", ...classes.map((name) => `p_${name}`)]);
  const expected = probabilities(readFixture("train/head_seq_cls").logits.data, 3);
  allClose(said(rows, classes), expected, { atol: 1e-5 });
  rows.forEach(({ predicted }, b) => {
    const own = expected.slice(3 * b, 3 * b + 3);
    equal(predicted, classes[own.indexOf(Math.max(...own))]);
  });
});

test("gives transformers' logits of a fine-tuned EsmForTokenClassification", async (dir) => {
  const classes = ["alpha", "beta", "coil"];
  const { rows } = await apply(dir, fixturePath("train/full_token_cls"));
  deepEqual(
    rows.map(({ id, position, residue }) => `${id} ${residue}${position}`),
    PROTEINS.flatMap((residues, b) => [...residues].map((letter, i) => `p${b} ${letter}${i + 1}`)),
  );
  const expected = probabilities(ofResidues(readFixture("train/head_token_cls").logits), 3);
  allClose(said(rows, classes), expected, { atol: 1e-5 });
});

test("aside, a model without language-model head is embedded and taught, but scores nothing", async (dir) => {
  const model = fixturePath("train/full_seq_cls");
  const run = async (command: Parameters<typeof execute>[0], ...args: string[]) => {
    const err: string[] = [];
    const code = await execute(command, [...args, "--model", model, "--backend", "cpu"], {
      output: { out: () => {}, err: (line) => err.push(line) },
    });
    return { code, err: err.join("\n") };
  };
  const embedded = await run(
    (await import("../tasks/embed.ts")).command as Parameters<typeof execute>[0],
    ...["--sequence", PROTEINS[0], "--out", `${dir}/embed`],
  );
  equal(embedded.code, 0, embedded.err);
  const scored = await run(
    (await import("../tasks/score.ts")).command as Parameters<typeof execute>[0],
    ...["--sequence", PROTEINS[0], "--out", `${dir}/score`],
  );
  equal(scored.code, 2);
  match(
    scored.err,
    /Cannot compute logits of residues as the model must have a language-model head/,
  );
  await Deno.writeTextFile(`${dir}/t.csv`, table(classOf));
  const taught = await run(
    command as Parameters<typeof execute>[0],
    ...["--table", `${dir}/t.csv`, "--mode", "frozen,lora,full", "--epochs", "1"],
    ...["--out", `${dir}/taught`, "--no-report", "--bootstrap", "0", "--head", "cls"],
  );
  equal(taught.code, 0, taught.err);
  // Taught again, its own head gives way to the new one.
  await apply(dir, `${dir}/taught/full`);
});

test("is split into shards, which merge to what one run writes", async (dir) => {
  const { rows } = await apply(dir, fixturePath("train/full_token_cls"), "--token-budget", "24");
  for (const part of ["1", "2"]) {
    const code = await execute(command, [
      ...["--apply", fixturePath("train/full_token_cls"), "--fasta", `${dir}/in.fasta`],
      ...["--token-budget", "24", "--backend", "cpu", "--shard", `${part}/2`],
      ...["--out", `${dir}/part${part}`],
    ], { output: { out: () => {}, err: () => {} } });
    equal(code, 0);
  }
  const { command: merge } = await import("../tasks/merge.ts");
  const err: string[] = [];
  const merged = [`${dir}/part1`, `${dir}/part2`, "--out", `${dir}/merged`];
  const code = await execute(merge as Parameters<typeof execute>[0], merged, {
    output: { out: () => {}, err: (line) => err.push(line) },
  });
  equal(code, 0, err.join("\n"));
  deepEqual(readCsv(`${dir}/merged/predictions.csv`).rows, rows);
});

const ADAPTERS = [
  ...["seq_cls_qkv", "seq_cls_dora", "token_cls_qkv"],
  // Heads that are a target and saved: the right value, which PEFT itself no longer gives.
  ...["legacy_v0_6_0_qvd", "legacy_v0_15_2_qvd"],
];
for (const name of ADAPTERS) {
  test(`gives PEFT's logits of ${name}`, async (dir) => {
    const folder = fixturePath(`lora/${name}/adapter`);
    const model = fixturePath("rand_t2_d64_h4");
    const { rows, err } = await apply(dir, folder, "--model", model);
    match(err, /PEFT's folders have no names of classes: they are LABEL_0 to LABEL_2/);
    const { logits } = readFixture(`lora/${name}/expected`);
    const expected = logits.shape.length === 3 ? ofResidues(logits) : logits.data;
    const labels = ["LABEL_0", "LABEL_1", "LABEL_2"];
    allClose(said(rows, labels), probabilities(expected, 3), { atol: 1e-5 }, name);
  });
}
