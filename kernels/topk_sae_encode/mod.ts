/** Encoding tokens with a sparse autoencoder: normalise, project, keep the k largest. */
export {
  type EncoderTensors,
  type EncodeTensors,
  type PreActTensors,
  TopkSaeEncode,
} from "./gpu.ts";
export { saeEncodeGraph } from "./graph.ts";
export { selectSparse, selectTopK } from "./select.ts";
export { reluToSparse, toSparse } from "./sparse.ts";
export { ENCODE, type EncodeLanes } from "./steps.ts";
export { type CentredTokens, centreTokens, encodeProduct, topkSaeEncode } from "./twin.ts";
export {
  type Encoder,
  type EncodeShape,
  EPSILON,
  type Normalisation,
  type SparseLatents,
  type TokenScale,
  type TopLatents,
} from "./types.ts";
