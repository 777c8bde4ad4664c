/** The analysis kernels: WGSL with a TypeScript twin each. */
export { ApcContacts, apcContacts } from "./apc_contacts/mod.ts";
export * from "./attention_column_mass/mod.ts";
export {
  accumulateGradients,
  attributeErrors,
  attributeLatents,
  IgStep,
  interpolateStreams,
  latentGradients,
  type LatentPairs,
  pairLatents,
} from "./ig_step/mod.ts";
export { JacobianNorm, jacobianNorms, type JacobianPairs } from "./jacobian_norm/mod.ts";
export * from "./philox/mod.ts";
export * from "./site_baseline/mod.ts";
export { SparseDecode, sparseDecode } from "./sparse_decode/mod.ts";
export { TokenLogProbs, tokenLogProbs } from "./token_log_probs/mod.ts";
export {
  reluToSparse,
  saeEncodeGraph,
  selectSparse,
  selectTopK,
  TopkSaeEncode,
  toSparse,
} from "./topk_sae_encode/mod.ts";
