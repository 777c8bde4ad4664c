/** Extents of an ESMFold model, read from its configuration. */
import { UserError } from "../errors.ts";
import type { StructureConfig } from "./structure_config.ts";

/** ESMFold beside its language model. */
export interface FoldConfig {
  /** Width of a residue's state. */
  readonly single: number;
  /** Width of a pair's state. */
  readonly pair: number;
  /** Blocks of the trunk. */
  readonly blocks: number;
  /** Width of a head of the attention along the sequence. */
  readonly singleHeadWidth: number;
  /** And of that of the triangles. */
  readonly pairHeadWidth: number;
  /** Distances along the sequence that are told apart, on each side. */
  readonly positionBins: number;
  /** Passes through the trunk where nothing else is said: fair-esm's `max_recycles`. */
  readonly passes: number;
  /** Of the structure module. */
  readonly structure: StructureConfig;
  /** Width of the head that predicts lDDT. */
  readonly lddtWidth: number;
  /** Which language model it was trained on: `esm2_3B`. */
  readonly languageModel: string;
}

type Field = (name: string) => unknown;

/** Names of a field in Hugging Face's and in fair-esm's configurations. */
type Names = readonly [hf: string, fairEsm: string];

const TRUNK = {
  single: ["sequence_state_dim", "sequence_state_dim"],
  pair: ["pairwise_state_dim", "pairwise_state_dim"],
  blocks: ["num_blocks", "num_blocks"],
  singleHeadWidth: ["sequence_head_width", "sequence_head_width"],
  pairHeadWidth: ["pairwise_head_width", "pairwise_head_width"],
  positionBins: ["position_bins", "position_bins"],
  passes: ["max_recycles", "max_recycles"],
} as const satisfies Record<string, Names>;

const STRUCTURE = {
  blocks: ["num_blocks", "no_blocks"],
  single: ["sequence_dim", "c_s"],
  pair: ["pairwise_dim", "c_z"],
  heads: ["num_heads_ipa", "no_heads_ipa"],
  headWidth: ["ipa_dim", "c_ipa"],
  queryPoints: ["num_qk_points", "no_qk_points"],
  valuePoints: ["num_v_points", "no_v_points"],
  angleWidth: ["resnet_dim", "c_resnet"],
  angleBlocks: ["num_resnet_blocks", "no_resnet_blocks"],
  transitions: ["num_transition_layers", "no_transition_layers"],
  scale: ["trans_scale_factor", "trans_scale_factor"],
} as const satisfies Record<keyof StructureConfig, Names>;

/** No extent of a real model is larger, so that a damaged file cannot ask for terabytes. */
const MOST = 1 << 16;

/**
 * Reads a configuration's parts.
 *
 * @param parts the fields of the model, of its trunk and of its structure module
 * @param label path for messages
 * @throws {UserError} for what is missing, is no extent, or is of a variant that is not supported
 */
export function readFoldConfig(
  parts: { model: Field; trunk: Field; structure: Field },
  fairEsm: boolean,
  label: string,
): FoldConfig {
  const read = (of: Field, where: string, names: Names): number => {
    const name = names[Number(fairEsm)], value = of(name);
    if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= MOST) {
      return value;
    }
    throw new UserError(
      `Cannot open ${label} as ${where}${name} must be a whole number from 1 to ${MOST}: ` +
        `current value is ${JSON.stringify(value) ?? "none"}`,
    );
  };
  const all = <K extends string>(of: Field, where: string, names: Record<K, Names>) =>
    Object.fromEntries(
      Object.entries<Names>(names).map(([key, own]) => [key, read(of, where, own)]),
    ) as Record<K, number>;
  for (
    const [name, usual] of [
      ["use_esm_attn_map", false],
      ["bypass_lm", false],
      ["embed_aa", true],
      ["esm_ablate_pairwise", false],
      ["esm_ablate_sequence", false],
    ] as const
  ) {
    const value = parts.model(name) ?? usual;
    if (value !== usual) {
      throw new UserError(
        `Cannot open ${label} as ${name} must be ${usual}: current value is ${
          JSON.stringify(value)
        }`,
      );
    }
  }
  const languageModel = parts.model("esm_type") ?? "";
  const trunk = all(parts.trunk, "trunk.", TRUNK);
  for (
    const [width, head] of [["single", "singleHeadWidth"], ["pair", "pairHeadWidth"]] as const
  ) {
    if (trunk[width] % trunk[head] === 0 && trunk[width] % 2 === 0) continue;
    throw new UserError(
      `Cannot open ${label} as trunk.${TRUNK[width][0]} must be even and a multiple of ` +
        `trunk.${TRUNK[head][0]}: current values are ${trunk[width]} and ${trunk[head]}`,
    );
  }
  return {
    ...trunk,
    structure: all(parts.structure, "trunk.structure_module.", STRUCTURE),
    lddtWidth: read(parts.model, "", ["lddt_head_hid_dim", "lddt_head_hid_dim"]),
    languageModel: String(languageModel),
  };
}

/** Extents of the published model, esmfold_v1. */
export const ESMFOLD_V1: FoldConfig = {
  ...{ single: 1024, pair: 128, blocks: 48, singleHeadWidth: 32, pairHeadWidth: 32 },
  ...{ positionBins: 32, passes: 4, lddtWidth: 128, languageModel: "esm2_3B" },
  structure: {
    ...{ blocks: 8, single: 384, pair: 128, heads: 12, headWidth: 16, queryPoints: 4 },
    ...{ valuePoints: 8, angleBlocks: 2, angleWidth: 128, transitions: 1, scale: 10 },
  },
};
