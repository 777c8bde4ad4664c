/** The self-check: agrees where numbers agree and says so where they do not. */
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { execute } from "../lib/cli/main.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { spearman } from "../lib/stats/correlation.ts";
import { sorted } from "../lib/stats/sorted.ts";
import { EMBEDDED, type ForwardGolden, goldenOf, PUBLISHED } from "../lib/variants/golden.ts";
import { type AssayInput, verifyAssay, verifyForward } from "../lib/variants/verify.ts";
import { openPublishedAssay } from "../lib/variants/verify_assay.ts";
import { command } from "../tasks/verify.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { embeddedPath, fixturePath, readFixture, tinyPath } from "./fixtures.ts";
import { scoreAll } from "./score_all.ts";

async function withModel(path: string, use: (model: Esm2) => Promise<void>): Promise<void> {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  using checkpoint = await openCheckpoint(path);
  {
    await using model = await Esm2.open(checkpoint, backend);
    await use(model);
  }
  equal(backend.liveBytes, 0);
}

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });

test("verifyForward agrees with fair-esm's forward passes, and with no other number", () =>
  withModel(tinyPath, async (model) => {
    const golden = readFixture("tiny_trpcage");
    const corner = (array: string, width: number): ForwardGolden => ({
      name: array,
      ids: [...golden.tokens.data],
      output: array === "logits" ? "logits" : "normalised",
      values: [0, 1, 2].map((token) => {
        const data = golden[array].data;
        // The last of the hidden states is the normalised one.
        const base = data.length - (22 - token) * width;
        return [...data.subarray(base, base + 3)];
      }),
    });
    for (const good of [corner("logits", 33), corner("hidden_states", model.config.dModel)]) {
      const checks = await verifyForward(model, good);
      deepEqual(checks.map(({ ok }) => ok), [true, true, true], good.name);
      match(checks[0].name, /token 0$/);
      for (const wrong of [1.5e-4, NaN]) {
        const values = good.values.map((row, t) =>
          t === 1 ? [row[0], row[1] + wrong, row[2]] : row
        );
        const bad = await verifyForward(model, { ...good, values });
        deepEqual(bad.map(({ ok }) => ok), [true, false, true], `${good.name} + ${wrong}`);
      }
    }
  }));

test("verifyForward finds the embedded model's numbers as NumPy has them", () =>
  withModel(embeddedPath, async (model) => {
    for (const forward of EMBEDDED.forward) {
      ok((await verifyForward(model, forward)).every(({ ok }) => ok), forward.name);
    }
  }));

test("verifyForward takes <pad> for an ordinary token, as the published logits do", () =>
  withModel(fixturePath("rand_t2_d64_h4"), async (model) => {
    // Were the pad masked, the other tokens would not depend on its embedding.
    const ids = [0, 1, 2, 3, 4, 5];
    const none = { name: "x", ids, output: "logits" as const, values: ids.map(() => [0, 0, 0]) };
    const before = await verifyForward(model, none);
    model.embedding.fill(0.5, model.config.dModel, model.config.dModel + 1);
    const after = await verifyForward(model, none);
    before.forEach(({ found }, token) => ok(found !== after[token].found, `token ${token}`));
  }));

