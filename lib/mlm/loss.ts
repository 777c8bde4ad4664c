/** The loss of masked language modelling, and its gradient with respect to every weight. */
import type { Tensor } from "../backend/types.ts";
import { TOKENS } from "../esm2/alphabet.ts";
import { BLOCK_WEIGHTS } from "../esm2/block.ts";
import { HEAD_WEIGHTS, type HeadWeight } from "../esm2/head.ts";
import type { Esm2, TokenBatch, WeightGradients } from "../esm2/mod.ts";
import { storedName } from "../esm2/trainable.ts";
import { Graph } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { IGNORED } from "./corrupt.ts";

const VOCABULARY = TOKENS.length;

/** Rows of [B·T] that are asked for. */
export const askedRows = (labels: ArrayLike<number>): number[] =>
  Array.from({ length: labels.length }, (_, i) => i).filter((i) => labels[i] !== IGNORED);

/**
 * −log p of each asked row in nats, f64[R], and dS/d(logits) of S = scale · Σ −log p in place of the
 * logits f32[R, 33].
 */
export function crossEntropy(
  logits: Float32Array,
  labels: readonly number[],
  scale: number,
): Float64Array {
  return Float64Array.from(labels, (label, r) => {
    const own = logits.subarray(r * VOCABULARY, (r + 1) * VOCABULARY);
    let largest = -Infinity, sum = 0;
    for (const x of own) largest = Math.max(largest, x);
    for (const x of own) sum += Math.exp(x - largest);
    const loss = largest + Math.log(sum) - own[label];
    for (let t = 0; t < VOCABULARY; t++) {
      own[t] = scale * (Math.exp(own[t] - largest) / sum - Number(t === label));
    }
    return loss;
  });
}

/** Gradients of every weight are wanted. */
const ALL_WEIGHTS: Omit<WeightGradients, "visit"> = {
  wants: () => BLOCK_WEIGHTS,
  wantsHead: () => HEAD_WEIGHTS,
  wantsEmbedding: () => true,
};

/** What {@linkcode addGradients} found; whoever asked disposes of the tensor. */
export interface BatchLoss {
  /** −log p of the asked tokens in nats f32[R], R at least their number: those behind them are nothing's. */
  readonly losses: Tensor;
  /** Tokens that were asked for. */
  readonly asked: number;
}

/** Where gradients are added up, by the names of weights. */
export interface GradientSink {
  /** @param gradients valid until it returns */
  add(gradients: Readonly<Record<string, Tensor>>): void | Promise<void>;
}

/** Σ −log p of what {@linkcode addGradients} found, of its values. */
export const lossOf = (losses: Float32Array, asked: number): number =>
  losses.subarray(0, asked).reduce((sum, loss) => sum + loss, 0);

/**
 * Adds the gradient of `scale` · Σ −log p over the asked tokens of a batch to sums by the weights' names.
 * The embedding's is the sum of what its rows looked up and what the decoder read; `<mask>` (under token
 * dropout) and `<pad>` are looked up as zeros. On a GPU nothing is read back.
 *
 * @param labels [B·T], {@linkcode IGNORED} where nothing is asked
 * @param trained whose gradients are wanted, by default of all weights
 * @returns nothing where nothing is asked
 */
