/**
 * The whole model as one ONNX graph with its weights inside, as an exported model would be.
 *
 * The engine does not need it; it is the yardstick that the block-by-block engine is measured against.
 */
import type { Checkpoint } from "../checkpoint/mod.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { TOKENS } from "./alphabet.ts";
import {
  block,
  type BlockVariant,
  type BlockWeight,
  type BlockWeights,
  blockWeightShape,
  type RotaryValues,
} from "./block.ts";
import { head, type HeadWeight, headWeightShape } from "./head.ts";
import { dropoutScale, rotaryTables } from "./inputs.ts";
import { loadWeightArrays } from "./weights.ts";

/** Graph x f32[N, D], rotary tables → logits f32[N, 33] (, attention of every layer) without padding. */
export async function wholeGraph(
  checkpoint: Checkpoint,
  batch: number,
  withAttention: boolean,
): Promise<Graph> {
  const { dModel, headDim } = checkpoint.config, g = newGraph(batch);
  const x = g.input("x", "float32", ["N", dModel]);
  const table = (name: string) => g.input(name, "float32", [batch, "T", headDim / 2]);
  const rotary = {
    queryCos: table("query_cos"),
    querySin: table("query_sin"),
    keyCos: table("key_cos"),
    keySin: table("key_sin"),
  };
  await addModel(g, x, rotary, { checkpoint, batch, withAttention });
  return g;
}

/**
 * Graph input_ids i64[B, T] → logits f32[N, 33], as programs that feed tokens take it: for batches without
 * padding and `<mask>`, of up to so many tokens a sequence.
 */
export async function wholeGraphOfIds(
  checkpoint: Checkpoint,
  batch: number,
  mostTokens: number,
): Promise<Graph> {
  const { dModel, headDim, tokenDropout } = checkpoint.config, g = newGraph(batch);
  const ids = g.input("input_ids", "int64", [batch, "T"]);
  const embedding = g.initializer(
    "embed_tokens.weight",
    [TOKENS.length, dModel],
    await checkpoint.read("embed_tokens.weight"),
  );
  const found = g.node({
    ...{ op: "Gather", inputs: [embedding, ids], dtype: "float32", shape: [batch, "T", dModel] },
    label: "embedding",
  });
  const scale = g.scalar(dropoutScale(new Int32Array(1), 1, tokenDropout));
  const x = op.mul(g, op.reshape(g, found, ["N", dModel], "rows"), scale, "token_dropout");
  const extents = g.node({ op: "Shape", inputs: [ids], dtype: "int64", shape: [2] });
  const tokens = op.slice(g, extents, 0, 1, 2, "tokens"), half = headDim / 2;
  const shape = g.node({
    ...{ op: "Concat", inputs: [g.int64([batch]), tokens, g.int64([half])], dtype: "int64" },
    ...{ shape: [3], attributes: { axis: { kind: "int", value: 0 } }, label: "table_shape" },
  });
  const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
  const tables = rotaryTables(invFreq, 1, mostTokens);
  const cut = (name: keyof RotaryValues) => {
    const all = g.initializer(name, [mostTokens, half], tables[name]);
    const rows = g.node({
      ...{ op: "Slice", inputs: [all, g.int64([0]), tokens], dtype: "float32" },
      ...{ shape: ["T", half], label: `${name}/rows` },
    });
    return g.node({
      ...{ op: "Expand", inputs: [rows, shape], dtype: "float32", shape: [batch, "T", half] },
      label: `${name}/table`,
    });
  };
  const rotary: RotaryValues = {
    ...{ queryCos: cut("queryCos"), querySin: cut("querySin") },
    ...{ keyCos: cut("keyCos"), keySin: cut("keySin") },
  };
  await addModel(g, x, rotary, { checkpoint, batch, withAttention: false });
  return g;
}

function newGraph(batch: number): Graph {
  const g = new Graph("whole");
  g.symbols.define("N", [batch, "T"]);
  return g;
}

/** All blocks and the head, their weights stored in the graph. */
async function addModel(
  g: Graph,
  x: Value,
  rotary: RotaryValues,
  { checkpoint, batch, withAttention }: {
    checkpoint: Checkpoint;
    batch: number;
    withAttention: boolean;
  },
): Promise<void> {
  const { config } = checkpoint, variant: BlockVariant = { config, batch, padded: false };
  for (let layer = 0; layer < config.layers; layer++) {
    const arrays = await loadWeightArrays(checkpoint, layer);
    const weight: BlockWeights = (name) => {
      const shape = blockWeightShape(name as BlockWeight, config);
      return g.initializer(`layers.${layer}.${name}`, shape, arrays[name as BlockWeight]);
    };
    const out = g.scope(`layer ${layer}`, () => block(g, x, weight, rotary, undefined, variant));
    x = out.hidden;
    if (withAttention) g.output(`attention_${layer}`, out.attention);
  }
  const arrays = await loadWeightArrays(checkpoint, "head");
  const { logits } = head(
    g,
    x,
    (name) =>
      g.initializer(
        name,
        headWeightShape(name as HeadWeight, config),
        arrays[name as HeadWeight],
      ),
  );
  g.output("logits", logits);
}
