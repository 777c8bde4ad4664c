import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { type BackendName, openBackend } from "../backend/mod.ts";
import { computeInvFreq } from "../checkpoint/inv_freq.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { Corpus } from "../train/corpus.ts";
import { StateFile } from "../train/state_file.ts";
import { initialWeights } from "./initial.ts";
import { Sampler } from "./sampler.ts";
import { type StepReport, trainMaskedModel, type TrainSettings } from "./train.ts";

const config: Esm2Config = {
  ...{ layers: 2, dModel: 32, heads: 4, headDim: 8, ffn: 128, tokenDropout: true },
};

const settings: TrainSettings = {
  ...{ tokens: 80_000, batch: 512, tokenBudget: 256, corruption: {}, muon: true },
  ...{ matrixRate: 0.02, learningRate: 0.01, decay: 0.01, warmUp: 0.1, cooling: 0.5 },
  schedule: "linear",
  ...{ clip: 1, betas: [0.9, 0.98], seed: 1 },
};

/** A family: one sequence with a few letters of each copy changed. */
async function family(dir: string): Promise<Corpus> {
  const letters = "LAGVSERTIDPKQNFYMHWC", parent = "MKVLDEIFHGRAWTNQPSYCLKDE";
  const records = Array.from({ length: 30 }, (_, i) => {
    const copy = [...parent];
    copy[i % 24] = letters[i % 20];
    return `>s${i}\n${copy.join("")}\n`;
  });
  await Deno.writeTextFile(`${dir}/family.fasta`, records.join(""));
  return await Corpus.open(`${dir}/family.fasta`);
}

const each = (corpus: Corpus) => ({
  corpus,
  clusters: Array.from({ length: corpus.sequences }, (_, i) => Uint32Array.of(i)),
  weight: 1,
});

const test = (name: string, fn: (dir: string) => Promise<void>, ignore = false) =>
  Deno.test({
    name,
    ignore,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const dir = await Deno.makeTempDir();
      try {
        await fn(dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });

for (const muon of [true, false]) {
  test(`trainMaskedModel learns a family, by ${muon ? "Muon" : "Adam"}`, async (dir) => {
    using corpus = await family(dir);
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    const weights = initialWeights(config, 1), seen: StepReport[] = [];
    const sampler = new Sampler([each(corpus)], { maxLength: 64, seed: 1 });
    await trainMaskedModel(
      config,
      weights,
      computeInvFreq(config.headDim),
      sampler,
      {
        ...settings,
        muon,
      },
      backend,
      { onStep: (report) => void seen.push(report) },
    );
    const mean = (steps: StepReport[]) =>
      steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length;
    // Untrained: about ln 33 = 3.5. The letters' own frequencies give 2.95; the family nearly all.
    ok(mean(seen.slice(0, 2)) > 3, `${mean(seen.slice(0, 2))}`);
    ok(mean(seen.slice(-5)) < 1.5, `${mean(seen.slice(-5))}`);
    ok(seen.at(-1)!.tokens >= settings.tokens);
  });
}

for (const own of [{}, { schedule: "cosine", average: 0.9, patience: 3 }] as const) {
  const named = Object.keys(own).length > 0 ? `, with ${Object.keys(own).join(", ")}` : "";
  test(`trainMaskedModel stopped and continued gives the same bytes${named}`, (dir) =>
    resumes(dir, { ...settings, tokens: 4000, ...own }));
}

for (const name of ["wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  test(
    `trainMaskedModel resumes to the same bytes: ${name}${skip ? gpuSkipped : ""}`,
    (dir) => resumes(dir, { ...settings, tokens: 2200, average: 0.9, patience: 3 }, name),
    skip,
  );
}

async function resumes(
  dir: string,
  short: TrainSettings,
  name: BackendName = "cpu",
): Promise<void> {
  using corpus = await family(dir);
  const { backend } = await openBackend(name);
  await using _ = backend;
  const checks: number[] = [];
  const sampler = new Sampler([each(corpus)], { maxLength: 64, seed: 1 });
  const run = (
    weights: Record<string, Float32Array>,
    options: Parameters<typeof trainMaskedModel>[6],
  ) =>
    trainMaskedModel(
      config,
      weights,
      computeInvFreq(config.headDim),
      sampler,
      short,
      backend,
      {
        check(weights) {
          const bias = weights["lm_head.bias"].reduce((sum, x) => sum + x, 0);
          checks.push(bias);
          return Promise.resolve(bias);
        },
        ...options,
      },
    );
  const whole = initialWeights(config, 1);
  await run(whole, {});
  const parts = initialWeights(config, 1);
  for (const stopAt of short.tokens < 4000 ? [2] : [2, 5]) {
    const stop = new AbortController();
    const stateFile = StateFile.beside(`${dir}/model`, short);
    let failed = false;
    await run(initialWeights(config, 1), {
      stateFile,
      signal: stop.signal,
      onStep: ({ step }) => step === stopAt && stop.abort(new Error("stopped")),
    }).catch(() => failed = true);
    ok(failed);
  }
  let resumed = 0;
  await run(parts, {
    stateFile: StateFile.beside(`${dir}/model`, short),
    onResume: (tokens) => resumed = tokens,
  });
  ok(resumed > (short.tokens < 4000 ? 900 : 2000), `${resumed}`);
  deepEqual(parts, whole);
  equal(checks.length > 0, short.patience !== undefined);
}

test("trainMaskedModel stops early with the best weights, and averages weights", async (dir) => {
  using corpus = await family(dir);
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  const sampler = new Sampler([each(corpus)], { maxLength: 64, seed: 1 });
  const losses = [5, 4, 3, 3, 6, 1], verdicts: string[] = [], seen: Float32Array[] = [];
  const weights = initialWeights(config, 1), invFreq = computeInvFreq(config.headDim);
  const own: TrainSettings = { ...settings, tokens: 20_000, patience: 2, average: 0.5 };
  const progress = await trainMaskedModel(config, weights, invFreq, sampler, own, backend, {
    check(checked) {
      seen.push(checked["lm_head.bias"].slice());
      return Promise.resolve(losses[seen.length - 1]);
    },
    onCheck: (_, verdict) => void verdicts.push(verdict),
  });
  deepEqual(verdicts, ["better", "better", "better", "worse", "stop"]);
  ok(progress.tokens < 6000, `${progress.tokens}`);
  deepEqual(weights["lm_head.bias"], seen[2]);
});
