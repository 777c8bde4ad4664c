/**
 * The analysis kernels: WGSL with a TypeScript twin each, the same numbers from both.
 *
 * Letters of shapes: B batch, H heads, T tokens, N = B·T tokens of a batch, L residues, D width of the
 * residual stream, F latents, k latents kept of a token.
 *
 * @example The three largest pre-activations of a token
 * ```ts
 * import { selectTopK } from "./mod.ts";
 *
 * const preActs = Float32Array.of(0.5, -1, 2, 0.25, 1);
 * const { topIndices, topActs } = selectTopK(preActs, 1, 5, 3);
 * if (topIndices.join() !== "2,4,0" || topActs[0] !== 2) throw new Error("not the largest");
 * ```
 *
 * @example The same sets of random sites on every device
 * ```ts
 * import { drawSiteSets } from "./mod.ts";
 *
 * const sets = drawSiteSets({
 *   columns: 100,
 *   sites: Uint32Array.of(3, 40),
 *   mode: "uniform",
 *   trials: 10,
 *   seed: 1,
 * });
 * if (sets.length !== 20) throw new Error("two sites of ten sets");
 * ```
 *
 * @module
 */
export {
  type AdamNumbers,
  adamNumbers,
  type AdamSettings,
  type AdamStep,
  AdamW,
  adamwStep,
  type AdamwTensors,
  addOnto,
  averageStep,
  BLOCK,
  clipFactor,
  DECAYS,
  type Floats,
  MOVES,
  squareSum,
} from "./adamw/mod.ts";
export {
  ApcContacts,
  apcContacts,
  type ApcScratch,
  type ApcTile,
  type ResidueRanges,
} from "./apc_contacts/mod.ts";
export {
  AttentionColumnMass,
  type ColumnMass,
  columnMass,
  type ColumnMassTensors,
  type ColumnMassTile,
  type Pattern,
  type PatternShape,
} from "./attention_column_mass/mod.ts";
export {
  accumulateGradients,
  attributeErrors,
  attributeLatents,
  type IgLanes,
  IgStep,
  interpolateStreams,
  latentGradients,
  type LatentPairs,
  pairLatents,
  type PairTensors,
} from "./ig_step/mod.ts";
export {
  JacobianNorm,
  jacobianNorms,
  type JacobianPairs,
  type MeanTensors,
} from "./jacobian_norm/mod.ts";
export { muonMomentum, type MuonNumbers, muonNumbers, MuonStep, muonTurn } from "./muon/mod.ts";
export { philox4x32, type PhiloxKey, philoxKey, PhiloxStream } from "./philox/mod.ts";
export { PoolRows, poolRows, type RowPool, type RowRange } from "./pool_rows/mod.ts";
export {
  drawSiteSets,
  type ExactNull,
  exactNull,
  readSiteBaseline,
  type SiteBaseline,
  siteBaseline,
  type SiteBaselineInputs,
  SiteBaselineKernel,
  type SiteBaselineTensors,
  SiteSampler,
  type SiteSetMode,
  type SiteSetOptions,
  type SiteSetTensors,
  validStarts,
} from "./site_baseline/mod.ts";
export {
  type Decoder,
  type DecoderTensors,
  type LatentRows,
  type LatentTensors,
  SparseDecode,
  sparseDecode,
} from "./sparse_decode/mod.ts";
export { type Logits, TokenLogProbs, tokenLogProbs } from "./token_log_probs/mod.ts";
export {
  type CentredTokens,
  centreTokens,
  type EncodeLanes,
  type Encoder,
  type EncoderTensors,
  type EncodeTensors,
  type Normalisation,
  type PreActTensors,
  reluToSparse,
  selectSparse,
  selectTopK,
  type SparseLatents,
  type TokenScale,
  TopkSaeEncode,
  topkSaeEncode,
  type TopLatents,
  toSparse,
} from "./topk_sae_encode/mod.ts";
