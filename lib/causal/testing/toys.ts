/** Small made-up autoencoders and captures for tests. */
import type { Backend, Tensor } from "../../backend/types.ts";
import type { Sae } from "../../sae/types.ts";
import type { GradientOptions, TailGradient } from "../gradients.ts";
import { LatentSpace } from "../latent_space.ts";
import type { Capture } from "../types.ts";

/** Values without pattern, the same every time. */
export const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 2);

export function toySpace(dModel: number, latents: number): LatentSpace {
  const sae: Sae = {
    config: {
      name: "toy",
      dModel,
      latents,
      depth: 1,
      afterFinalNorm: false,
      normalisation: "zscore",
      k: 2,
    },
    wEnc: noise(dModel * latents, 1),
    bEnc: noise(latents, 2),
    wDec: noise(dModel * latents, 3),
    bPre: noise(dModel, 4),
  };
  return new LatentSpace(sae);
}

/** A capture with the given active latents per token. */
export function toyCapture(
  { dModel, latents }: LatentSpace,
  active: readonly (readonly (readonly [latent: number, value: number])[])[],
  seed = 5,
): Capture {
  const offsets = Uint32Array.from(
    { length: active.length + 1 },
    (_, t) => active.slice(0, t).reduce((sum, row) => sum + row.length, 0),
  );
  return {
    ids: new Int32Array(active.length).fill(4),
    hidden: noise(active.length * dModel, seed),
    latents: {
      rows: active.length,
      latents,
      offsets,
      indices: Uint32Array.from(active.flatMap((row) => row.map(([latent]) => latent))),
      values: Float32Array.from(active.flatMap((row) => row.map(([, value]) => value))),
    },
    scale: {
      mean: noise(active.length, 6),
      std: noise(active.length, 7).map((value) => Math.abs(value) + 1),
    },
  };
}

export function hostTensor(label: string, shape: readonly number[], data: Float32Array): Tensor {
  return {
    label,
    shape,
    data,
    sizeBytes: data.byteLength,
    read: () => Promise.resolve(data.slice()),
    peek: () => data,
    keep: () => hostTensor(label, shape, data.slice()),
    [Symbol.dispose]() {},
  };
}

/** Three tokens a sequence, four sequences a batch, tensors without a device. */
export const hostOptions: GradientOptions = {
  tokenBudget: 12,
  backend: { upload: hostTensor } as unknown as Backend,
};

/** A tail whose metric's gradient is a function of the stream, f32[B·T, D] each; logits are zero. */
export function toyTail(gradient: (hidden: Float32Array) => Float32Array): TailGradient {
  return {
    run(_batch, hidden, rows, cotangent) {
      if (typeof cotangent === "function") cotangent(new Float32Array(rows.length * 33));
      return Promise.resolve(hostTensor("gradient", hidden.shape, gradient(hidden.data!)));
    },
  };
}
