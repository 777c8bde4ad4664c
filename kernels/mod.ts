/** The analysis kernels: WGSL with a TypeScript twin each. */
export * from "./attention_column_mass/mod.ts";
export * from "./philox/mod.ts";
export * from "./site_baseline/mod.ts";
export { TokenLogProbs, tokenLogProbs } from "./token_log_probs/mod.ts";
