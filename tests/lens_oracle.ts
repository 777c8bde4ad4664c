/** ESM-2's head in double precision, apart from the library. */
import type { Checkpoint } from "../lib/checkpoint/mod.ts";

/** The error function by its series, and far out by its continued fraction; apart from that of the library. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 2.5) {
    let tail = 0;
    for (let k = 80; k > 0; k--) tail = k / 2 / (a + tail);
    return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + tail));
  }
  let term = a, sum = a;
  for (let n = 1; n < 100; n++) {
    term *= -a * a / n;
    sum += term / (2 * n + 1);
  }
  return Math.sign(x) * 2 / Math.sqrt(Math.PI) * sum;
}

export function layerNorm(x: number[], w: Float32Array, b: Float32Array): number[] {
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  const variance = x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length;
  return x.map((v, i) => (v - mean) / Math.sqrt(variance + 1e-5) * w[i] + b[i]);
}

/** w · x + b */
export const linear = (x: number[], w: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(b, (bias: number, o) => x.reduce((s, v, i) => s + v * w[o * x.length + i], bias));

/** The head of a model: after the final LayerNorm, and with it. */
export async function headOf(checkpoint: Checkpoint) {
  const read = (name: Parameters<Checkpoint["read"]>[0]) => checkpoint.read(name);
  const normW = await read("emb_layer_norm_after.weight");
  const normB = await read("emb_layer_norm_after.bias");
  const denseW = await read("lm_head.dense.weight"), denseB = await read("lm_head.dense.bias");
  const ownW = await read("lm_head.layer_norm.weight");
  const ownB = await read("lm_head.layer_norm.bias");
  const outW = await read("embed_tokens.weight"), outB = await read("lm_head.bias");
  const decode = (normalised: number[]) => {
    const y = linear(normalised, denseW, denseB).map((v) => v / 2 * (1 + erf(v / Math.SQRT2)));
    return linear(layerNorm(y, ownW, ownB), outW, outB);
  };
  return { decode, head: (x: number[]) => decode(layerNorm(x, normW, normB)) };
}

export function logSoftmax(x: number[]): number[] {
  const most = Math.max(...x);
  const log = most + Math.log(x.reduce((s, v) => s + Math.exp(v - most), 0));
  return x.map((v) => v - log);
}
