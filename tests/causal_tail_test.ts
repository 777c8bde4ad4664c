/** Edits of latents against passes of the whole model and golden values. */
import { donorEdit, dropError, editOf, zeroEdit } from "../lib/causal/edits.ts";
import type { Metric } from "../lib/causal/metric.ts";
import { Tail } from "../lib/causal/tail.ts";
import { batchOf } from "./parity.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { causalTest, golden, goldenFacts, goldenSequence, mutated } from "./causal_model.ts";
import { LETTERS } from "../lib/esm2/alphabet.ts";

const position = goldenFacts.position0 + 1;
const metric: Metric = [{
  token: position,
  plus: LETTERS.get(goldenFacts.mut)!,
  minus: LETTERS.get(goldenFacts.wt)!,
}];
const mutant = mutated(goldenSequence, position, goldenFacts.mut);
const everyToken = Array.from({ length: goldenSequence.length + 2 }, (_, t) => t);

causalTest("captures have the golden latents and error", async ({ space, captureAll }) => {
  const [{ hidden, latents, scale }] = await captureAll(goldenSequence);
  allClose(hidden, golden.hidden.data, { atol: 5e-4 }, "hidden");
  const dense = new Float32Array(latents.rows * latents.latents);
  for (let t = 0; t < latents.rows; t++) {
    for (let i = latents.offsets[t]; i < latents.offsets[t + 1]; i++) {
      dense[t * latents.latents + latents.indices[i]] = latents.values[i];
    }
  }
  // Values up to 10; the hidden state's own rounding, relative to a standard deviation of about 10.
  allClose(dense, golden.latents.data, { atol: 5e-4 }, "latents");
  allClose(scale.std, golden.std.data, { atol: 1e-3 }, "std");
  const [capture] = await captureAll(goldenSequence);
  everyToken.forEach((token) =>
    allClose(
      space.errorOf(capture, token),
      golden.error.data.subarray(token * 128, (token + 1) * 128),
      // Latents' rounding times a standard deviation of about 10.
      { atol: 1e-2 },
      `error of token ${token}`,
    )
  );
}, ["cpu"]);

causalTest(
  "Tail.measure gives golden metrics with latents, without them, without the error",
  async (
    { esm, space, captureAll },
  ) => {
    const [wild] = await captureAll(goldenSequence);
    await using tail = new Tail(esm, space);
    const { baseline, edited } = await tail.measure(wild, [
      { edit: zeroEdit(wild, everyToken), metric },
    ]);
    // Differences of logits up to 21.
    const tolerance = { atol: 5e-4 };
    allClose(baseline, [goldenFacts.metric_at_latents], tolerance);
    allClose(edited, [goldenFacts.metric_at_zero_latents], tolerance);
    const dropped = dropError(space, wild, everyToken);
    const alone = await tail.measure(dropped, [{ edit: [], metric }]);
    // The golden reconstruction has latents of its own rounding.
    allClose(alone.edited, [goldenFacts.metric_reconstruction_only], { atol: 5e-3 });
  },
);

causalTest("Tail.measure: an edit that changes nothing changes the metric by exactly 0", async (
  { esm, space, captureAll },
) => {
  const [wild, other] = await captureAll(goldenSequence, mutant);
  await using tail = new Tail(esm, space, { tokenBudget: 38 * 7 });
  const real = donorEdit(space, wild, other, [position], true);
  const self = donorEdit(space, wild, wild, everyToken, true);
  const still = editOf([{ token: position, latent: 3, delta: 0 }]);
  // Neighbours that change, every place of batches of several sizes.
  for (const count of [1, 2, 5, 7, 31]) {
    const jobs = Array.from({ length: count }, (_, i) => ({
      edit: i % 3 === 0 ? real : i % 3 === 1 ? self : still,
      metric,
    }));
    for (const order of [jobs, jobs.toReversed()]) {
      const { baseline, edited } = await tail.measure(wild, order);
      order.forEach(({ edit }, i) =>
        edit === real ? ok(edited[i] !== baseline[i]) : equal(edited[i] - baseline[i], 0)
      );
    }
  }
});

causalTest(
  "Tail.measure: all latents and errors of the mutant give the mutant's own metric",
  async (
    { esm, space, captureAll },
  ) => {
    const [wild, other] = await captureAll(goldenSequence, mutant);
    await using tail = new Tail(esm, space);
    const run = async (sequence: string) => {
      using result = await esm.run(batchOf([sequence]), { head: { rows: [position] } });
      const logits = await result.logits!.read();
      return logits[metric[0].plus] - logits[metric[0].minus!];
    };
    const { baseline, edited } = await tail.measure(wild, [
      { edit: donorEdit(space, wild, other, everyToken, true), metric },
    ]);
    // The mutant's stream is rebuilt by adding differences; logits reach 21.
    allClose(edited, [await run(mutant)], { atol: 2e-4 });
    allClose(baseline, [await run(goldenSequence)], { atol: 2e-4 });
    ok(Math.abs(edited[0] - baseline[0]) > 1);
  },
);

causalTest("Tail.measure gives each job its own result whatever runs beside it", async (
  { esm, space, captureAll },
) => {
  const [wild, other] = await captureAll(goldenSequence, mutant);
  await using tail = new Tail(esm, space, { tokenBudget: 38 * 4 });
  const jobs = everyToken.map((token) => ({
    edit: donorEdit(space, wild, other, [token]),
    metric: token % 2 ? metric : [...metric, { token: 1, plus: 5, minus: 6 }],
  }));
  const together = await tail.measure(wild, jobs);
  for (const i of [0, 7, 20, 37]) {
    const alone = await tail.measure(wild, [jobs[i]]);
    allClose(together.edited.subarray(i, i + 1), alone.edited, { atol: 2e-5 });
  }
  const again = await tail.measure(wild, jobs);
  deepEqual(again, together);
}, ["cpu"]);
