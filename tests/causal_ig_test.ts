/** Integrated gradients and circuits on the model against golden values and their own definitions. */
import { faithfulnessOf, growCircuit, setOf } from "../lib/causal/circuit.ts";
import { zeroEdit } from "../lib/causal/edits.ts";
import { addsUp, explain, type ExplainSettings, gapOf } from "../lib/causal/explain.ts";
import { rankNodes } from "../lib/causal/explain_record.ts";
import type { Attribution } from "../lib/causal/integrate.ts";
import type { Metric } from "../lib/causal/metric.ts";
import { Tail } from "../lib/causal/tail.ts";
import { EngineGradient } from "../lib/causal/gradients.ts";
import { LETTERS } from "../lib/esm2/alphabet.ts";
import { allClose, equal, ok } from "./assert.ts";
import {
  type CausalModel,
  causalTest,
  golden,
  goldenFacts,
  goldenSequence,
  mutated,
} from "./causal_model.ts";

const position = goldenFacts.position0 + 1;
const metric: Metric = [{
  token: position,
  plus: LETTERS.get(goldenFacts.mut)!,
  minus: LETTERS.get(goldenFacts.wt)!,
}];
const mutant = mutated(goldenSequence, position, goldenFacts.mut);
const everyToken = Array.from({ length: goldenSequence.length + 2 }, (_, t) => t);

const fixed: ExplainSettings = {
  baseline: "zero",
  method: "ig",
  through: "latents",
  error: "keep",
  rule: "midpoint",
  steps: goldenFacts.steps,
  fixed: true,
};

function explainer({ esm, space, coder }: CausalModel, stack: AsyncDisposableStack) {
  const tail = stack.use(new Tail(esm, space));
  return { tail, gradient: new EngineGradient(tail), coder };
}

async function subject(model: CausalModel) {
  const [base, donor] = await model.captureAll(goldenSequence, mutant);
  return { base, donor, tokens: everyToken, metric };
}

function dense(nodes: readonly Attribution[]): Float32Array {
  const out = new Float32Array(everyToken.length * goldenFacts.d_hidden);
  for (const { token, latent, attribution } of nodes) {
    if (latent >= 0) out[token * goldenFacts.d_hidden + latent] = attribution;
  }
  return out;
}

causalTest("explain gives the golden integrated gradients and their sum", async (model) => {
  await using stack = new AsyncDisposableStack();
  const on = explainer(model, stack);
  const [found] = await explain(on, [await subject(model)], fixed);
  // Attributions reach 1; gradients are float32, times latents of their own rounding.
  allClose(dense(found.nodes), golden.integrated_gradients.data, { atol: 2e-4 });
  allClose([found.sum], [goldenFacts.ig_sum], { atol: 1e-3 });
  allClose(
    [found.input, found.baseline],
    [goldenFacts.metric_at_latents, goldenFacts.metric_at_zero_latents],
    { atol: 5e-4 },
  );
  equal(found.steps, goldenFacts.steps);
});

causalTest("explain to first order gives the golden activation times gradient", async (model) => {
  await using stack = new AsyncDisposableStack();
  const on = explainer(model, stack);
  const [found] = await explain(on, [await subject(model)], { ...fixed, method: "first-order" });
  allClose(dense(found.nodes), golden.activation_times_gradient.data, { atol: 5e-4 });
});

causalTest("gradients are taken where the golden path is", async (model) => {
  await using stack = new AsyncDisposableStack();
  const { tail } = explainer(model, stack);
  const { base } = await subject(model);
  const edit = zeroEdit(base, everyToken);
  const { edited } = await tail.measure(
    base,
    goldenFacts.path_metric.map((_, s) => ({
      edit,
      share: 1 - (s + 0.5) / goldenFacts.steps,
      metric,
    })),
  );
  allClose(edited, goldenFacts.path_metric, { atol: 5e-4 });
}, ["cpu"]);

