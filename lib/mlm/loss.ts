/** The loss of masked language modelling, and its gradient with respect to every weight. */
import { MASK, PAD, TOKENS } from "../esm2/alphabet.ts";
import { BLOCK_WEIGHTS } from "../esm2/block.ts";
import { HEAD_WEIGHTS } from "../esm2/head.ts";
import { dropoutScale } from "../esm2/inputs.ts";
import type { Esm2, TokenBatch } from "../esm2/mod.ts";
import { EMBEDDING, storedName, type WeightArrays } from "../esm2/trainable.ts";
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

/** What {@linkcode addGradients} found. */
export interface BatchLoss {
  /** Σ −log p over the asked tokens, nats. */
  readonly loss: number;
  /** Tokens that were asked for. */
  readonly asked: number;
}

/**
 * Adds the gradient of `scale` · Σ −log p over the asked tokens of a batch to arrays of the weights'
 * names. The embedding's is the sum of what its rows looked up and what the decoder read; `<mask>` (under
 * token dropout) and `<pad>` are looked up as zeros.
 *
 * @param labels [B·T], {@linkcode IGNORED} where nothing is asked
 */
export async function addGradients(
  esm: Esm2,
  batch: TokenBatch,
  labels: ArrayLike<number>,
  scale: number,
  into: WeightArrays,
): Promise<BatchLoss> {
  const { backend, config: { dModel, tokenDropout } } = esm, rows = askedRows(labels);
  if (rows.length === 0) return { loss: 0, asked: 0 };
  let loss = 0;
  const add = (name: string, values: Float32Array) => {
    const sum = into[name] ??= new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) sum[i] += values[i];
  };
  using found = await esm.gradient(batch, {
    rows,
    wrt: 0,
    async cotangent(logits) {
      const slopes = await logits.read();
      for (const own of crossEntropy(slopes, rows.map((row) => labels[row]), scale)) loss += own;
      return backend.upload("slopes", [rows.length, VOCABULARY], slopes);
    },
    weights: {
      wants: () => BLOCK_WEIGHTS,
      wantsHead: () => HEAD_WEIGHTS,
      async visit(layer, tensors) {
        // A GPU answers reads that are asked for together in the time of one.
        const arrays = await Promise.all(
          Object.values(tensors).map((tensor) => tensor.peek() ?? tensor.read()),
        );
        for (const [i, name] of Object.keys(tensors).entries()) {
          const key = layer === "head"
            ? storedName(name as "lm_head.weight")
            : `layers.${layer}.${name}`;
          add(key, arrays[i]);
        }
      },
    },
  });
  const slope = await found.gradients.get(0)!.read(), embedding = into[EMBEDDING];
  for (let b = 0; b < batch.size; b++) {
    const ids = batch.ids.subarray(b * batch.width, (b + 1) * batch.width);
    const factor = dropoutScale(ids, batch.lengths[b], tokenDropout);
    ids.forEach((id, t) => {
      if (id === PAD || tokenDropout && id === MASK) return;
      const at = (b * batch.width + t) * dModel;
      for (let d = 0; d < dModel; d++) embedding[id * dModel + d] += factor * slope[at + d];
    });
  }
  return { loss, asked: rows.length };
}

/** −log p of each asked token in nats, and the token that is likeliest there; without gradients. */
export async function maskedLoss(
  esm: Esm2,
  batch: TokenBatch,
  labels: ArrayLike<number>,
): Promise<{ rows: number[]; losses: Float64Array; likeliest: Uint8Array }> {
  const rows = askedRows(labels);
  if (rows.length === 0) return { rows, losses: new Float64Array(), likeliest: new Uint8Array() };
  using result = await esm.run(batch, { head: { rows } });
  const logits = await result.logits!.read();
  const likeliest = Uint8Array.from(rows, (_, r) => {
    const own = logits.subarray(r * VOCABULARY, (r + 1) * VOCABULARY);
    return own.indexOf(Math.max(...own));
  });
  return { rows, likeliest, losses: crossEntropy(logits, rows.map((row) => labels[row]), 0) };
}
