/**
 * Rotary frequencies 10000^(−2i/headDim) as ESM-2 checkpoints store them: computed in float32, rounded
 * to half precision (the models were trained in it) and widened again. f32[headDim / 2]
 */
export function computeInvFreq(headDim: number): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const power = Math.fround(10000 ** Math.fround(2 * i / headDim));
    return Math.f16round(Math.fround(1 / power));
  });
}
