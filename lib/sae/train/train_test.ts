import { allClose, deepEqual, equal, ok, rejects } from "../../../tests/assert.ts";
import { StateFile } from "../../train/state_file.ts";
import { initialParameters } from "./parameters.ts";
import { gaussians } from "../../train/random.ts";
import { plainProduct, smallSettings, syntheticSource } from "./testing.ts";
import { loadState, saveState, train } from "./train.ts";
import { newState, Trainer } from "./trainer.ts";

const D = 32;
const source = (atoms = 40) =>
  syntheticSource({ dModel: D, atoms, active: 3, seed: 2, bufferTokens: 4096 });

Deno.test("train recovers most atoms of a known sparse dictionary", async () => {
  const data = source(), fvu: number[] = [];
  const { state, unit } = await train(data, smallSettings({ tokens: 100_000 }), plainProduct, {
    onStep: (report) => fvu.push(report.fvu),
  });
  const { decoder } = state.weights;
  const best = Array.from({ length: 40 }, (_, atom) => {
    let most = -1;
    for (let at = 0; at < decoder.length; at += D) {
      let cosine = 0;
      for (let d = 0; d < D; d++) cosine += decoder[at + d] * data.dictionary[atom * D + d];
      most = Math.max(most, cosine);
    }
    return most;
  });
  const recovered = best.filter((cosine) => cosine > 0.9).length;
  // All 40 with each of five seeds when this was written.
  ok(recovered >= 36, `${recovered} of 40: ${best.map((c) => c.toFixed(2))}`);
  ok(fvu.at(-1)! < 0.1 && fvu[0] > 0.3, `${fvu[0]} to ${fvu.at(-1)}`);
  ok(unit !== 1);
  for (let at = 0; at < decoder.length; at += D) {
    allClose([Math.hypot(...decoder.subarray(at, at + D))], [1], { atol: 1e-6 }, "row length");
  }
});

Deno.test("train sees each token once and cuts batches of nearly equal size", async () => {
  const sizes: number[] = [];
  let before = 0;
  const settings = smallSettings({ tokens: 10_000 });
  const { state } = await train(source(), settings, plainProduct, {
    onStep: (_, tokens) => {
      sizes.push(tokens - before);
      before = tokens;
    },
  });
  equal(state.tokens, 10_000);
  ok(sizes.every((size) => Math.abs(size - 128) <= 5), `${sizes}`);
});

/** A training in which half of the latents can hardly be among the k; how many are, at the end. */
async function withBuriedLatents(auxK: number): Promise<number> {
  const F = 48, buried = 24, weights = initialParameters(F, new Float32Array(D), 4);
  for (let i = 0; i < buried * D; i++) weights.encoder[i] *= 0.01;
  const settings = smallSettings({ latents: F, auxK, tokens: 60_000 });
  const state = newState(weights);
  state.idle.fill(settings.deadAfter, 0, buried);
  const trainer = new Trainer(state, settings, plainProduct), data = source(F);
  let cursor = { epoch: 0, position: 0 };
  while (state.tokens < settings.tokens) {
    const { crops, cursor: after } = data.feed.next(cursor);
    const x = await data.activations(crops);
    for (let at = 0; at < x.length; at += 128 * D) await trainer.step(x.slice(at, at + 128 * D));
    cursor = after;
  }
  return state.idle.subarray(0, buried).filter((idle) => idle < settings.deadAfter).length;
}

Deno.test("dead latents come alive by the auxiliary loss, and not without it", async () => {
  equal(await withBuriedLatents(0), 0);
  const revived = await withBuriedLatents(12);
  // 17 when this was written; some are rare enough to be idle again for a while.
  ok(revived >= 12, `${revived} of 24`);
});

Deno.test("Trainer counts the tokens since each latent was active", async () => {
  const F = 12, weights = initialParameters(F, new Float32Array(D), 4);
  weights.latentBias[7] = -1000;
  const settings = smallSettings({ latents: F, deadAfter: 200, auxK: 0 });
  const trainer = new Trainer(newState(weights), settings, plainProduct);
  const batch = new Float32Array(128 * D);
  gaussians(batch, 1, 77);
  await trainer.step(batch.slice());
  equal(trainer.state.idle[7], 128);
  deepEqual(trainer.dead(), new Uint32Array());
  await trainer.step(batch.slice());
  equal(trainer.state.idle[7], 256);
  deepEqual(trainer.dead(), Uint32Array.of(7));
  equal(trainer.state.idle.filter((idle) => idle === 0).length, F - 1);
});

