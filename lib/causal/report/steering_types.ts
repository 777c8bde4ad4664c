/** What the report of steering shows; logarithms and divergences in nats. */
import type { AutoencoderView, ProteinView } from "./sae_types.ts";

export interface SteeringReport {
  title: string;
  /** What was run: model, layer, what latents became. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  protein: ProteinView;
  /** In the order of the sequence. */
  residues: readonly SteeredView[];
  latents: readonly SteeredLatentView[];
  /** Tokens at which latents were steered, 0 is `<cls>`. */
  tokens: readonly number[];
  autoencoder: AutoencoderView;
  provenance: Record<string, unknown>;
}

/** One residue before and after. */
export interface SteeredView {
  /** 1-based. */
  position: number;
  letter: string;
  /** The most probable of the 20 amino acids. */
  before: string;
  after: string;
  /** log p of the residue's own letter. */
  logProbBefore: number;
  logProbAfter: number;
  /** log p of the letter `after`. */
  steeredLogProbBefore: number;
  steeredLogProbAfter: number;
  /** Kullback–Leibler divergence Σ after · log(after / before) over the 33 tokens, nats. */
  divergence: number;
}

/** One latent over the tokens at which it was steered. */
export interface SteeredLatentView {
  latent: number;
  /** What it was told to become: `5 × its maximum`. */
  becomes: string;
  /** Tokens where it is active by itself. */
  active: number;
  meanBefore: number;
  meanAfter: number;
  /** Its largest activation by itself. */
  maxBefore: number;
}
