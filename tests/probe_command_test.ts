/** The `probe` command from files to files. */
import { readHead } from "../lib/probe/head_file.ts";
import { execute } from "../lib/cli/main.ts";
import { parseTable } from "../lib/io/csv.ts";
import { PhiloxStream } from "../kernels/philox/mod.ts";
import { writeRandomCheckpoint } from "../lib/bench/random_folder.ts";
import { command as merge } from "../tasks/merge.ts";
import { command } from "../tasks/probe.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC", draws = new PhiloxStream(3);
/** Proteins of class k are rich in other letters. */
const protein = (p: number, k: number) =>
  Array.from({ length: 50 }, (_, i) => {
    const own = draws.below(3, p, 2 * i) === 0;
    return LETTERS[own ? 5 * k : draws.below(20, p, 2 * i + 1)];
  }).join("");
const PROTEINS = 90;
const rows = Array.from({ length: PROTEINS }, (_, p) => ({
  id: `p${p}`,
  sequence: protein(p, p % 3),
  place: ["inside", "outside", "membrane"][p % 3],
  weight: 3 * (p % 3) + p / PROTEINS,
}));

async function withFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const lines = rows.map(({ id, sequence, place, weight }) =>
      [id, sequence, place, weight, `f${Number(id.slice(1)) % 30}`].join()
    );
    await Deno.writeTextFile(
      `${dir}/t.csv`,
      ["id,sequence,place,weight,family", ...lines, ""].join("\n"),
    );
    await Deno.writeTextFile(
      `${dir}/p.fasta`,
      rows.map(({ id, sequence }) => `>${id}\n${sequence}\n`).join(""),
    );
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function run(...args: string[]) {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, args, {
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function tableOf(path: string) {
  return parseTable(await Deno.readTextFile(path), path).rows.map(({ fields }) => fields);
}

const FAST = ["--penalties", "0.1,1", "--bootstrap", "50", "--quiet"];
const settings = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name:
    "probe tells classes of a table, its head gives the same predictions, another model is refused",
  ...settings,
  async fn(t) {
    await withFolder(async (dir) => {
      const table = ["--table", `${dir}/t.csv`, "--label", "place"], out = ["--out", `${dir}/o`];
      const { code, err, out: printed } = await run(...table, "--group", "family", ...out, ...FAST);
      equal(code, 0, err);
      match(printed, /gives the right one of 3 classes for [\d.]+\u202f% \(95 % interval/);
      const metrics = await tableOf(`${dir}/o/metrics.csv`);
      await t.step("every layer and every baseline has a row, one of each kind is chosen", () => {
        deepEqual(
          metrics.map(({ features, layer }) => `${features} ${layer}`.trim()),
          [
            ...["0", "1", "2", "3", "4", "5", "6", "last"].map((layer) => `layer ${layer}`),
            ...["0", "1", "2", "3", "4", "5", "6", "last"].map((layer) => `random ${layer}`),
            "composition",
            metrics.find(({ features }) => features === "shuffled")!.features + " " +
            metrics.find(({ features }) => features === "shuffled")!.layer,
            "majority",
          ],
        );
        const chosen = metrics.filter(({ chosen }) => chosen === "true");
        deepEqual(chosen.map(({ features }) => features), [
          ...["layer", "random", "composition", "shuffled", "majority"],
        ]);
        const layers = metrics.filter(({ features }) => features === "layer");
        const best = Math.max(...layers.map(({ validation }) => Number(validation)));
        equal(Number(chosen[0].validation), best);
        ok(Number(chosen[0].accuracy) > 0.7, "classes of other letters are told");
        ok(Number(metrics.at(-1)!.accuracy) < 0.5, "nothing is told without features");
      });
      const predictions = await tableOf(`${dir}/o/predictions.csv`);
      await t.step("no family is on both sides, and tables add up", async () => {
        const tested = new Set(predictions.map(({ id }) => Number(id.slice(1)) % 30));
        ok(predictions.every(({ id }) => tested.has(Number(id.slice(1)) % 30)));
        equal(predictions.length, 3 * tested.size, "families are whole");
        const confusion = await tableOf(`${dir}/o/confusion.csv`);
        const sum = confusion.reduce((total, { count }) => total + Number(count), 0);
        equal(sum, predictions.length);
        const right = predictions.filter(({ label, predicted }) => label === predicted).length;
        const chosen = metrics.find(({ features, chosen }) =>
          features === "layer" && chosen === "true"
        )!;
        equal(Number(chosen.accuracy), right / predictions.length);
        const classes = await tableOf(`${dir}/o/classes.csv`);
        deepEqual(classes.map((row) => row.class), ["inside", "membrane", "outside"]);
      });
      await t.step("the head applied gives what the run gave", async () => {
        const head = `${dir}/o/head.safetensors`;
        const read = await readHead(head);
        deepEqual(read.classes, ["inside", "membrane", "outside"]);
        const applied = await run(
          ...["--apply", head, "--fasta", `${dir}/p.fasta`, "--out", `${dir}/a`, "--quiet"],
        );
        equal(applied.code, 0, applied.err);
        const all = await tableOf(`${dir}/a/predictions.csv`);
        equal(all.length, PROTEINS);
        for (const { id, predicted, p_inside } of predictions) {
          const same = all.find((row) => row.id === id)!;
          equal(same.predicted, predicted);
          ok(Math.abs(Number(same.p_inside) - Number(p_inside)) < 1e-4);
        }
      });
      await t.step("a head of another model is refused", async () => {
        const config = {
          layers: 2,
          dModel: 40,
          heads: 20,
          headDim: 2,
          ffn: 160,
          tokenDropout: true,
        };
        await writeRandomCheckpoint(`${dir}/other`, config);
        const refused = await run(
          ...["--apply", `${dir}/o/head.safetensors`, "--fasta", `${dir}/p.fasta`],
          ...["--model", `${dir}/other`, "--out", `${dir}/b`],
        );
        equal(refused.code, 2);
        match(refused.err, /must read the model that it was trained on, esm2_t6_1M_PF20/);
      });
      await t.step("the card names what it was trained on", async () => {
        const card = await Deno.readTextFile(`${dir}/o/head.md`);
        match(card, /tells place \(inside, membrane, outside\) of a protein/);
        match(card, /\| split \| grouped by family: 30 groups/);
      });
    });
  },
});

Deno.test({
  name:
    "probe predicts numbers by ridge, and groups proteins that are alike where no group is given",
  ...settings,
  async fn() {
    await withFolder(async (dir) => {
      const table = ["--table", `${dir}/t.csv`, "--label", "weight"];
      const { code, err, out } = await run(
        ...[...table, "--out", `${dir}/o`, "--baselines", "composition,majority"],
        ...["--layers", "last", "--pool", "mean,max", "--penalties", "1,100", "--bootstrap", "20"],
      );
      equal(code, 0, err);
      match(err, /No groups were given \(--group\)/);
      match(out, /predicts the numbers of unseen proteins with a rank correlation of/);
      const metrics = await tableOf(`${dir}/o/metrics.csv`);
      deepEqual(metrics.map(({ features, pool }) => [features, pool]), [
        ...[["layer", "mean"], ["layer", "max"], ["composition", ""], ["majority", ""]],
      ]);
      ok(Number(metrics[0].spearman) > 0.5);
      ok(Number(metrics[3].r2) < 0.1);
      const [first] = await tableOf(`${dir}/o/predictions.csv`);
      deepEqual(Object.keys(first), ["id", "label", "predicted"]);
    });
  },
});

Deno.test({
  name: "probe --on sae probes latents beside layers and lists the largest weights",
  ...settings,
  async fn() {
    await withFolder(async (dir) => {
      const { code, err } = await run(
        ...["--table", `${dir}/t.csv`, "--label", "place", "--split", "random", "--on", "sae"],
        ...["--out", `${dir}/o`, "--layers", "4", "--no-fidelity", "--baselines", "none", ...FAST],
      );
      equal(code, 0, err);
      const metrics = await tableOf(`${dir}/o/metrics.csv`);
      deepEqual(metrics.map(({ features, pool }) => `${features} ${pool}`), [
        ...["layer mean", "sae mean", "sae max"],
      ]);
      const latents = await tableOf(`${dir}/o/latents.csv`);
      equal(latents.length, 3 * 20);
      ok(Number(latents[0].weight) >= Number(latents[1].weight));
      const applied = await run(
        ...["--apply", `${dir}/o/head.safetensors`, "--fasta", `${dir}/p.fasta`],
        ...["--out", `${dir}/a`, "--quiet", "--no-fidelity"],
      );
      equal(applied.code, 0, applied.err);
      equal((await tableOf(`${dir}/a/predictions.csv`)).length, PROTEINS);
    });
  },
});

Deno.test({
  name: "probe of residues: without input the example, whole or in shards",
  ...settings,
  async fn(t) {
    await withFolder(async (dir) => {
      const args = ["--max-residues", "1500", "--layers", "0,4", "--baselines", "window", ...FAST];
      const { code, err, out } = await run("--out", `${dir}/o`, ...args);
      equal(code, 0, err);
      match(out, /of residues of unseen proteins/);
      const predictions = await tableOf(`${dir}/o/predictions.csv`);
      deepEqual(
        Object.keys(predictions[0]),
        ["id", "position", "residue", "label", "predicted", "p_C", "p_E", "p_H"],
      );
      ok(predictions.length > 3000, "the test set is tested whole");
      const metrics = await tableOf(`${dir}/o/metrics.csv`);
      ok(Number(metrics[1].q3) > 0.5);
      await t.step("two shards merge to the same tables", async () => {
        for (const shard of ["1/2", "2/2"]) {
          const one = await run("--out", `${dir}/s${shard[0]}`, "--shard", shard, ...args);
          equal(one.code, 0, one.err);
        }
        const merged = await execute(merge, [`${dir}/s1`, `${dir}/s2`, "--out", `${dir}/m`], {
          output: { out: () => {}, err: () => {} },
        });
        equal(merged, 0);
        for (const file of ["metrics.csv", "predictions.csv", "head.safetensors"]) {
          deepEqual(
            await Deno.readFile(`${dir}/m/${file}`),
            await Deno.readFile(`${dir}/o/${file}`),
          );
        }
      });
    });
  },
});
