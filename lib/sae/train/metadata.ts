/** What a trained SAE's file says of its origin. */
import { basename } from "node:path";
import { VERSION } from "../../version.ts";
import type { TrainingData } from "../../train/data.ts";
import type { Figures } from "./evaluate.ts";
import type { TrainRequest } from "./settings.ts";
import type { Trained, TrainSettings } from "./train.ts";

export interface Origin {
  readonly options: TrainRequest;
  readonly settings: TrainSettings;
  readonly data: TrainingData;
  readonly trained: Trained;
  readonly figures?: Figures;
  readonly model: { readonly name: string; readonly sha256: string };
}

/** Texts for the file's header. Nothing depends on time or machine, so that the bytes do not either. */
export function metadataOf(
  { options, settings, data, trained, figures, model }: Origin,
): Record<string, string> {
  const { corpus, heldOut } = data, { idle } = trained.state;
  const dead = idle.filter((tokens) => tokens >= settings.deadAfter).length;
  const texts: Record<string, unknown> = {
    esmscope: VERSION,
    model: model.name,
    model_sha256: model.sha256,
    embed_scale: options.embedScale,
    special_tokens: options.specialTokens,
    trained_on: basename(options.fasta),
    trained_on_sha256: corpus.sha256,
    sequences: corpus.sequences,
    max_length: options.maxLength,
    tokens: settings.tokens,
    steps: trained.state.steps,
    batch: settings.batch,
    buffer: data.feed.settings.bufferTokens,
    learning_rate: settings.learningRate,
    warm_up: settings.warmUp,
    decay: settings.decay,
    clip: settings.clip,
    auxk: settings.auxK,
    dead_after: settings.deadAfter,
    seed: settings.seed,
    dead_fraction: dead / settings.latents,
    ...(figures && {
      validated_on: typeof options.validation === "string"
        ? basename(options.validation)
        : `${heldOut.sequences} held-out sequences`,
      validation_sha256: heldOut.corpus.sha256,
      validation_tokens: figures.tokens,
      fvu: round(figures.fidelity.fvu),
      fvu_normalised: round(figures.fvu),
      loss_recovered: round(figures.fidelity.lossRecovered),
      cross_entropy: round(figures.fidelity.crossEntropy),
      cross_entropy_reconstructed: round(figures.fidelity.crossEntropyReconstructed),
      cross_entropy_zero: round(figures.fidelity.crossEntropyZero),
      fidelity_residues: figures.fidelity.residues,
      mean_active: round(figures.meanActive),
      silent_fraction: round(figures.silent / settings.latents),
      mean_frequency: round(figures.meanFrequency),
      median_frequency: round(figures.medianFrequency),
    }),
  };
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, String(value)]));
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
