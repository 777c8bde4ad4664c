/**
 * What sae_mutation_effect computes, written from its description in double precision: ESM-2 block by
 * block, the autoencoder, and after it every token alone. Nothing of the library computes here.
 */
import type { Checkpoint } from "../lib/checkpoint/mod.ts";
import type { Sae } from "../lib/sae/types.ts";

type Vector = Float64Array;

const ALPHABET = "LAGVSERTIDPKQNFYMHWCXBUZO";
/** Token of a letter; `<cls>` is 0, `<eos>` 2. */
export const tokenOfLetter = (letter: string) => 4 + ALPHABET.indexOf(letter);

/** erf by its series, and for large |x| by the continued fraction of erfc. */
function erf(x: number): number {
  if (Math.abs(x) > 3) {
    let fraction = 0;
    for (let n = 60; n >= 1; n--) fraction = n / 2 / (Math.abs(x) + fraction);
    return Math.sign(x) *
      (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (Math.abs(x) + fraction));
  }
  let term = x, sum = x;
  for (let n = 1; n < 100; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

const gelu = (x: Vector) => x.map((v) => v * (1 + erf(v / Math.SQRT2)) / 2);

export class ReferenceModel {
  private constructor(
    readonly checkpoint: Checkpoint,
    readonly weights: Map<string, Float32Array>,
  ) {}

  static async open(checkpoint: Checkpoint): Promise<ReferenceModel> {
    const names = [
      "embed_tokens.weight",
      "layers.0.self_attn.rot_emb.inv_freq",
      ...["emb_layer_norm_after", "lm_head.dense", "lm_head.layer_norm"].flatMap((name) =>
        [".weight", ".bias"].map((kind) => name + kind)
      ),
      "lm_head.bias",
    ];
    for (let layer = 0; layer < checkpoint.config.layers; layer++) {
      for (const part of ["self_attn_layer_norm", "final_layer_norm", "fc1", "fc2"]) {
        names.push(`layers.${layer}.${part}.weight`, `layers.${layer}.${part}.bias`);
      }
      for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
        names.push(
          `layers.${layer}.self_attn.${part}.weight`,
          `layers.${layer}.self_attn.${part}.bias`,
        );
      }
    }
    const weights = new Map<string, Float32Array>();
    for (const name of names) weights.set(name, await checkpoint.read(name as never));
    return new ReferenceModel(checkpoint, weights);
  }

  /** The residual stream after some blocks, a vector per token. @param masked a token that is masked */
  hidden(residues: string, depth: number, masked?: number): Vector[] {
    const { dModel } = this.checkpoint.config, table = this.weights.get("embed_tokens.weight")!;
    const tokens = [0, ...Array.from(residues, tokenOfLetter), 2];
    // Token dropout: what is masked is zero, and the rest is scaled by 0.88 / (1 − share masked).
    const factor = 0.88 / (1 - (masked === undefined ? 0 : 1 / tokens.length));
    let x: Vector[] = tokens.map((t, i) =>
      Float64Array.from(
        table.subarray(t * dModel, (t + 1) * dModel),
        (v) => i === masked ? 0 : v * factor,
      )
    );
    for (let layer = 0; layer < depth; layer++) x = this.block(layer, x);
    return x;
  }

  /** One block on a sequence. */
  block(layer: number, x: readonly Vector[]): Vector[] {
    const { heads, headDim, dModel } = this.checkpoint.config, at = `layers.${layer}`;
    const normed = x.map((v) => this.#norm(`${at}.self_attn_layer_norm`, v));
    const project = (part: string) => normed.map((v) => this.#linear(`${at}.self_attn.${part}`, v));
    const turn = (v: Vector, position: number) => this.#rotate(v, position);
    const q = project("q_proj").map(turn), k = project("k_proj").map(turn), v = project("v_proj");
    const mixed = x.map(() => new Float64Array(dModel));
    for (let h = 0; h < heads; h++) {
      const begin = h * headDim, end = begin + headDim;
      q.forEach((query, i) => {
        const scores = k.map((key) => {
          let sum = 0;
          for (let d = begin; d < end; d++) sum += query[d] * key[d];
          return sum / Math.sqrt(headDim);
        });
        const largest = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - largest));
        const total = powers.reduce((a, b) => a + b, 0);
        powers.forEach((power, j) => {
          for (let d = begin; d < end; d++) mixed[i][d] += power / total * v[j][d];
        });
      });
    }
    return x.map((before, i) => {
      const attended = this.#linear(`${at}.self_attn.out_proj`, mixed[i]);
      const middle = before.map((value, d) => value + attended[d]);
      const inner = gelu(this.#linear(`${at}.fc1`, this.#norm(`${at}.final_layer_norm`, middle)));
      const added = this.#linear(`${at}.fc2`, inner);
      return middle.map((value, d) => value + added[d]);
    });
  }

  /** 33 logits of one token. */
  logits(x: Vector): Vector {
    const dense = gelu(this.#linear("lm_head.dense", this.#norm("emb_layer_norm_after", x)));
    const normed = this.#norm("lm_head.layer_norm", dense);
    return this.#product(
      this.weights.get("embed_tokens.weight")!,
      this.weights.get("lm_head.bias")!,
      normed,
    );
  }

  /** Logits of one token that has run alone through the blocks from `depth` on. */
  alone(x: Vector, depth: number): Vector {
    let sequence = [x];
    for (let layer = depth; layer < this.checkpoint.config.layers; layer++) {
      sequence = this.block(layer, sequence);
    }
    return this.logits(sequence[0]);
  }

  #rotate(v: Vector, position: number): Vector {
    const { heads, headDim } = this.checkpoint.config, half = headDim / 2;
    const frequencies = this.weights.get("layers.0.self_attn.rot_emb.inv_freq")!;
    const out = v.slice();
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < half; i++) {
        const a = h * headDim + i, b = a + half, angle = position * frequencies[i];
        out[a] = v[a] * Math.cos(angle) - v[b] * Math.sin(angle);
        out[b] = v[b] * Math.cos(angle) + v[a] * Math.sin(angle);
      }
    }
    return out;
  }

  #norm(name: string, x: Vector): Vector {
    const weight = this.weights.get(`${name}.weight`)!, bias = this.weights.get(`${name}.bias`)!;
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
    return x.map((v, d) => (v - mean) / Math.sqrt(variance + 1e-5) * weight[d] + bias[d]);
  }

  #linear(name: string, x: Vector): Vector {
    return this.#product(
      this.weights.get(`${name}.weight`)!,
      this.weights.get(`${name}.bias`)!,
      x,
    );
  }

  #product(weight: Float32Array, bias: Float32Array, x: Vector): Vector {
    return Float64Array.from(bias, (start, o) => {
      let sum = start;
      for (let d = 0; d < x.length; d++) sum += weight[o * x.length + d] * x[d];
      return sum;
    });
  }
}

