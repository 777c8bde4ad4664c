/** Numbers that others computed with the published models. */
import embeddedConfig from "../../models/esm2_t6_1M_PF20/config.json" with { type: "json" };
import type { Esm2Config } from "../checkpoint/mod.ts";
import { EMBEDDED_NAME } from "../hub/embedded.ts";
import { models } from "../hub/manifest.ts";

/** A corner of a forward pass: the first three tokens, the first three values of each. */
export interface ForwardGolden {
  name: string;
  /** Token ids of one sequence. */
  ids: readonly number[];
  /** Logits, or the state after the final LayerNorm. */
  output: "logits" | "normalised";
  values: readonly (readonly number[])[];
}

/** What is known of one model. */
export interface ModelGolden {
  model: string;
  forward: readonly ForwardGolden[];
  /** Spearman correlation of masked marginals with all variants of an assay, by assay name. */
  spearman: Readonly<Record<string, number>>;
}

/** Largest allowed difference of a forward value (the tests that publish them use the same). */
export const FORWARD_TOLERANCE = 1e-4;

/** Published correlations have three digits. */
export const SPEARMAN_TOLERANCE = 1.5e-3;

/**
 * Published scores were computed in float32 on a GPU; two such computations agree to about 1e-5
 * (EPHB2 against an independent copy of the same column), a wrong one differs by far more.
 */
export const SCORE_TOLERANCE = 1e-3;

/** ProteinGym v1.3, per-assay table, columns ESM2 (8M) to ESM2 (15B). */
const SPEARMAN: Record<string, readonly number[]> = {
  EPHB2_HUMAN_Tsuboyama_2023_1F0M: [-0.378, 0.768, 0.803, 0.810, 0.769, 0.744],
  DNJA1_HUMAN_Tsuboyama_2023_2LO1: [0.827, 0.816, 0.817, 0.803, 0.753, 0.798],
  PR40A_HUMAN_Tsuboyama_2023_1UZC: [0.540, 0.535, 0.821, 0.805, 0.740, 0.727],
  SPG1_STRSG_Olson_2014: [0.280, 0.232, 0.264, 0.301, 0.251, 0.337],
  GFP_AEQVI_Sarkisyan_2016: [0.078, 0.131, 0.103, 0.108, 0.149, 0.290],
  BLAT_ECOLX_Stiffler_2015: [0.399, 0.557, 0.661, 0.731, 0.589, 0.430],
  BLAT_ECOLX_Firnberg_2014: [0.411, 0.555, 0.658, 0.737, 0.573, 0.424],
  BLAT_ECOLX_Jacquier_2013: [0.362, 0.520, 0.626, 0.704, 0.588, 0.503],
  BLAT_ECOLX_Deng_2012: [0.243, 0.354, 0.461, 0.528, 0.461, 0.352],
};

const MODELS = [
  "esm2_t6_8M_UR50D",
  "esm2_t12_35M_UR50D",
  "esm2_t30_150M_UR50D",
  "esm2_t33_650M_UR50D",
  "esm2_t36_3B_UR50D",
  "esm2_t48_15B_UR50D",
];

/** Hugging Face transformers, `test_modeling_esm.py`, slow integration tests of the 8M model. */
const HUGGING_FACE_8M: ForwardGolden[] = [
  {
    name: "logits of tokens 0 to 5",
    // Token 1 is <pad>: without an attention mask that test treats it as an ordinary token.
    ids: [0, 1, 2, 3, 4, 5],
    output: "logits",
    values: [
      [8.9215, -10.5898, -6.4671],
      [-6.3967, -13.9114, -1.1212],
      [-7.7812, -13.9516, -3.7406],
    ],
  },
  {
    name: "embedding",
    ids: [0, 6, 4, 13, 5, 4, 16, 12, 11, 7, 2],
    output: "normalised",
    values: [
      [0.1444, 0.5413, 0.3248],
      [0.3034, 0.0053, 0.3108],
      [0.3228, -0.2499, 0.3415],
    ],
  },
];

const TRP_CAGE = [0, 17, 4, 19, 12, 16, 22, 4, 15, 13, 6, 6, 14, 8, 8, 6, 10, 14, 14, 14, 8, 2];

/** The published models, smallest first. */
export const PUBLISHED: readonly ModelGolden[] = MODELS.map((model, i) => ({
  model,
  forward: i === 0 ? HUGGING_FACE_8M : [],
  spearman: Object.fromEntries(Object.entries(SPEARMAN).map(([assay, all]) => [assay, all[i]])),
}));

/** The embedded model, against a forward pass written in NumPy, in double precision (Trp-cage). */
export const EMBEDDED: ModelGolden = {
  model: EMBEDDED_NAME,
  forward: [
    {
      name: "logits of Trp-cage",
      ids: TRP_CAGE,
      output: "logits",
      values: [
        [-7.5575, -20.8646, -8.1338],
        [-7.0529, -20.6232, -7.3654],
        [-6.0474, -15.7593, -5.4277],
      ],
    },
    {
      name: "embedding of Trp-cage",
      ids: TRP_CAGE,
      output: "normalised",
      values: [
        [-1.9800, 0.7192, -0.0063],
        [-1.4859, 0.1920, -0.8878],
        [-0.9355, 0.1778, -0.3218],
      ],
    },
  ],
  spearman: {},
};

/** What is known of a model of this size, whatever its name. */
export function goldenOf({ layers, dModel, heads }: Esm2Config): ModelGolden | undefined {
  const entry = models.find((each) =>
    each.layers === layers && each.d === dModel && each.heads === heads
  );
  if (entry) return PUBLISHED.find(({ model }) => model === entry.name);
  const { num_hidden_layers, hidden_size } = embeddedConfig;
  return layers === num_hidden_layers && dModel === hidden_size ? EMBEDDED : undefined;
}
