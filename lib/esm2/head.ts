/** The language-model head as a graph: final LayerNorm, then logits over the 33 tokens. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { Graph, inputsOnDemand, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import {
  type AdapterForms,
  adapterShape,
  type HeadLinear,
  linear,
  type LinearInput,
} from "./adapters.ts";
import { TOKENS } from "./alphabet.ts";

/** Names of the head's tensors as fair-esm has them; `lm_head.weight` is tied to the embedding. */
export const HEAD_WEIGHTS = [
  "emb_layer_norm_after.weight",
  "emb_layer_norm_after.bias",
  "lm_head.dense.weight",
  "lm_head.dense.bias",
  "lm_head.layer_norm.weight",
  "lm_head.layer_norm.bias",
  "lm_head.weight",
  "lm_head.bias",
] as const;

/** One of {@linkcode HEAD_WEIGHTS}. */
export type HeadWeight = typeof HEAD_WEIGHTS[number];

/** All that the head reads of its weights and of the adapter beside them. */
export type HeadParameter = HeadWeight | LinearInput<HeadLinear>;

export function headWeightShape(name: HeadWeight, { dModel }: Esm2Config): number[] {
  if (name === "lm_head.dense.weight") return [dModel, dModel];
  if (name === "lm_head.weight") return [TOKENS.length, dModel];
  return name === "lm_head.bias" ? [TOKENS.length] : [dModel];
}

/** Names of the final LayerNorm's tensors, which come before any head. */
export const NORM_WEIGHTS = ["emb_layer_norm_after.weight", "emb_layer_norm_after.bias"] as const;

/** x f32[N, D] → normalised f32[N, D]. */
function finalNorm(g: Graph, x: Value, w: (name: typeof NORM_WEIGHTS[number]) => Value): Value {
  const [gain, bias] = NORM_WEIGHTS;
  return op.layerNormalization(g, x, w(gain), w(bias), 1e-5, "final_norm");
}

/** x f32[N, D] → normalised f32[N, D] and logits f32[N, 33]. */
export function head(
  g: Graph,
  x: Value,
  w: (name: HeadParameter) => Value,
  adapters?: AdapterForms,
): { normalised: Value; logits: Value } {
  const normalised = finalNorm(g, x, w);
  return { normalised, logits: lmHead(g, normalised, w, adapters) };
}

/** Graph of the final LayerNorm alone: x → normalised. */
export function normGraph(config: Esm2Config): Graph {
  const g = new Graph("final_norm");
  const x = g.input("x", "float32", ["N", config.dModel]);
  const weight = (name: HeadWeight) => g.input(name, "float32", headWeightShape(name, config));
  g.output("normalised", finalNorm(g, x, weight));
  return g;
}

/** normalised f32[N, D] → logits f32[N, 33]. */
function lmHead(
  g: Graph,
  normalised: Value,
  w: (name: HeadParameter) => Value,
  adapters: AdapterForms | undefined,
): Value {
  return g.scope("lm_head", () => {
    const y = op.gelu(g, linear(g, normalised, w, "lm_head.dense", adapters, "dense"));
    const z = op.layerNormalization(
      g,
      y,
      w("lm_head.layer_norm.weight"),
      w("lm_head.layer_norm.bias"),
    );
    return op.gemm(g, z, w("lm_head.weight"), w("lm_head.bias"), "decoder");
  });
}

/** x f32[N, D] → x + x · Aᵀ + b: a state brought to where the head reads (Belrose et al. 2023). */
export function translate(g: Graph, x: Value, matrix: Value, bias: Value): Value {
  return op.add(g, x, op.gemm(g, x, matrix, bias, "translation"), "translated");
}

/**
 * Graph of the head: x (and, for some rows of it only, their numbers), weights → logits, normalised.
 *
 * @param normalised whether `x` is what the final LayerNorm gave, so that only the logits are left
 * @param translated whether an affine map comes before all else
 * @param adapters that of `lm_head.dense`, where it has one
 */
export function headGraph(
  config: Esm2Config,
  chosenRows = false,
  normalised = false,
  translated = false,
  adapters?: AdapterForms,
): Graph {
  const g = new Graph("head"), { dModel } = config;
  let x = g.input("x", "float32", ["N", dModel]);
  if (chosenRows) x = op.gatherRows(g, x, g.input("rows", "float32", ["R"]));
  if (translated) {
    const matrix = g.input("translator.matrix", "float32", [dModel, dModel]);
    x = translate(g, x, matrix, g.input("translator.bias", "float32", [dModel]));
  }
  const rows = x.shape[0] as string;
  const weight = inputsOnDemand(g, (name: HeadParameter) => {
    const [, part] = /\.(lora_.+)$/.exec(name) ?? [];
    return part
      ? adapterShape(part as "lora_A", [dModel, dModel], adapters!["lm_head.dense"]!, rows)
      : headWeightShape(name as HeadWeight, config);
  });
  if (normalised) {
    g.output("logits", lmHead(g, x, weight, adapters));
    return g;
  }
  const out = head(g, x, weight, adapters);
  g.output("logits", out.logits);
  g.output("normalised", out.normalised);
  return g;
}
