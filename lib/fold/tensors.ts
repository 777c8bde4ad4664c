/** The tensors of an ESMFold model beside its language model's, by name and shape. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { FoldConfig } from "./config.ts";
import { ATOMS_37 } from "./constants.ts";

/** Residue types that the embedding knows, padding, unknown and mask among them. */
export const EMBEDDED_TYPES = 23;
/** Bins of the distogram and of the predicted aligned error. */
export const PAIR_BINS = 64;
/** Bins of the predicted lDDT. */
export const LDDT_BINS = 50;
/** Bins of the distances that are recycled. */
export const RECYCLE_BINS = 15;

type Shape = readonly number[];

/** Names and shapes of all that a model must hold. */
export function foldTensors(
  config: FoldConfig,
  esm: Esm2Config,
): Map<string, Shape> {
  const { single, pair, blocks, positionBins, structure, lddtWidth } = config;
  const all = new Map<string, Shape>();
  const { linear, norm } = layersOf(all);

  all.set("esm_s_combine", [esm.layers + 1]);
  norm("esm_s_mlp.0", esm.dModel);
  linear("esm_s_mlp.1", single, esm.dModel);
  linear("esm_s_mlp.3", single, single);
  all.set("embedding.weight", [EMBEDDED_TYPES, single]);
  linear("distogram_head", PAIR_BINS, pair);
  linear("ptm_head", PAIR_BINS, pair);
  linear("lm_head", EMBEDDED_TYPES, single);

  const t = "trunk.";
  all.set(`${t}pairwise_positional_embedding.embedding.weight`, [2 * positionBins + 2, pair]);
  all.set(`${t}recycle_disto.weight`, [RECYCLE_BINS, pair]);
  norm(`${t}recycle_s_norm`, single);
  norm(`${t}recycle_z_norm`, pair);
  linear(`${t}trunk2sm_s`, structure.single, single);
  linear(`${t}trunk2sm_z`, structure.pair, pair);
  for (let i = 0; i < blocks; i++) addBlock(all, `${t}blocks.${i}.`, config);

  const s = `${t}structure_module.`;
  const { heads, headWidth, queryPoints, valuePoints } = structure, width = structure.single;
  norm(`${s}layer_norm_s`, width);
  norm(`${s}layer_norm_z`, structure.pair);
  linear(`${s}linear_in`, width, width);
  linear(`${s}ipa.linear_q`, heads * headWidth, width);
  linear(`${s}ipa.linear_kv`, 2 * heads * headWidth, width);
  linear(`${s}ipa.linear_q_points`, 3 * heads * queryPoints, width);
  linear(`${s}ipa.linear_kv_points`, 3 * heads * (queryPoints + valuePoints), width);
  linear(`${s}ipa.linear_b`, heads, structure.pair);
  all.set(`${s}ipa.head_weights`, [heads]);
  linear(`${s}ipa.linear_out`, width, heads * (headWidth + structure.pair + 4 * valuePoints));
  norm(`${s}layer_norm_ipa`, width);
  for (let i = 0; i < structure.transitions; i++) {
    for (const n of [1, 2, 3]) linear(`${s}transition.layers.${i}.linear_${n}`, width, width);
  }
  norm(`${s}transition.layer_norm`, width);
  linear(`${s}bb_update.linear`, 6, width);
  const angles = structure.angleWidth;
  linear(`${s}angle_resnet.linear_in`, angles, width);
  linear(`${s}angle_resnet.linear_initial`, angles, width);
  for (let i = 0; i < structure.angleBlocks; i++) {
    for (const n of [1, 2]) linear(`${s}angle_resnet.layers.${i}.linear_${n}`, angles, angles);
  }
  linear(`${s}angle_resnet.linear_out`, 14, angles);

  norm("lddt_head.0", width);
  linear("lddt_head.1", lddtWidth, width);
  linear("lddt_head.2", lddtWidth, lddtWidth);
  linear("lddt_head.3", ATOMS_37 * LDDT_BINS, lddtWidth);
  return all;
}

/** Extents that the graphs of a trunk's blocks share. */
export type TrunkExtents = Pick<
  FoldConfig,
  "single" | "singleHeadWidth" | "pair" | "pairHeadWidth"
>;

/** Names and shapes of a block of the trunk, by their names within it. */
export function blockTensors(config: TrunkExtents): Map<string, Shape> {
  const all = new Map<string, Shape>();
  addBlock(all, "", config);
  return all;
}

function addBlock(
  all: Map<string, Shape>,
  prefix: string,
  { single, pair, singleHeadWidth, pairHeadWidth }: TrunkExtents,
): void {
  const { linear, norm, mlp } = layersOf(all);
  const singleHeads = single / singleHeadWidth, pairHeads = pair / pairHeadWidth;
  norm(`${prefix}layernorm_1`, single);
  norm(`${prefix}pair_to_sequence.layernorm`, pair);
  linear(`${prefix}pair_to_sequence.linear`, singleHeads, pair, false);
  linear(`${prefix}seq_attention.proj`, 3 * single, single, false);
  linear(`${prefix}seq_attention.o_proj`, single, single);
  linear(`${prefix}seq_attention.g_proj`, single, single);
  mlp(`${prefix}mlp_seq.mlp`, single, 4 * single);
  norm(`${prefix}sequence_to_pair.layernorm`, single);
  linear(`${prefix}sequence_to_pair.proj`, pair, single);
  linear(`${prefix}sequence_to_pair.o_proj`, pair, pair);
  for (const direction of ["out", "in"]) {
    const name = `${prefix}tri_mul_${direction}.`;
    norm(`${name}layer_norm_in`, pair);
    norm(`${name}layer_norm_out`, pair);
    for (const part of ["a_p", "a_g", "b_p", "b_g", "g", "z"]) {
      linear(`${name}linear_${part}`, pair, pair);
    }
  }
  for (const side of ["start", "end"]) {
    const name = `${prefix}tri_att_${side}.`;
    norm(`${name}layer_norm`, pair);
    linear(`${name}linear`, pairHeads, pair, false);
    for (const part of ["q", "k", "v"]) linear(`${name}mha.linear_${part}`, pair, pair, false);
    for (const part of ["g", "o"]) linear(`${name}mha.linear_${part}`, pair, pair);
  }
  mlp(`${prefix}mlp_pair.mlp`, pair, 4 * pair);
}

/** What adds the tensors of a layer to those that there are. */
function layersOf(all: Map<string, Shape>) {
  const linear = (name: string, outputs: number, inputs: number, bias = true) => {
    all.set(`${name}.weight`, [outputs, inputs]);
    if (bias) all.set(`${name}.bias`, [outputs]);
  };
  const norm = (name: string, width: number) => {
    all.set(`${name}.weight`, [width]).set(`${name}.bias`, [width]);
  };
  const mlp = (name: string, width: number, hidden: number) => {
    norm(`${name}.0`, width);
    linear(`${name}.1`, hidden, width);
    linear(`${name}.3`, width, hidden);
  };
  return { linear, norm, mlp };
}
