/** `finetune` from labels to folders that predict again: every mode, task and head. */
import { readAdapter } from "../lib/adapter/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { csvNumber, inFolder, listing, readCsv } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { classOf, common, finetune, proteins, residueLabels, table } from "./finetune_run.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

const test = (name: string, fn: (dir: string) => Promise<void>) =>
  Deno.test({
    name: `finetune ${name}`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => inFolder(fn),
  });

const tested = proteins.filter(({ set }) => set === "test");

/** What a folder says of the test set, as probabilities or numbers by protein (and residue). */
async function applied(dir: string, folder: string, ...args: string[]) {
  const fasta = tested.map(({ id, residues }) => `>${id}\n${residues}\n`).join("");
  await Deno.writeTextFile(`${dir}/test.fasta`, fasta);
  await finetune(
    ...["--apply", folder, "--fasta", `${dir}/test.fasta`, "--out", `${dir}/applied`],
    ...["--backend", "cpu", "--no-report", ...args],
  );
  return readCsv(`${dir}/applied/predictions.csv`).rows;
}

/** Predictions of a folder applied anew are those that it was tested with. */
async function predictsAgain(dir: string, folder: string, ...args: string[]) {
  const { rows, columns } = readCsv(`${folder}/predictions.csv`);
  const again = await applied(dir, folder, ...args);
  const keyOf = (row: Record<string, string>) => `${row.id} ${row.position ?? ""}`;
  const found = new Map(again.map((row) => [keyOf(row), row]));
  const numbers = columns.filter((name) => name.startsWith("p_"));
  const read = (row: Record<string, string>) =>
    (numbers.length > 0 ? numbers : ["predicted"]).map((name) => csvNumber(row[name]));
  allClose(
    rows.flatMap((row) => read(found.get(keyOf(row))!)),
    rows.flatMap(read),
    { atol: 2e-5, rtol: 2e-5 },
    folder,
  );
  if (numbers.length > 0) {
    deepEqual(
      rows.map((row) => found.get(keyOf(row))!.predicted),
      rows.map(({ predicted }) => predicted),
    );
  }
}

const quick = ["--epochs", "4", "--no-report", "--bootstrap", "50"];