/** InterProt's autoencoder. */
export class ReferenceSae {
  constructor(readonly sae: Sae, readonly k: number) {}

  encode(x: Vector): { preActs: Vector; mean: number; std: number } {
    const { wEnc, bEnc, bPre, config: { latents } } = this.sae;
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const std = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (x.length - 1));
    const input = x.map((v, d) => (v - mean) / (std + 1e-5) - bPre[d]);
    const preActs = Float64Array.from(bEnc, (bias, j) => {
      let sum = bias;
      for (let d = 0; d < x.length; d++) sum += input[d] * wEnc[d * latents + j];
      return sum;
    });
    return { preActs, mean, std };
  }

  /** The k largest, by number, and how far the last of them is from the next. */
  top(preActs: Vector): { chosen: number[]; gap: number } {
    const order = Array.from(preActs.keys()).sort((a, b) => preActs[b] - preActs[a]);
    return {
      chosen: order.slice(0, this.k),
      gap: preActs[order[this.k - 1]] - preActs[order[this.k]],
    };
  }

  /** @param extra added to the activation of one latent, chosen or not */
  decode(
    preActs: Vector,
    { mean, std }: { mean: number; std: number },
    extra?: { latent: number; amount: number },
  ): Vector {
    const { wDec, bPre } = this.sae, sum = Float64Array.from(bPre);
    const add = (latent: number, z: number) => {
      for (let d = 0; d < sum.length; d++) sum[d] += z * wDec[latent * sum.length + d];
    };
    for (const latent of this.top(preActs).chosen) add(latent, Math.max(0, preActs[latent]));
    if (extra) add(extra.latent, extra.amount);
    return sum.map((v) => v * std + mean);
  }
}
