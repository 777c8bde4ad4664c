import { allClose, deepEqual } from "../../tests/assert.ts";
import { cotangentOf, gradientOf, vjpGraph } from "../onnx/gradient.ts";
import type { Graph } from "../onnx/graph.ts";
import { slopes, uniformValues } from "../onnx/testing/check_gradients.ts";
import { evaluate } from "../onnx/testing/evaluate.ts";
import { type AdapterForm, BLOCK_LINEARS, inverseNormGraph, partsOf } from "./adapters.ts";
import { BLOCK_WEIGHTS, type BlockVariant } from "./block.ts";
import { blockGraph, finishGraph, projectGraph } from "./block_graphs.ts";
import { HEAD_WEIGHTS, headGraph } from "./head.ts";
import { paddingBias } from "./inputs.ts";
import { padBatch } from "./tokenize.ts";

const config = { layers: 1, dModel: 12, heads: 3, headDim: 4, ffn: 7, tokenDropout: true };
const variant: BlockVariant = { config, batch: 2, padded: true };
const batch = padBatch([new Int32Array(3), new Int32Array(2)]);
const extents = { T: 3, N: 6, R: 4 };

/** Fails unless a graph's vector–Jacobian product is the slopes of <cotangent, output>. */
function check(build: () => Graph, output: string, wrt: string[]): void {
  const forward = build(), backward = vjpGraph(build(), [output], wrt);
  const values = uniformValues([...forward.inputs, ...backward.inputs], extents, 5);
  if ("bias" in values) values.bias.data = Float64Array.from(paddingBias(batch));
  if ("rows" in values) values.rows.data = Float64Array.of(4, 0, 4, 1);
  const found = evaluate(backward, values, backward.outputs.map(({ value }) => value));
  deepEqual(backward.outputs.map(({ name }) => name), wrt.map(gradientOf));
  const weight = values[cotangentOf(output)].data;
  const { value } = forward.outputs.find(({ name }) => name === output)!;
  const scalar = () =>
    evaluate(forward, values, [value])[0].data.reduce((sum, y, i) => sum + weight[i] * y, 0);
  wrt.forEach((name, i) => {
    // Constants are single precision, layer norms of few features are curved: 1e-5 of values near 1.
    const expected = slopes(values[name].data, scalar);
    allClose(found[i].data, expected, { atol: 1e-5, rtol: 1e-5 }, name);
  });
}

Deno.test("vjpGraph of a padded block in groups of heads is its slopes, for the state and weights", () => {
  check(() => blockGraph(variant, [1, 2], { attention: false }), "hidden", ["x", ...BLOCK_WEIGHTS]);
});

const ADAPTERS: Record<string, AdapterForm> = {
  "LoRA": { rank: 2, bias: false, magnitude: false },
  "LoRA with a bias": { rank: 2, bias: true, magnitude: false },
  "LoRA with dropout": { rank: 2, bias: true, magnitude: false, dropout: true },
  "DoRA": { rank: 2, bias: false, magnitude: true },
  "DoRA with dropout": { rank: 3, bias: false, magnitude: true, dropout: true },
};

for (const [what, form] of Object.entries(ADAPTERS)) {
  Deno.test(`vjpGraph of a block and of the head with ${what} is its slopes, also in pieces`, () => {
    const all = Object.fromEntries(BLOCK_LINEARS.map((module) => [module, form]));
    const adapters = { ...all, "fc1": { ...form, rank: 1 } };
    const adapted: BlockVariant = { ...variant, adapters };
    const names = BLOCK_LINEARS.flatMap((module) =>
      partsOf(form).map((part) => `${module}.${part}`)
    );
    const outputs = { attention: false };
    check(() => blockGraph(adapted, [1, 2], outputs), "hidden", ["x", ...names]);
    const [early] = names, late = names.at(-1)!;
    check(() => blockGraph(adapted, [3], outputs), "hidden", [early, "fc1.weight"]);
    check(() => projectGraph(adapted, [3]), "q_0", ["x", early, "self_attn.q_proj.bias"]);
    check(() => finishGraph(adapted, [3]), "hidden", ["x", "mixed_0", late]);
    const dense = partsOf(form).map((part) => `lm_head.dense.${part}`);
    check(
      () => headGraph(config, true, false, false, { "lm_head.dense": form }),
      "logits",
      ["x", ...dense, "lm_head.dense.bias"],
    );
  });
}

Deno.test("an adapter's gradient reads and gives nothing of frozen weights", () => {
  const form = ADAPTERS.LoRA;
  const g = vjpGraph(
    blockGraph({ ...variant, adapters: { "fc2": form } }, [3], { attention: false }),
    ["hidden"],
    ["fc2.lora_A", "fc2.lora_B"],
  );
  deepEqual(g.outputs.map(({ name }) => name), ["fc2.lora_A", "fc2.lora_B"].map(gradientOf));
  deepEqual(g.inputs.some(({ name }) => name === "fc2.weight"), false);
});

Deno.test("inverseNormGraph gives one over the length of each row of W + s·B·A", () => {
  const g = inverseNormGraph([3, 4], 2), values = uniformValues(g.inputs, {}, 3);
  const [{ data }] = evaluate(g, values, [g.outputs[0].value]);
  const { weight, lora_A: a, lora_B: b, lora_scale: scale } = values;
  const expected = [0, 1, 2].map((i) => {
    const row = [0, 1, 2, 3].map((j) =>
      weight.data[i * 4 + j] +
      scale.data[0] * (b.data[i * 2] * a.data[j] + b.data[i * 2 + 1] * a.data[4 + j])
    );
    return 1 / Math.hypot(...row);
  });
  allClose(data, expected, { rtol: 1e-12 });
});

Deno.test("vjpGraph of the head is its slopes, with rows that repeat or all rows", () => {
  check(() => headGraph(config, true), "logits", ["x", ...HEAD_WEIGHTS]);
  check(() => headGraph(config, true, true), "logits", ["x", "lm_head.dense.weight"]);
  check(() => headGraph(config), "logits", ["x"]);
});

Deno.test("vjpGraph reads only what the gradient of the state needs", () => {
  const names = (g: Graph) => g.inputs.map((input) => input.name);
  const whole = vjpGraph(blockGraph(variant, [3], { attention: false }), ["hidden"], ["x"]);
  deepEqual(names(whole).filter((name) => name.startsWith("fc2")), ["fc2.weight"]);
  const finish = vjpGraph(finishGraph(variant, [3]), ["hidden"], ["mixed_0"]);
  deepEqual(names(finish).includes("self_attn.out_proj.bias"), true, "the layer norm's statistics");
  const project = vjpGraph(projectGraph(variant, [3]), ["v_0", "x"], ["x"]);
  deepEqual(names(project), [
    "x",
    "self_attn_layer_norm.weight",
    "self_attn.v_proj.weight",
    cotangentOf("v_0"),
    cotangentOf("x"),
  ]);
});
