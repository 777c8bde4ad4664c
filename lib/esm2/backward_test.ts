import { allClose, deepEqual, equal } from "../../tests/assert.ts";
import { cotangentOf, gradientOf, gradients, keptOf, vjpGraph } from "../onnx/gradient.ts";
import { Graph } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { slopes, uniformValues } from "../onnx/testing/check_gradients.ts";
import { evaluate } from "../onnx/testing/evaluate.ts";
import { type AdapterForm, BLOCK_LINEARS, inverseNormGraph, partsOf } from "./adapters.ts";
import { block, BLOCK_WEIGHTS, type BlockVariant } from "./block.ts";
import { blockGraph, finishGraph, keptValues, projectGraph } from "./block_graphs.ts";
import { embeddingGraph } from "./embedding.ts";
import { head, HEAD_WEIGHTS, headGraph, type HeadWeight, NORM_WEIGHTS, normGraph } from "./head.ts";
import { paddingBias, tokenShares } from "./inputs.ts";
import { EMBEDDING, storedName, weightShapes } from "./trainable.ts";
import { padBatch } from "./tokenize.ts";

const config = { layers: 1, dModel: 12, heads: 3, headDim: 4, ffn: 7, tokenDropout: true };
const variant: BlockVariant = { config, batch: 2, padded: true };
const batch = padBatch([new Int32Array(3), new Int32Array(2)]);
const extents = { T: 3, N: 6, R: 4 };

/**
 * Fails unless a graph's vector–Jacobian product is the slopes of <cotangent, output>.
 *
 * @param kept names of nodes whose values are fed instead of computed
 */
function check(build: () => Graph, output: string, wrt: string[], kept: string[] = []): void {
  const forward = build(), backward = vjpGraph(build(), [output], wrt, kept);
  const values = uniformValues([...forward.inputs, ...backward.inputs], extents, 5);
  if ("bias" in values) values.bias.data = Float64Array.from(paddingBias(batch));
  if ("rows" in values) values.rows.data = Float64Array.of(4, 0, 4, 1);
  const fed = evaluate(forward, values, kept.map((name) => forward.find(name)));
  kept.forEach((name, i) => values[keptOf(name)] = fed[i]);
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

Deno.test("vjpGraph of a block that has kept values is its slopes, and computes none of them", () => {
  for (const groups of [[3], [1, 2]]) {
    const kept = Object.keys(keptValues(variant, groups, 3));
    const build = () => blockGraph(variant, groups, { attention: false });
    check(build, "hidden", ["x", ...BLOCK_WEIGHTS], kept);
    const { nodes } = vjpGraph(build(), ["hidden"], ["x", ...BLOCK_WEIGHTS], kept);
    const products = nodes.filter(({ op, name }) =>
      op === "Gemm" || op === "MatMul" && !name.startsWith("backward")
    );
    deepEqual(
      products.map(({ name }) => name),
      groups.map((_, i) => `attention/scores${i ? `.${i}` : ""}`),
    );
    const forward = blockGraph(variant, groups, { attention: false, kept: true });
    deepEqual(forward.outputs.map(({ name }) => name), ["hidden", ...kept.map(keptOf)]);
  }
});

Deno.test("gradients of a whole model are its slopes, for every weight and the tied embedding", () => {
  const small = { ...config, dModel: 6, headDim: 2, ffn: 5 };
  const own: BlockVariant = { ...variant, config: small };
  const g = new Graph("model");
  g.symbols.define("N", [2, "T"]);
  const weights = [...weightShapes(small)].map(([name, shape]) => g.input(name, "float32", shape));
  const weight = (name: string) => weights.find((value) => value.name === name)!;
  const table = (name: string) => g.input(name, "float32", [2, "T", 1]);
  const rotary = {
    ...{ queryCos: table("query_cos"), querySin: table("query_sin") },
    ...{ keyCos: table("key_cos"), keySin: table("key_sin") },
  };
  const shares = g.input("shares", "float32", ["N", 33]);
  const bias = g.input("bias", "float32", [2, 1, 1, "T"]);
  const x = op.matmul(g, shares, weight(EMBEDDING));
  const { hidden } = block(g, x, (name) => weight(`layers.0.${name}`), rotary, bias, own);
  const { logits } = head(g, hidden, (name) => weight(storedName(name as HeadWeight)));
  const cotangent = g.input("cotangent", "float32", ["N", 33]);
  const found = gradients(g, [{ value: logits, cotangent }], weights);
  const values = uniformValues(g.inputs, extents, 7);
  values.bias.data = Float64Array.from(paddingBias(batch));
  const rows = padBatch([Int32Array.of(0, 5, 32), Int32Array.of(0, 7)]);
  values.shares.data = Float64Array.from(tokenShares(rows, true));
  const { data: u } = values.cotangent;
  const scalar = () =>
    evaluate(g, values, [logits])[0].data.reduce((sum, y, i) => sum + u[i] * y, 0);
  const actual = evaluate(g, values, found);
  weights.forEach(({ name }, i) => {
    const expected = slopes(values[name].data, scalar);
    const largest = Math.max(1, ...expected.map(Math.abs));
    allClose(actual[i].data, expected, { atol: 1e-5 * largest }, name);
  });
  equal(weights.length, 1 + 16 + 2 + 5);
});

Deno.test("the gradient of what is looked up is its slopes, and zero of what is not", () => {
  check(() => embeddingGraph(config), "x", ["table"]);
  const g = vjpGraph(embeddingGraph(config), ["x"], ["table"]);
  const values = uniformValues(g.inputs, extents, 9);
  values.shares.data = Float64Array.from(
    tokenShares(padBatch([Int32Array.of(0, 5, 32), Int32Array.of(0, 7)]), true),
  );
  const [{ data }] = evaluate(g, values, [g.outputs[0].value]);
  const used = Array.from({ length: 33 }, (_, id) => id)
    .filter((id) => data.subarray(12 * id, 12 * id + 12).some((slope) => slope !== 0));
  deepEqual(used, [0, 5, 7], "no <pad>, and no <mask> under token dropout");
  check(() => normGraph(config), "normalised", ["x", ...NORM_WEIGHTS]);
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
