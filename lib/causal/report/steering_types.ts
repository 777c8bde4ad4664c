/** What the report of steering shows; logarithms and divergences in nats. */
import type { SteeredLatent, SteeredResidue } from "../steer.ts";
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

export type SteeredView = SteeredResidue;

export interface SteeredLatentView extends Omit<SteeredLatent, "kind" | "amount"> {
  /** What it was told to become: `5 × its maximum`. */
  becomes: string;
}