export async function addGradients(
  esm: Esm2,
  batch: TokenBatch,
  labels: ArrayLike<number>,
  scale: number,
  into: GradientSink,
  trained: Omit<WeightGradients, "visit"> = ALL_WEIGHTS,
): Promise<BatchLoss | undefined> {
  const asked = askedRows(labels), wanted = asked.map((row) => labels[row]);
  if (asked.length === 0) return undefined;
  // A graph of few shapes: rows that are asked for nothing fill the last of them.
  const count = esm.backend.gpu ? Math.ceil(asked.length / ROWS) * ROWS : asked.length;
  const rows = Array.from({ length: count }, (_, i) => asked[i] ?? asked[0]);
  let losses: Tensor | undefined;
  try {
    using _ = await esm.gradient(batch, {
      rows,
      wrt: [],
      async cotangent(logits) {
        const found = await slopesOf(esm, logits, wanted, scale);
        losses = found.losses;
        return found.slopes;
      },
      weights: {
        ...trained,
        async visit(layer, tensors) {
          const nameOf = (name: string) =>
            typeof layer === "number"
              ? `layers.${layer}.${name}`
              : layer === "head"
              ? storedName(name as HeadWeight)
              : name;
          await into.add(
            Object.fromEntries(
              Object.entries(tensors).map(([name, tensor]) => [nameOf(name), tensor]),
            ),
          );
        },
      },
    });
  } catch (error) {
    losses?.[Symbol.dispose]();
    throw error;
  }
  return { losses: losses!, asked: asked.length };
}

/** Rows of the logits are as many as a multiple of this on a GPU. */
const ROWS = 64;

/** −log p of each wanted token f32[R], and dS/d(logits) f32[R, 33] of S = scale · Σ of them. */
async function slopesOf(
  esm: Esm2,
  logits: Tensor,
  wanted: readonly number[],
  scale: number,
): Promise<{ losses: Tensor; slopes: Tensor }> {
  const { backend } = esm, [count] = logits.shape, host = logits.peek();
  if (host) {
    const slopes = host.slice(), losses = Float32Array.from(crossEntropy(slopes, wanted, scale));
    return {
      losses: backend.upload("losses", [count], losses),
      slopes: backend.upload("slopes", [count, VOCABULARY], slopes),
    };
  }
  const targets = new Float32Array(count * VOCABULARY), weights = new Float32Array(count);
  wanted.forEach((token, r) => targets[r * VOCABULARY + token] = 1);
  using own = backend.upload("targets", [count, VOCABULARY], targets);
  using weight = backend.upload("weights", [count, 1], weights.fill(scale, 0, wanted.length));
  const program = await esm.compiled(lossGraph);
  const shapes = { losses: [count, 1], slopes: [count, VOCABULARY] };
  const found = await program.run({ logits, targets: own, weights: weight }, shapes);
  return { losses: found.losses, slopes: found.slopes };
}

/** The same as a graph: logits, targets f32[R, 33] of ones, weights f32[R, 1] → losses f32[R, 1], slopes. */
function lossGraph(): Graph {
  const g = new Graph("cross_entropy"), shape = ["R", VOCABULARY];
  const logits = g.input("logits", "float32", shape);
  const targets = g.input("targets", "float32", shape);
  const weights = g.input("weights", "float32", ["R", 1]);
  const largest = op.reduceMax(g, logits, [1]);
  const shares = op.exp(g, op.sub(g, logits, largest)), sum = op.reduceSum(g, shares, [1]);
  const own = op.reduceSum(g, op.mul(g, logits, targets), [1]);
  g.output("losses", op.sub(g, op.add(g, op.log(g, sum), largest), own));
  const p = op.mul(g, shares, op.reciprocal(g, sum));
  g.output("slopes", op.mul(g, op.sub(g, p, targets), weights));
  return g;
}

/** −log p of each asked token in nats, and the token that is likeliest there; without gradients. */
export async function maskedLoss(
  esm: Esm2,
  batch: TokenBatch,
  labels: ArrayLike<number>,
): Promise<{ rows: number[]; losses: Float64Array; likeliest: Uint8Array }> {
  const rows = askedRows(labels);
  if (rows.length === 0) return { rows, losses: new Float64Array(), likeliest: new Uint8Array() };
  using result = await esm.run(batch, { head: { rows, alone: true } });
  const logits = await result.logits!.read();
  const likeliest = Uint8Array.from(rows, (_, r) => {
    const own = logits.subarray(r * VOCABULARY, (r + 1) * VOCABULARY);
    return own.indexOf(Math.max(...own));
  });
  return { rows, likeliest, losses: crossEntropy(logits, rows.map((row) => labels[row]), 0) };
}
