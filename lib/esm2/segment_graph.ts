/**
 * Several blocks as one ONNX graph with their weights inside, which onnxruntime lays out for its products
 * once, when the graph is opened. One graph serves batches of every size, padded or not, so that the weights
 * are there once.
 */
import type { LowPrecision } from "./precision.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import {
  attend,
  type BlockExtents,
  blockParameterShape,
  type BlockWeights,
  finish,
  mergeHeads,
  queriesKeysValuesOfRows,
  splitHeads,
} from "./block.ts";
import type { WeightConstants } from "./weights.ts";
import { head, type HeadWeight, headWeightShape } from "./head.ts";

/** Heads of a group between all of them and one, where attention is too large to be computed at a time. */
const FEW_HEADS = 4;

/** Blocks of a segment, and what comes after them. */
export interface Segment {
  /** First block. */
  readonly begin: number;
  /** Block after the last. */
  readonly end: number;
  /**
   * Whether the last block is finished for chosen rows only, and the head reads these: of whole batches all
   * rows are chosen.
   */
  readonly head: boolean;
}

/** What batches a segment's graph is for. */
export interface SegmentUse {
  /** Batches without padding: those of both kinds by a graph that chooses, which costs 70 µs a block. */
  readonly plain: boolean;
  /** Bytes of attention that are fastest computed at a time, where there is padding. */
  readonly fastBytes: number;
  /** Absent for single precision. */
  readonly precision?: LowPrecision;
}

/**
 * Graph x f32[N, D], tables, bias f32[B, 1, 1, T] of a use that is not plain (, rows f32[R]) → hidden
 * f32[N, D], with a head hidden and normalised f32[R, D] and logits f32[R, 33].
 */
export async function segmentGraph(
  config: Esm2Config,
  { begin, end, head: withHead }: Segment,
  weights: Pick<WeightConstants, "block" | "head">,
  { plain, fastBytes, precision }: SegmentUse,
): Promise<Graph> {
  const g = new Graph("segment"), variant: BlockExtents = { config, batch: "B", precision };
  g.symbols.define("N", ["B", "T"]);
  let x: Value = g.input("x", "float32", ["N", config.dModel]);
  const table = (name: string) => g.input(name, "float32", ["B", "T", config.headDim / 2]);
  const rotary = {
    queryCos: table("query_cos"),
    querySin: table("query_sin"),
    keyCos: table("key_cos"),
    keySin: table("key_sin"),
  };
  const rows = withHead ? g.input("rows", "float32", ["R"]) : undefined;
  g.extents.set("B", op.extent(g, rotary.keyCos, 0, "B"));
  g.extents.set("T", op.extent(g, rotary.keyCos, 1, "T"));
  const mix = plain
    ? (qkv: RowsOfHeads) => attendAll(g, qkv, config)
    : attentionOfAnyBatch(g, config, fastBytes);
  for (let layer = begin; layer < end; layer++) {
    const own = await weights.block(layer);
    const weight: BlockWeights = (name) => {
      const shape = blockParameterShape(name, variant) as number[];
      return g.initializer(`layers.${layer}.${name}`, shape, own[name]);
    };
    const chosen = layer === end - 1 ? rows : undefined;
    x = g.scope(`layer ${layer}`, () => {
      const qkv = queriesKeysValuesOfRows(g, x, weight, rotary, variant);
      return finish(g, x, mix(qkv), weight, variant, chosen);
    });
  }
  g.output("hidden", x);
  if (withHead) {
    const own = await weights.head();
    const { normalised, logits } = head(
      g,
      x,
      (name) =>
        g.initializer(name, headWeightShape(name as HeadWeight, config), own[name as HeadWeight]),
    );
    g.output("normalised", normalised);
    g.output("logits", logits);
  }
  return g;
}

/** Queries, keys and values f32[B, T, D]. */
type RowsOfHeads = [q: Value, k: Value, v: Value];

/** Mixed values f32[N, D] of sequences without padding. */
const attendAll = (g: Graph, qkv: RowsOfHeads, { heads, dModel }: Esm2Config): Value =>
  op.reshape(g, op.multiHeadAttention(g, qkv, heads, "mix"), ["N", dModel], "merged");

/**
 * What mixes the values by the attention, with no tensor of scores much larger than the cache: the graph
 * decides when it runs whether there is padding to hide, which onnxruntime's operator would do with all
 * scores in memory, and how many heads it attends with at a time then: every number is the same either way.
 */
function attentionOfAnyBatch(g: Graph, config: Esm2Config, fastBytes: number) {
  const { heads } = config;
  const bias = g.input("bias", "float32", ["B", 1, 1, "T"]);
  const hidden = op.reduceMax(g, op.neg(g, bias), [0, 3], "hidden_most");
  const padded = op.exceeds(g, hidden, g.scalar(0), "is_padded");
  const scores = op.countOf(g, ["B", "T", "T"].map((name) => g.extents.get(name)!), "scores");
  const groupings = [heads, Math.min(heads, FEW_HEADS), 1];
  const tooLarge = groupings.map((n) => {
    const most = Math.floor(fastBytes / Float32Array.BYTES_PER_ELEMENT / n);
    return op.exceeds(g, scores, g.int64([most]), "is_too_large");
  });
  const inGroups = (g: Graph, qkv: readonly Value[], size: number): Value => {
    if (size === heads) return attend(g, qkv, bias)[1];
    const parts: Value[] = [];
    for (let begin = 0; begin < heads; begin += size) {
      const end = Math.min(heads, begin + size);
      const own = qkv.map((value) => op.slice(g, value, 1, begin, end, `heads_${begin}`));
      parts.push(attend(g, own, bias)[1]);
    }
    return op.concat(g, parts, 1, "mixed_heads");
  };
  const atLevel = (g: Graph, qkv: readonly Value[], level: number): Value => {
    if (level === groupings.length - 1) return inGroups(g, qkv, groupings[level]);
    return op.choose(g, tooLarge[level], [
      (inner) => atLevel(inner, qkv, level + 1),
      (inner) => inGroups(inner, qkv, groupings[level]),
    ], "in_groups");
  };
  const hidingPadding = (g: Graph, qkv: RowsOfHeads): Value => {
    const byHead = qkv.map((rows, i) => splitHeads(g, rows, { config, batch: "B" }, "qkv"[i]));
    return mergeHeads(g, atLevel(g, byHead, 0), config);
  };
  return (qkv: RowsOfHeads): Value =>
    op.choose(g, padded, [
      (inner) => hidingPadding(inner, qkv),
      (inner) => attendAll(inner, qkv, config),
    ], "attention");
}