test("compares frozen, lora and full, and each folder says the same again", async (dir) => {
  await Deno.writeTextFile(`${dir}/t.csv`, table(residueLabels));
  const { out } = await finetune(
    ...[...common, "--table", `${dir}/t.csv`, "--task", "residue", "--mode", "full,frozen,lora"],
    ...["--learning-rate", "0.01,0.005,0.003", "--out", `${dir}/out`, "--bootstrap", "200"],
    ...["--epochs", "6"],
  );
  match(out, /gives the right one of 2 classes for/);
  const { rows } = readCsv(`${dir}/out/modes.csv`);
  deepEqual(rows.map(({ mode, head }) => `${mode} ${head}`), [
    "frozen token",
    "lora token",
    "full token",
  ]);
  for (const row of rows) {
    // The letter itself decides; a random model's states tell some of it.
    ok(csvNumber(row.accuracy) > (row.mode === "full" ? 0.85 : 0.7), JSON.stringify(row));
    ok(csvNumber(row.accuracy_low) <= csvNumber(row.accuracy));
    ok(csvNumber(row.peak_memory) > 1e7 && csvNumber(row.seconds) > 0);
  }
  deepEqual(rows.map(({ trained_parameters }) => Number(trained_parameters)), [
    130,
    // 3 matrices of 2 layers, r 8, in and out 64; the head.
    6 * 8 * (64 + 64) + 130,
    // Every weight but the language-model head's.
    33 * 64 + 2 * (4 * (64 * 64 + 64) + 2 * 64 * 256 + 256 + 64 + 4 * 64) + 2 * 64 + 130,
  ]);
  equal(rows[0].gain, "");
  allClose(
    rows.slice(1).map(({ gain }) => csvNumber(gain)),
    rows.slice(1).map(({ accuracy }) => csvNumber(accuracy) - csvNumber(rows[0].accuracy)),
    { atol: 1e-9 },
  );
  // The frozen model has forgotten nothing; the others have moved.
  equal(rows[0].perplexity_before, rows[0].perplexity_after);
  ok(rows[2].perplexity_before !== rows[2].perplexity_after);
  deepEqual(
    listing(`${dir}/out`),
    ["curve.csv", "epochs.csv", "frozen", "full", "lora", "modes.csv", "report.html", "run.json"],
  );
  ok((await Deno.readTextFile(`${dir}/out/report.html`)).length < 1_000_000);
  const tables = ["classes.csv", "confusion.csv", "finetune.json", "predictions.csv", "run.json"];
  const of = (...more: string[]) => ["MODEL_CARD.md", ...tables, ...more].sort();
  deepEqual(listing(`${dir}/out/frozen`), of("head.safetensors"));
  deepEqual(
    listing(`${dir}/out/lora`),
    of("adapter_config.json", "adapter_model.safetensors"),
  );
  const tokenizer = ["special_tokens_map.json", "tokenizer_config.json", "vocab.txt"];
  deepEqual(listing(`${dir}/out/full`), of("config.json", "model.safetensors", ...tokenizer));
  for (const mode of ["frozen", "lora"]) {
    await predictsAgain(dir, `${dir}/out/${mode}`, "--model", common[1]);
  }
  await predictsAgain(dir, `${dir}/out/full`);

  const config = JSON.parse(await Deno.readTextFile(`${dir}/out/full/config.json`));
  deepEqual(config.architectures, ["EsmForTokenClassification"]);
  deepEqual([config.id2label, config.label2id], [{ 0: "c", 1: "n" }, { c: 0, n: 1 }]);
  using whole = await openCheckpoint(`${dir}/out/full`);
  equal(whole.config.layers, 2);
  const adapter = await readAdapter(`${dir}/out/lora`);
  equal(adapter.config.task, "TOKEN_CLS");
  deepEqual([...adapter.head.keys()].sort(), ["classifier.bias", "classifier.weight"]);
  equal(adapter.lora.size, 6);
});

test("--merge writes the model that adapter and base are", async (dir) => {
  await Deno.writeTextFile(`${dir}/t.csv`, table(classOf));
  const args = [
    ...[...common, ...quick, "--table", `${dir}/t.csv`, "--head", "cls", "--dora", "--rslora"],
    ...["--lora-targets", "query,dense", "--lora-dropout", "0.1"],
  ];
  await finetune(...args, "--out", `${dir}/adapter`);
  await finetune(...args, "--out", `${dir}/merged`, "--merge");
  const [one, other] = ["adapter", "merged"].map((name) =>
    readCsv(`${dir}/${name}/predictions.csv`)
  );
  deepEqual(one.rows, other.rows);
  await predictsAgain(dir, `${dir}/adapter`, "--model", common[1]);
  await predictsAgain(dir, `${dir}/merged`);
  const { config } = await readAdapter(`${dir}/adapter`);
  deepEqual([config.task, config.dora, config.rslora], ["SEQ_CLS", true, true]);
  const hf = JSON.parse(await Deno.readTextFile(`${dir}/merged/config.json`));
  deepEqual(
    [hf.architectures, hf.problem_type],
    [["EsmForSequenceClassification"], "single_label_classification"],
  );
});

for (const head of ["mean", "cls", "attention", "mlp"]) {
  test(`teaches a head ${head} of proteins with the whole model`, async (dir) => {
    await Deno.writeTextFile(`${dir}/t.csv`, table(classOf));
    await finetune(
      ...[...common, ...quick, "--table", `${dir}/t.csv`, "--head", head, "--mode", "full"],
      ...["--learning-rate", "0.003", "--out", `${dir}/out`],
    );
    const { rows } = readCsv(`${dir}/out/epochs.csv`);
    ok(csvNumber(rows.at(-1)!.train_loss) < csvNumber(rows[0].train_loss));
    await predictsAgain(dir, `${dir}/out`);
    const config = JSON.parse(await Deno.readTextFile(`${dir}/out/config.json`));
    equal(config.esmscope_head, head === "cls" ? undefined : head);
  });
}

