/** Training of tuned lenses: gradients, what is learnt, and that a stopped training ends the same. */
import { execute } from "../lib/cli/main.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { openLens } from "../lib/lens/mod.ts";
import { LensStep } from "../lib/lens/train/step.ts";
import { softmaxRows } from "../lib/lens/train/states.ts";
import { command } from "../tasks/lens.ts";
import { stoppedRun } from "./stopped_run.ts";
import { inFolder, listing } from "./analyze_run.ts";
import { allClose, deepEqual, equal, match, ok, rejects } from "./assert.ts";
import { fixturePath } from "./fixtures.ts";
import { headOf, linear, logSoftmax } from "./lens_oracle.ts";
import { corpus } from "./sae_train_run.ts";

const D = 64, ROWS = 3;

Deno.test({
  name: "a step's gradient is the slope of the mean KL in double precision",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    await using esm = await Esm2.open(checkpoint, backend);
    await using step = await LensStep.open(esm);
    const { head } = await headOf(checkpoint);
    const wave = (length: number, size: number, from: number) =>
      Float32Array.from({ length }, (_, i) => size * Math.sin(2.3 * i + from));
    const x = wave(ROWS * D, 2, 1), map = { matrix: wave(D * D, 0.05, 2), bias: wave(D, 0.3, 3) };
    const last = softmaxRows(wave(ROWS * 33, 3, 4));
    const { loss, gradient } = await step.run(x, last, map);
    const meanKl = (matrix: Float64Array, bias: Float64Array) => {
      let sum = 0;
      for (let r = 0; r < ROWS; r++) {
        const state = Array.from(x.subarray(r * D, (r + 1) * D));
        const moved = linear(state, matrix, bias).map((v, i) => v + state[i]);
        const own = logSoftmax(head(moved));
        own.forEach((q, t) => {
          const p = last[r * 33 + t];
          sum += p * (Math.log(p) - q) / ROWS;
        });
      }
      return sum;
    };
    const matrix = Float64Array.from(map.matrix), bias = Float64Array.from(map.bias);
    ok(Math.abs(loss - meanKl(matrix, bias)) < 1e-5, `${loss}`);
    const slope = (array: Float64Array, i: number) => {
      const before = array[i],
        at = (value: number) => {
          array[i] = value;
          const found = meanKl(matrix, bias);
          array[i] = before;
          return found;
        };
      const central = (h: number) => (at(before + h) - at(before - h)) / (2 * h);
      // Richardson's extrapolation.
      return (4 * central(1e-3) - central(2e-3)) / 3;
    };
    const some = Array.from({ length: 120 }, (_, i) => i * 34 % (D * D));
    allClose(some.map((i) => gradient.matrix[i]), some.map((i) => slope(matrix, i)), {
      ...{ atol: 2e-6, rtol: 1e-4 },
    });
    const all = Array.from({ length: D }, (_, i) => i);
    allClose(gradient.bias, all.map((i) => slope(bias, i)), { atol: 2e-6, rtol: 1e-4 });
  },
});

const SMALL = "--tokens 30000 --batch 1000 --validation-tokens 2000 --validation 0.2 --backend cpu"
  .split(" ");

async function lens(args: readonly string[], signal?: AbortSignal) {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, args, {
    signal,
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: Deno.build.os === "windows",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => inFolder(fn),
  });
}

const script = new URL("../tasks/lens.ts", import.meta.url).href;

test("lens train: nearer to the last layer, a card, and the same bytes after a stop", async (dir) => {
  await Deno.writeTextFile(`${dir}/in.fasta`, corpus());
  const args = ["--fasta", `${dir}/in.fasta`, ...SMALL, "--out"];
  const whole = await lens(["train", ...args, `${dir}/a.safetensors`]);
  equal(whole.code, 0, whole.err);
  match(whole.out, /layer {2}logit lens {2}tuned lens/);
  const card = await Deno.readTextFile(`${dir}/a.md`);
  match(card, /^# Tuned lens of esm2_t6_1M_PF20\n/);
  match(card, /in\.fasta, 120 records/);
  using model = await openModel(undefined);
  const { metadata, matrices } = (await openLens(`${dir}/a.safetensors`, model))!;
  const numbers = (key: string) => metadata[key].split(" ").map(Number);
  numbers("loss_tuned").forEach((after, layer) => {
    ok(after < numbers("loss_logit")[layer], `layer ${layer}: ${after}`);
  });
  equal(matrices.length, 6);
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const { text: said } = await stoppedRun(
      script,
      ["train", ...args, `${dir}/b.safetensors`],
      signal,
      (text) => /residues: mean KL/.test(text),
    );
    if (signal === "SIGINT") match(said, /The state is saved; the same command continues\./);
    match(listing(dir)[0], /^\.b\.safetensors\.[0-9a-f]{16}\.state$/);
    const again = await lens(["train", ...args, `${dir}/b.safetensors`]);
    equal(again.code, 0, again.err);
    match(again.err, /Continuing after/);
    deepEqual(
      await Deno.readFile(`${dir}/b.safetensors`),
      await Deno.readFile(`${dir}/a.safetensors`),
      signal,
    );
    deepEqual(listing(dir), ["a.md", "a.safetensors", "b.md", "b.safetensors", "in.fasta"]);
    await Deno.remove(`${dir}/b.safetensors`);
    await Deno.remove(`${dir}/b.md`);
  }
  // Of other weights it is refused.
  using other = await openModel(fixturePath("rand_t2_d64_h4"));
  await rejects(openLens(`${dir}/a.safetensors`, other), /must be trained on these weights/);
});

test("the lens that comes with the embedded model says what it was trained on, and is better", async () => {
  using model = await openModel(undefined);
  const { metadata } = (await openLens(undefined, model))!;
  match(metadata.trained_on_sha256, /^[0-9a-f]{64}$/);
  const [before, after] = ["kl_logit", "kl_tuned"].map((key) =>
    metadata[key].split(" ").map(Number)
  );
  equal(before.length, 6);
  after.forEach((kl, layer) => ok(kl < before[layer], `${layer}: ${kl}, ${before[layer]}`));
  const folder = new URL("../models/esm2_t6_1M_PF20/lens/", import.meta.url);
  ok((await Deno.stat(new URL("tuned.safetensors", folder))).size < 500_000);
  const card = await Deno.readTextFile(new URL("MODEL_CARD.md", folder));
  for (const layer of [0, 1, 2, 3, 4, 5]) {
    const own = [before[layer], after[layer]].map((kl) => kl.toPrecision(3)).join(" | ");
    ok(card.includes(own), `the card has ${own}`);
  }
});
