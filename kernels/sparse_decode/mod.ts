/** Decoding sparse latents back to the residual stream. */
export { type DecoderTensors, type LatentTensors, SPARSE_DECODE, SparseDecode } from "./gpu.ts";
export { sparseDecode } from "./twin.ts";
export { type Decoder, type LatentRows, rowsOfTop } from "./types.ts";
