/** What the report of sparse-feature commands shows; what is measured in the metric's units (nats). */

export interface SaeReport {
  title: string;
  /** What was run: model, autoencoder, question. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  /** What the effects are effects on: `log p(mutant) − log p(wild type)`. */
  metric: string;
  autoencoders: readonly AutoencoderView[];
  patches?: readonly PatchView[];
  attributions?: readonly AttributionView[];
  circuits?: readonly CircuitView[];
  provenance: Record<string, unknown>;
}

export interface AutoencoderView {
  name: string;
  /** Blocks that have run where it reads. */
  layer: number;
  latents: number;
  /** Absent where all that are positive stay. */
  k?: number;
  normalisation: string;
  /** How well it stands in for the stream, where that was measured. */
  quality?: QualityView;
}

export interface QualityView {
  /** Residues that were measured. */
  residues: number;
  /** Fraction of variance unexplained. */
  fvu: number;
  lossRecovered: number;
  /** Of residues that are masked. */
  masked?: { lossRecovered: number };
  /** The same autoencoder one block before and after. */
  neighbours?: readonly { depth: number; fvu: number }[];
  /** Latents above zero, per residue. */
  meanActive: number;
}

/** One mutation at one layer. */
export interface MutationView {
  protein: ProteinView;
  mutation: string;
  /** Tokens that it changes; `<cls>` is 0. */
  tokens: readonly number[];
  layer: number;
}

export interface ProteinView {
  id: string;
  residues: string;
  /** Number of the first residue. */
  offset: number;
}

export type PatchKindView = "real" | "set" | "all" | "noop" | "random" | "displaced" | "stable";

export interface PatchView extends MutationView {
  rows: readonly PatchPoint[];
}

/** One patch and what it did; NaN of several latents where it is about one. */
export interface PatchPoint {
  kind: PatchKindView;
  latents: number;
  token: number;
  latent: number;
  /** The latent that a control stands beside. */
  matches: number;
  delta: number;
  wildActivation: number;
  mutantActivation: number;
  baseline: number;
  patched: number;
}

export interface NodeView {
  token: number;
  /** −1 for the error term. */
  latent: number;
  delta: number;
  attribution: number;
}

/** How concentrated magnitudes are. */
export interface ConcentrationView {
  top20: number;
  giniMoving: number;
  /** Share that the largest 1, 2, 3, 5 … have. */
  curve: readonly (readonly [latents: number, share: number])[];
}

export interface ExplanationView {
  baseline: number;
  input: number;
  /** Sum of all attributions, and of the error terms'. */
  sum: number;
  errorSum: number;
  /** Sum of all |attribution|. */
  absoluteSum: number;
  steps: number;
  /** Latents that move. */
  moving: number;
  addsUp: boolean;
  attributions: ConcentrationView;
  /** The same of |delta| × length of the decoder's row. */
  magnitudes: ConcentrationView;
}

export interface AttributionView extends MutationView, ExplanationView {
  /** Those with the largest |attribution|. */
  nodes: readonly NodeView[];
}

export interface CircuitView extends MutationView, ExplanationView {
  /** Share of the effect that it had to restore. */
  share: number;
  /** Nodes of the circuit, of those that may join. */
  size: number;
  candidates: number;
  /** Whether the share was reached, and held at the next sizes. */
  reached: boolean;
  /** Whether more nodes give more of the effect, and never much more than all of it. */
  steady: boolean;
  /** The largest faithfulness of any size, and the most that it falls as nodes join. */
  highest: number;
  drop: number;
  faithfulness: number;
  /** Faithfulness of all other nodes. */
  completeness: number;
  /** Of as many nodes at the same tokens, drawn many times; NaN where there is no other choice. */
  random: { mean: number; sd: number; most: number };
  curve: readonly CurveView[];
  /** Grown along magnitudes alone. */
  byMagnitude: { size: number; faithfulness: number; curve: readonly CurveView[] };
  /** The circuit's, in the order they joined. */
  nodes: readonly NodeView[];
}

export interface CurveView {
  nodes: number;
  faithfulness: number;
}
