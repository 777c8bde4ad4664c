/** What a probe reads: states of the model, and what can be had without one. */
import type { RowsOf } from "./selection.ts";
import type { LabelledProtein, Problem } from "./types.ts";

/** Features of proteins, or of their residues. */
export interface Features {
  /** Where they are from. */
  readonly kind: FeatureKind;
  /** Of a model: the place of the stream. */
  readonly layer?: string;
  /** How residues became one vector. */
  readonly pool?: string;
  /** How many they are. */
  readonly width: number;
  /** f32[rows, width] of a protein; the reader's until the next is read. */
  read(protein: number): Float32Array;
}

/**
 * `layer` and `sae` are of the model; `random` is the same model with random weights; `majority` knows nothing
 * but how common the classes are.
 */
export const FEATURE_KINDS = [
  "layer",
  "sae",
  "random",
  "window",
  "composition",
  "shuffled",
  "majority",
] as const;
/** One of {@linkcode FEATURE_KINDS}. */
export type FeatureKind = typeof FEATURE_KINDS[number];

/** Those of the model, which the baselines are compared with. */
export const isOfModel = (kind: FeatureKind): boolean => kind === "layer" || kind === "sae";

/** What a kind is called. */
export const KIND_NAMES: Readonly<Record<FeatureKind, string>> = {
  layer: "embeddings",
  sae: "latents of the autoencoder",
  random: "a model with random weights",
  window: "one-hot residues",
  composition: "amino-acid composition",
  shuffled: "shuffled labels",
  majority: "no features",
};

const LETTERS = "ACDEFGHIKLMNPQRSTVWY";
/** Residues of a window, the residue in its middle. */
export const WINDOW = 15;
/** Of a place in a window: the letters, any other, and none beyond the ends. */
const SYMBOLS = LETTERS.length + 2;

/** Baselines that need no model. */
export function plainFeatures(
  { proteins, per }: Pick<Problem, "proteins" | "per">,
  rows: RowsOf,
): Features[] {
  const majority: Features = {
    ...{ kind: "majority", width: 1 },
    read: (p) => new Float32Array(rows(p).length),
  };
  const one =
    (read: (protein: LabelledProtein, rows: Uint32Array) => Float32Array) => (p: number) =>
      read(proteins[p], rows(p));
  if (per === "protein") {
    return [
      { kind: "composition", width: LETTERS.length + 1, read: one(compositionAndLength) },
      majority,
    ];
  }
  return [
    { kind: "window", width: WINDOW * SYMBOLS, read: one(windows) },
    { kind: "composition", width: LETTERS.length, read: one(compositionAround) },
    majority,
  ];
}

/** Shares of the 20 letters, and the logarithm of the length. */
function compositionAndLength({ residues }: LabelledProtein): Float32Array {
  const found = new Float32Array(LETTERS.length + 1);
  count(residues, found);
  for (let k = 0; k < LETTERS.length; k++) found[k] /= residues.length;
  found[LETTERS.length] = Math.log(residues.length);
  return found;
}

/** Shares of the letters among the residues of each window, wherever in it they stand. */
function compositionAround({ residues }: LabelledProtein, rows: Uint32Array): Float32Array {
  const half = (WINDOW - 1) / 2, width = LETTERS.length;
  const found = new Float32Array(rows.length * width);
  rows.forEach((i, r) => {
    const around = residues.slice(Math.max(0, i - half), i + half + 1);
    const own = found.subarray(r * width, (r + 1) * width);
    count(around, own);
    for (let k = 0; k < width; k++) own[k] /= around.length;
  });
  return found;
}

function count(residues: string, into: Float32Array): void {
  for (const letter of residues) {
    const k = LETTERS.indexOf(letter.toUpperCase());
    if (k >= 0) into[k]++;
  }
}

/** Which letter stands at each place of a window, as 0 and 1. */
function windows({ residues }: LabelledProtein, rows: Uint32Array): Float32Array {
  const half = (WINDOW - 1) / 2, width = WINDOW * SYMBOLS;
  const found = new Float32Array(rows.length * width);
  rows.forEach((i, r) => {
    for (let w = 0; w < WINDOW; w++) {
      const at = i + w - half;
      const letter = LETTERS.indexOf(residues[at]?.toUpperCase() ?? "");
      const symbol = at < 0 || at >= residues.length
        ? SYMBOLS - 1
        : letter < 0
        ? SYMBOLS - 2
        : letter;
      found[r * width + w * SYMBOLS + symbol] = 1;
    }
  });
  return found;
}
