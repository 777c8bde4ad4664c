/**
 * The whole model as one ONNX graph with its weights inside, as an exported model would be.
 *
 * The engine does not need it; it is the yardstick that the block-by-block engine is measured against.
 */
import type { Checkpoint } from "../checkpoint/mod.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import {
  block,
  type BlockVariant,
  type BlockWeight,
  type BlockWeights,
  blockWeightShape,
} from "./block.ts";
import { head, type HeadWeight, headWeightShape } from "./head.ts";
import { loadWeightArrays } from "./weights.ts";

/** Graph x f32[N, D] → logits f32[N, 33] (, attention of every layer) for a batch without padding. */
export async function wholeGraph(
  checkpoint: Checkpoint,
  batch: number,
  withAttention: boolean,
): Promise<Graph> {
  const { config } = checkpoint;
  const variant: BlockVariant = { config, batch, padded: false };
  const g = new Graph("whole");
  g.symbols.define("N", [batch, "T"]);
  let x: Value = g.input("x", "float32", ["N", config.dModel]);
  const table = (name: string) => g.input(name, "float32", [batch, "T", config.headDim / 2]);
  const rotary = {
    queryCos: table("query_cos"),
    querySin: table("query_sin"),
    keyCos: table("key_cos"),
    keySin: table("key_sin"),
  };
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
  return g;
}
