/** Decoding sparse latents back to the residual stream. */
export { sparseDecode } from "./twin.ts";
export { type Decoder, type LatentRows, rowsOfTop } from "./types.ts";
