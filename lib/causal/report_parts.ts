/** What the reports of all sae commands say of autoencoders, and of the run. */
import type { Provenance } from "../provenance.ts";
import type { AutoencoderView, QualityView } from "./report/sae_types.ts";
import { fidelityFaults } from "../sae/fidelity_text.ts";
import type { SaeConfig } from "../sae/types.ts";

/** @param quality where it was measured */
export function autoencoderView(
  { depth: layer, name, latents, k, normalisation }: SaeConfig,
  quality?: QualityView,
): AutoencoderView {
  return { name, layer, latents, k, normalisation, quality };
}

/** A warning of an autoencoder whose latents say little about the model. */
export function qualityNote({ layer, quality }: AutoencoderView): string[] {
  const faults = quality ? fidelityFaults(quality, layer) : [];
  if (faults.length === 0) return [];
  return [
    `The autoencoder of layer ${layer}: ${
      faults.join(", ")
    }: layer, k, embedding scale or model may not ` +
    "be what it was trained with, or it may not be trained at all, and then its latents say little about " +
    "the model.",
  ];
}

/**
 * What of a run's record decides its numbers, autoencoders aside: a run in parts, or one that was
 * interrupted, has other times.
 */
export function lasting(
  { esmscope, command, model, backend, options }: Provenance & Record<string, unknown>,
): Record<string, unknown> {
  const { out: _out, json: _json, shard: _shard, report: _report, ...asked } = options as Record<
    string,
    unknown
  >;
  return {
    ...{ esmscope, command, model },
    backend: backend.name,
    options: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
  };
}

/** An autoencoder of a run's record: what training wrote into the file is in run.json, its sum here. */
export function lastingSae(sae: unknown): Record<string, unknown> {
  const { metadata: _metadata, ...rest } = sae as Record<string, unknown>;
  return rest;
}
