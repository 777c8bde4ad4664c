/** What a layout of autoencoder files is to the reader: how it is recognised, and what it says. */
import type { StoredSae } from "../stored.ts";
import type { Sae, SaeConfig } from "../types.ts";

/** The model that an SAE is read for. */
export interface SaeModel {
  /** What it is called. */
  readonly name: string;
  /** Its blocks. */
  readonly layers: number;
  /** D */
  readonly dModel: number;
}

/** Weights of a file and what it says of itself, as far as it does. */
export interface SaeFile extends Pick<Sae, "wEnc" | "bEnc" | "wDec" | "bPre" | "threshold"> {
  readonly normalisation: SaeConfig["normalisation"];
  /** Blocks that have run where it reads the residual stream. */
  readonly depth?: number;
  /** Latents that stay, and who says so. */
  readonly k?: { readonly value: number; readonly from: "file" | "name" | "assumed" };
  /** Whether it reads the stream after the final LayerNorm, for a layer of the model. */
  afterFinalNorm(depth: number): boolean;
  readonly notes?: readonly string[];
}

/** One layout: a file of its own in this folder, and a line in the list of `mod.ts`. */
export interface SaeFormat {
  /** What `run.json` calls it. */
  readonly name: string;
  /** A tensor and whose it is, for the message about a file that no layout recognises. */
  readonly sign?: string;
  /** Whether a file is of this layout; the first of the list that says so reads it. */
  recognises(stored: StoredSae): boolean;
  /** @throws {UserError} if a tensor is absent, of another shape, or not finite */
  read(stored: StoredSae, model: SaeModel): Promise<SaeFile>;
}

/** It reads Hugging Face's hidden_states, of which the last is normalised. */
export const lastIsNormalised = ({ layers }: SaeModel) => (depth: number) => depth === layers;
