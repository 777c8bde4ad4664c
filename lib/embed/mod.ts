/**
 * Embeddings: states of any layers, pooled to a vector a protein or residue by residue.
 *
 * Layer n is the residual stream after n blocks, before the final LayerNorm; `last` is after it, which is
 * fair-esm's `representations[layers]` and Hugging Face's last hidden state. Vectors are f32[D], states of
 * residues f32[L, D] without `<cls>` and `<eos>`.
 *
 * @example Vectors of proteins
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2 } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { embed } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * const proteins = [
 *   { id: "trp-cage", residues: "NLYIQWLKDGGPSSGRPPPS" },
 *   { id: "chignolin", residues: "GYDPETGTWG" },
 * ];
 * for await (const { protein, vectors } of embed(esm, proteins, { places: [2, "last"], pools: ["mean"] })) {
 *   console.log(protein.id, vectors[0]); // of layer 2; vectors[1] is of `last`
 *   if (vectors.length !== 2 || vectors[0].length !== esm.config.dModel) throw new Error("no vector");
 * }
 * ```
 *
 * @module
 */
export {
  type EmbeddedRow,
  type EmbedOptions,
  type EmbedPlan,
  embedRows,
  LONG_CHOICES,
  type LongChoice,
} from "./embed.ts";
export { embed, type EmbeddedProtein } from "./stream.ts";
export {
  type Pool,
  pooledStreams,
  type PoolOptions,
  POOLS,
  TOKEN_POOLS,
  type TokenPool,
} from "./pool.ts";
export { type PoolHead, readPoolHead } from "./pool_head.ts";
export { layOut, MAP_METHODS, type MapMethod, type ProteinMap } from "./map/layout.ts";
export type { MapQuality } from "./map/quality.ts";
export type { LayoutOptions } from "./map/umap.ts";
export { nearestNeighbours, type Neighbours } from "./nearest.ts";
export { type Database, type Hit, searchVectors } from "./search.ts";
export type { Similarity } from "./similarity.ts";
export { cosine, type VectorTable } from "./vectors.ts";