causalTest("explain doubles its steps until attributions add up to the effect", async (model) => {
  await using stack = new AsyncDisposableStack();
  const on = explainer(model, stack);
  const one = await subject(model);
  const left = { ...fixed, rule: "left", steps: 2 } as const;
  const [rough] = await explain(on, [one], left);
  ok(!addsUp(rough), "two left steps are too few");
  const [refined] = await explain(on, [one], { ...left, fixed: false });
  ok(refined.steps > 2 && Number.isInteger(Math.log2(refined.steps)));
  ok(addsUp(refined), `gap ${gapOf(refined)}`);
  const [half] = await explain(on, [one], { ...left, steps: refined.steps / 2 });
  ok(!addsUp(half), "half as many were enough");
  const [gauss] = await explain(on, [one], { ...left, rule: "gauss-legendre", steps: 32 });
  // The whole effect, to the model's own rounding.
  ok(Math.abs(gapOf(gauss)) < 2e-3, `gap ${gapOf(gauss)}`);
}, ["cpu"]);

causalTest("explain through pre-activations reports the gap that jumps leave", async (model) => {
  await using stack = new AsyncDisposableStack();
  const on = explainer(model, stack);
  const one = { ...await subject(model), tokens: [position] };
  const settings = { ...fixed, baseline: "run", steps: 64 } as const;
  const [latents] = await explain(on, [one], settings);
  const [preActs] = await explain(on, [one], { ...settings, through: "pre-activations" });
  allClose([preActs.input, preActs.baseline], [latents.input, latents.baseline], { atol: 1e-6 });
  ok(Math.abs(gapOf(latents)) < 1e-2, `gap in latents ${gapOf(latents)}`);
  ok(Math.abs(gapOf(preActs)) > 1e-2, `gap in pre-activations ${gapOf(preActs)}`);
  ok(preActs.nodes.every(({ latent }) => latent < goldenFacts.d_hidden));
}, ["cpu"]);

causalTest(
  "circuits: all nodes restore the effect, none nothing, and the circuit its share",
  async (
    model,
  ) => {
    await using stack = new AsyncDisposableStack();
    const on = explainer(model, stack);
    for (const baseline of ["run", "zero"] as const) {
      const settings = {
        ...fixed,
        baseline,
        error: baseline === "run" ? "patch" : "keep",
      } as const;
      const [found] = await explain(on, [await subject(model)], settings);
      const ranking = rankNodes(found.nodes);
      const ends = await faithfulnessOf(on.tail, found.path, [setOf([]), setOf(ranking)], found);
      // Of an effect of at least 0.5 with logits rounded to 1e-5.
      allClose(ends, [0, 1], { atol: 1e-4 });

      const circuit = await growCircuit(on.tail, found.path, ranking, found, 0.7);
      ok(circuit.faithfulness >= 0.7 && circuit.size > 0 && circuit.size < ranking.length);
      const set = setOf(ranking.slice(0, circuit.size));
      const rest = setOf(ranking.slice(circuit.size));
      const [own, others] = await faithfulnessOf(on.tail, found.path, [set, rest], found);
      allClose([circuit.faithfulness, circuit.completeness], [own, others], { atol: 1e-4 });
      const before = circuit.curve.filter(({ nodes }) => nodes < circuit.size);
      const restores = (faithfulness: number) => faithfulness >= 0.7 && faithfulness <= 1.2;
      for (const { nodes, faithfulness } of before) {
        // What restores the share at a smaller size does not hold at the next.
        const next = circuit.curve.filter((point) =>
          point.nodes > nodes && point.nodes <= Math.max(2 * nodes, nodes + 3)
        );
        ok(
          !restores(faithfulness) || next.some((point) => !restores(point.faithfulness)),
          `${nodes} nodes were enough: ${JSON.stringify(circuit.curve)}`,
        );
      }
      const after = circuit.curve.filter(({ nodes }) =>
        nodes >= circuit.size && nodes <= Math.max(2 * circuit.size, circuit.size + 3)
      );
      ok(
        after.length >= 4 && after.every(({ faithfulness }) => restores(faithfulness)),
        `${circuit.size}: ${JSON.stringify(after)}`,
      );
    }
  },
  ["cpu"],
);