Deno.test("train gives the same weights twice, and others with another seed", async () => {
  const run = async (seed: number) => {
    const { state } = await train(source(), smallSettings({ seed, tokens: 3000 }), plainProduct);
    return state.weights;
  };
  deepEqual(await run(5), await run(5));
  ok((await run(5)).decoder[0] !== (await run(6)).decoder[0]);
});

Deno.test("train continues a stopped run, wherever it stopped, to the same state", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const settings = smallSettings({ tokens: 12_000, deadAfter: 1000 });
    const straight = await train(source(), settings, plainProduct);
    const file = StateFile.beside(`${dir}/a.safetensors`, settings);
    const resumed: number[] = [];
    // In the first buffer, at the end of one, and in the last, which is cut short.
    for (const stop of [5, 31, 60, Infinity]) {
      const interrupt = new AbortController();
      let steps = 0;
      const run = train(source(), settings, plainProduct, {
        stateFile: file,
        signal: interrupt.signal,
        onResume: (tokens) => resumed.push(tokens),
        onStep: () => ++steps >= stop - resumed.length && interrupt.abort(new Error("stop")),
      });
      if (stop < Infinity) await rejects(run, /stop/);
      else deepEqual(await run, straight);
    }
    equal(resumed.length, 3);
    ok(resumed[0] > 0 && resumed[1] > resumed[0] && resumed[2] > resumed[1]);
    file.remove();
    deepEqual([...Deno.readDirSync(dir)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("train saves its state after the first buffer and whenever two seconds have gone by", async () => {
  const { now } = performance;
  let time = 0, steps = 0;
  const saves: number[] = [];
  performance.now = () => time;
  try {
    const stateFile = { load: () => undefined, save: () => void saves.push(steps) };
    // 32 steps a buffer, each of which takes 0.3 seconds of this clock.
    await train(source(), smallSettings({ tokens: 12_000 }), plainProduct, {
      stateFile: stateFile as unknown as StateFile,
      onStep() {
        steps++;
        time += 300;
      },
    });
  } finally {
    performance.now = now;
  }
  deepEqual(saves.slice(0, 6), [7, 14, 21, 28, 32, 39]);
  equal(saves.at(-1), steps);
});

Deno.test("Trainer moves no row of the decoder along itself", async () => {
  const weights = initialParameters(24, new Float32Array(D), 4), before = weights.decoder.slice();
  const settings = smallSettings({ latents: 24, auxK: 0 });
  const trainer = new Trainer(newState(weights), settings, plainProduct);
  const batch = new Float32Array(128 * D);
  gaussians(batch, 1, 77);
  await trainer.step(batch);
  // After one step the optimiser's first moment is the gradient, but for a factor.
  const { decoder } = trainer.state.moments.first;
  let moved = 0;
  for (let at = 0; at < before.length; at += D) {
    let along = 0;
    for (let d = at; d < at + D; d++) along += decoder[d] * before[d];
    const length = Math.hypot(...decoder.subarray(at, at + D));
    ok(Math.abs(along) <= 1e-5 * length, `${along} of ${length}`);
    if (length > 0) moved++;
  }
  ok(moved > 12, `${moved} of 24 rows have a gradient`);
});

Deno.test("StateFile ignores a file that is cut, changed or of other settings", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const fresh = () => newState(initialParameters(8, new Float32Array(D), 1));
    const file = StateFile.beside(`${dir}/a`, { k: 1 });
    equal(loadState(file, fresh()), undefined);
    const trainer = fresh();
    trainer.steps = 3;
    trainer.idle[2] = 4_000_000_000;
    const where = {
      unit: 0.5,
      cursor: { epoch: 1, position: 2 },
      buffer: 3,
      before: 9,
      batches: 4,
    };
    saveState(file, { trainer, ...where });
    const loaded = newState(initialParameters(8, new Float32Array(D), 99));
    deepEqual(loadState(file, loaded), where);
    deepEqual(loaded, trainer);
    equal(loadState(StateFile.beside(`${dir}/a`, { k: 2 }), fresh()), undefined);
    const bytes = Deno.readFileSync(file.path);
    for (
      const damaged of [bytes.slice(0, -1), bytes.slice(0, 10), bytes.with(200, bytes[200] ^ 1)]
    ) {
      Deno.writeFileSync(file.path, damaged);
      equal(loadState(file, fresh()), undefined);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