test("learns numbers of a ProteinGym assay, in their own units", async (dir) => {
  // 100 and on: standardised when they are learnt, and given back in the file's head.
  const rows = proteins.map(({ residues }, p) =>
    `A${p + 1}G,${residues},${100 + 20 * [...residues].filter((l) => "DEKR".includes(l)).length}`
  );
  const csv = ["mutant,mutated_sequence,DMS_score", ...rows, ""].join("\n");
  await Deno.writeTextFile(`${dir}/dms.csv`, csv);
  const { err, out } = await finetune(
    ...[...common, ...quick, "--table", `${dir}/dms.csv`, "--task", "regression", "--mode", "full"],
    ...["--learning-rate", "0.003", "--epochs", "12", "--out", `${dir}/out`, "--head", "cls"],
  );
  match(err, /Variants of one protein are split at random/);
  match(out, /predicts the numbers of unseen proteins with a rank correlation of/);
  const { rows: found } = readCsv(`${dir}/out/predictions.csv`);
  for (const { predicted } of found) ok(csvNumber(predicted) > 80 && csvNumber(predicted) < 300);
  const fasta = found.map(({ id }) => `>${id}\n${proteins[parseInt(id.slice(1)) - 1].residues}\n`);
  await Deno.writeTextFile(`${dir}/all.fasta`, fasta.join(""));
  await finetune(
    ...["--apply", `${dir}/out`, "--fasta", `${dir}/all.fasta`, "--out", `${dir}/applied`],
    ...["--backend", "cpu"],
  );
  allClose(
    readCsv(`${dir}/applied/predictions.csv`).rows.map(({ predicted }) => csvNumber(predicted)),
    found.map(({ predicted }) => csvNumber(predicted)),
    { rtol: 2e-5 },
  );
  const config = JSON.parse(await Deno.readTextFile(`${dir}/out/config.json`));
  deepEqual([config.problem_type, config.id2label], ["regression", { 0: "LABEL_0" }]);
});

test("tells several classes at once", async (dir) => {
  const label = (residues: string) =>
    [["W", "aromatic"], ["C", "sulphur"]].flatMap(([letter, name]) =>
      residues.includes(letter) ? [name] : []
    ).join(";") || "none";
  await Deno.writeTextFile(`${dir}/t.csv`, table(label));
  await finetune(
    ...[...common, ...quick, "--table", `${dir}/t.csv`, "--task", "multilabel", "--mode", "frozen"],
    ...["--class-weights", "balanced", "--out", `${dir}/out`],
  );
  const [row] = readCsv(`${dir}/out/modes.csv`).rows;
  ok(csvNumber(row.micro_f1) >= 0 && csvNumber(row.exact) >= 0 && csvNumber(row.auc) >= 0);
  await predictsAgain(dir, `${dir}/out`, "--model", common[1]);
  const { rows } = readCsv(`${dir}/out/predictions.csv`);
  for (const { predicted, p_aromatic, p_sulphur } of rows) {
    const called = [
      csvNumber(p_aromatic) > 0.5 && "aromatic",
      csvNumber(p_sulphur) > 0.5 && "sulphur",
    ];
    equal(predicted, called.filter(Boolean).join(";") || "none");
  }
});

test("weighs a rare class as it is told to", async (dir) => {
  // A label that nothing tells, one in eight: without weights the common one is always called.
  await Deno.writeTextFile(
    `${dir}/t.csv`,
    table((_, p) => Math.floor(p * 7.3) % 8 === 0 ? "rare" : "common"),
  );
  const called = async (weights: string) => {
    await finetune(
      ...[...common, ...quick, "--table", `${dir}/t.csv`, "--mode", "frozen", "--head", "mean"],
      ...["--learning-rate", "0.0005", "--schedule", "constant", "--warm-up", "0"],
      ...["--class-weights", weights, "--out", `${dir}/${weights.replace(/\W/g, "_")}`],
    );
    const folder = `${dir}/${weights.replace(/\W/g, "_")}`;
    const { rows } = readCsv(`${folder}/predictions.csv`);
    return rows.reduce((sum, { p_rare }) => sum + csvNumber(p_rare), 0) / rows.length;
  };
  const [none, balanced, named] = [
    await called("none"),
    await called("balanced"),
    await called("rare=50"),
  ];
  ok(none < balanced && balanced < named, `${none} ${balanced} ${named}`);
});