test("verifyAssay finds the correlation and the largest difference of scores", () =>
  withModel(tinyPath, async (model) => {
    const residues = "MQIFVKTLTGKTITLEVEPSDT";
    const { scores, names } = await scoreAll(model, residues, { mutations: "Q2A,V5D,K6E,T7S,L8A" });
    const measured = [3, 1, 2, 5, 4];
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/toy_ESM2_scored.csv`;
      const write = (published: (i: number) => number | string) =>
        Deno.writeTextFile(
          path,
          "mutant,mutated_sequence,DMS_score,ESM2_score\n" + names.map((name, i) => {
            const at = Number(name.slice(1, -1));
            const mutated = residues.slice(0, at - 1) + name.at(-1) + residues.slice(at);
            return `${name},${mutated},${measured[i]},${published(i)}\n`;
          }).join("") + "Q2*,,9,1\nQ2=,,9,\nQ2del,,9,\n",
        );
      const notes: string[] = [];
      const rho = spearman(sorted(scores), sorted(measured));
      const check = async (expected: number, use: (assay: AssayInput) => AssayInput = (a) => a) => {
        const assay = use(await openPublishedAssay(path, undefined));
        equal(assay.name, "toy");
        const golden = { model: "fake", forward: [], spearman: { toy: expected } };
        assay.onNote = (note) => notes.push(note);
        return (await verifyAssay(model, assay, golden)).map(({ ok }) => ok);
      };
      await write((i) => i === 4 ? "" : scores[i] + 5e-4);
      deepEqual(await check(Number(rho.toFixed(3))), [true, true]);
      deepEqual(await check(rho + 0.01), [false, true]);
      await write((i) => scores[i] + (i === 2 ? 2e-3 : 0));
      deepEqual(await check(rho), [true, false]);
      deepEqual(await check(rho, (a) => ({ ...a, publishedScore: undefined })), [true]);
      await write(() => "");
      deepEqual(await check(rho), [true]);
      match(notes[0], /^toy: 1 of 8 rows has no score .*: 1 stop\.$/);
      match(notes[1], /^toy: 1 of 8 variants changed in length/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }));

Deno.test("goldenOf knows every published size and the embedded model by their shape", () => {
  const shapes = [[6, 320, 20], [12, 480, 20], [30, 640, 20], [33, 1280, 20], [36, 2560, 40], [
    48,
    5120,
    40,
  ]];
  const config = ([layers, dModel, heads]: number[]) => ({
    ...{ layers, dModel, heads, headDim: dModel / heads, ffn: 4 * dModel, tokenDropout: true },
  });
  shapes.forEach((shape, i) => equal(goldenOf(config(shape)), PUBLISHED[i]));
  equal(goldenOf(config([7, 320, 20])), undefined);
});

test("verify prints what is expected and found, and ends with 0 or 1", async () => {
  const run = async (...args: string[]) => {
    const out: string[] = [], err: string[] = [];
    const code = await execute(command, ["--backend", "cpu", ...args], {
      output: { out: (line) => out.push(line), err: (line) => err.push(line) },
    });
    return { code, out: out.join("\n"), err: err.join("\n") };
  };
  const good = await run();
  equal(good.code, 0, good.err);
  match(good.out, /^check +expected +found/);
  equal(good.out.match(/ ok$/gm)!.length, 6);
  // The embedded model's shape with other weights must fail.
  const folder = await Deno.makeTempDir();
  try {
    const bytes = await Deno.readFile(`${embeddedPath}/model.safetensors`);
    bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 65536);
    await Deno.writeFile(`${folder}/model.safetensors`, bytes);
    await Deno.copyFile(`${embeddedPath}/config.json`, `${folder}/config.json`);
    const bad = await run("--model", folder);
    equal(bad.code, 1);
    match(bad.err, /error: \d of 6 checks do not agree with the published values/);
    match(bad.out, / NOT OK$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("verify folds a protein with a model that folds, and says what it cannot compare", async () => {
  const out: string[] = [], err: string[] = [];
  const verify = (...args: string[]) =>
    execute(command, ["--backend", "cpu", ...args], {
      output: { out: (line) => out.push(line), err: (line) => err.push(line) },
    });
  const model = ["--model", fixturePath("esmfold/model")];
  // Its weights are random: bonds within residues hold, a chain is none.
  equal(await verify(...model), 1);
  match(err.join("\n"), /No number is published for a model of this size \(trunk of 2 blocks/);
  match(err.at(-1)!, /2 of 3 checks do not agree with what is known of trained models/);
  match(out.join("\n"), /bonds N–Cα and Cα–C, Å +1\.40 to 1\.60 +1\.4\d to 1\.5\d +ok/);
  match(out.join("\n"), /consecutive Cα atoms, median, Å +3\.80 ± 0\.15 +[\d.]+ +NOT OK/);
  equal(await verify(...model, "--assay", fixturePath("esmfold/model/config.json")), 2);
  match(err.at(-1)!, /--assay/);
  equal(await verify("--model", "esmfold_v1"), 2);
  match(
    err.at(-1)!,
    /Cannot open esmfold_v1 as it must be in the cache, where "deno task fetch esmfold_v1"/,
  );
});
