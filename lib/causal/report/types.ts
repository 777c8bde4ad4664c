/** What the report of sparse-feature commands shows; what is measured in the metric's units (nats). */
import type { RunFacts } from "../../report/page.ts";
import type { Fidelity } from "../../sae/fidelity.ts";
import type { SaeConfig } from "../../sae/types.ts";
import type { Shape } from "../../structure/shape.ts";
import type { Target } from "../../variants/types.ts";
import type { Circuit, CurvePoint, CurveShape } from "../circuit.ts";
import type { CircuitRecord } from "../circuit_record.ts";
import type { Concentration, ExplanationRecord } from "../explain_record.ts";
import type { Attribution } from "../integrate.ts";
import type { PatchKind, PatchRow } from "../patch.ts";
import type { SteeredLatent, SteeredResidue } from "../steer.ts";

export interface SaeReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  /** What the effects are effects on: `log p(mutant) − log p(wild type)`. */
  metric: string;
  autoencoders: readonly AutoencoderView[];
  patches?: readonly PatchView[];
  attributions?: readonly AttributionView[];
  circuits?: readonly CircuitView[];
  /** Structures to draw on, by the protein's id. */
  shapes?: ReadonlyMap<string, Shape>;
  run: RunFacts;
}

export interface AutoencoderView extends Pick<SaeConfig, "name" | "latents" | "k"> {
  /** Blocks that have run where it reads. */
  layer: number;
  normalisation: string;
  /** How well it stands in for the stream, where that was measured. */
  quality?: QualityView;
}

export interface QualityView
  extends Pick<Fidelity, "residues" | "fvu" | "lossRecovered" | "neighbours" | "meanActive"> {
  masked?: { lossRecovered: number };
}

/** One mutation at one layer. */
export interface MutationView {
  protein: ProteinView;
  mutation: string;
  /** Tokens that it changes; `<cls>` is 0. */
  tokens: readonly number[];
  layer: number;
}

export type ProteinView = Target;
export type PatchKindView = PatchKind;
export type NodeView = Omit<Attribution, "displacement">;
export type CurveView = CurvePoint;

export interface PatchView extends MutationView {
  rows: readonly PatchPoint[];
}

export type PatchPoint = Omit<PatchRow, "displacement" | "patchedActivation">;

/** One mutation at one layer that was explained. */
export type Explained = MutationView & ExplanationView;

export interface ConcentrationView extends Pick<Concentration, "top20" | "giniMoving"> {
  /** Share that the largest 1, 2, 3, 5 … have. */
  curve: readonly (readonly [latents: number, share: number])[];
}

export interface ExplanationView
  extends Omit<ExplanationRecord, "tokens" | "nodes" | "attributions" | "magnitudes"> {
  addsUp: boolean;
  attributions: ConcentrationView;
  magnitudes: ConcentrationView;
}

export interface AttributionView extends MutationView, ExplanationView {
  /** Those with the largest |attribution|. */
  nodes: readonly NodeView[];
}

export interface CircuitView
  extends AttributionView, Circuit, CurveShape, Pick<CircuitRecord, "candidates" | "random"> {
  /** Share of the effect that it had to restore. */
  share: number;
  /** Whether more nodes give more of the effect, and never much more than all of it. */
  steady: boolean;
  byMagnitude: CircuitRecord["byMagnitude"];
}

/** What the report of steering shows; logarithms and divergences in nats. */
export interface SteeringReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  protein: ProteinView;
  /** To draw on. */
  shape?: Shape;
  /** In the order of the sequence. */
  residues: readonly SteeredView[];
  /** f32[L, 20] each, letters in the order of the map. */
  logProbs: { before: Float32Array; after: Float32Array };
  latents: readonly SteeredLatentView[];
  /** Tokens at which latents were steered, 0 is `<cls>`. */
  tokens: readonly number[];
  autoencoder: AutoencoderView;
  run: RunFacts;
}

export type SteeredView = SteeredResidue;

export interface SteeredLatentView extends Omit<SteeredLatent, "kind" | "amount"> {
  /** What it was told to become: `at 5 × its maximum`. */
  becomes: string;
}