test("stops when validation gets no better, and keeps the best", async (dir) => {
  await Deno.writeTextFile(`${dir}/t.csv`, table((_, p) => (p * 7) % 5 < 2 ? "a" : "b"));
  const args = [
    ...[...common, "--table", `${dir}/t.csv`, "--mode", "full", "--no-report", "--bootstrap", "0"],
    ...["--schedule", "constant", "--warm-up", "0", "--learning-rate", "0.003"],
  ];
  await finetune(...args, "--epochs", "40", "--patience", "2", "--out", `${dir}/stopped`);
  const { rows } = readCsv(`${dir}/stopped/epochs.csv`);
  const [row] = readCsv(`${dir}/stopped/modes.csv`).rows;
  const best = Number(row.best_epoch);
  ok(rows.length < 40, `${rows.length} epochs`);
  equal(rows.length, best + 2);
  equal(rows.findLastIndex(({ best }) => best === "true" || best === "1") + 1, best);
  // A training that ends there ends with the same weights.
  await finetune(...args, "--epochs", String(best), "--patience", "40", "--out", `${dir}/short`);
  const [one, other] = await Promise.all(
    ["stopped", "short"].map((name) => Deno.readFile(`${dir}/${name}/model.safetensors`)),
  );
  deepEqual(one, other);
});

test("keeps a running mean of the weights by option, and Muon moves what it should", async (dir) => {
  await Deno.writeTextFile(`${dir}/t.csv`, table(classOf));
  for (const [name, ...more] of [["mean", "--average", "0.9"], ["muon", "--optimiser", "muon"]]) {
    await finetune(
      ...[...common, ...quick, "--table", `${dir}/t.csv`, "--mode", "full", "--head", "mean"],
      ...["--learning-rate", "0.003", "--out", `${dir}/${name}`, ...more],
    );
    await predictsAgain(dir, `${dir}/${name}`);
  }
});

test("without input teaches the example, and --json prints its tables", async (dir) => {
  const { out, err } = await finetune(
    ...["--mode", "frozen", "--epochs", "2", "--backend", "cpu", "--json", "--out", `${dir}/out`],
    ...["--perplexity", "none", "--bootstrap", "20"],
  );
  match(err, /No labels were given: this is three-state secondary structure/);
  const { run, tables } = JSON.parse(out);
  equal(run.command, "finetune");
  equal(tables.modes.length, 1);
  equal(tables.epochs.length, 2);
  ok(tables.modes[0].accuracy > 0.5);
});

Deno.test({
  name: `finetune gives on a GPU what it gives on the CPU, in every mode${
    runsGpuTests ? "" : gpuSkipped
  }`,
  ignore: !runsGpuTests,
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () =>
    inFolder(async (dir) => {
      await Deno.writeTextFile(`${dir}/t.csv`, table(residueLabels));
      for (const backend of ["cpu", "webgpu"]) {
        await finetune(
          ...[...common, "--backend", backend, "--table", `${dir}/t.csv`, "--task", "residue"],
          ...["--mode", "frozen,lora,full", "--epochs", "2", "--average", "0.5", "--no-report"],
          ...["--bootstrap", "0", "--perplexity", "none", "--out", `${dir}/${backend}`],
        );
      }
      for (const mode of ["frozen", "lora", "full"]) {
        const [one, other] = ["cpu", "webgpu"].map((backend) =>
          readCsv(`${dir}/${backend}/${mode}/predictions.csv`).rows.map(({ p_c }) => csvNumber(p_c))
        );
        // Adam divides by the root of what may be rounding: weights differ where gradients are near zero.
        allClose(one, other, { atol: 2e-3 }, mode);
      }
    }),
});
