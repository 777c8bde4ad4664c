/** A steered sequence as report.html. */
import { EMBEDDED_NOTE } from "../hub/open_model.ts";
import type { Provenance } from "../provenance.ts";
import type { QualityView } from "./report/sae_types.ts";
import { renderSteeringReport } from "./report/steering_report.ts";
import type { SaeConfig } from "../sae/types.ts";
import type { Target } from "../variants/types.ts";
import { autoencoderView, lasting, lastingSae, qualityNote } from "./report_parts.ts";
import type { Steered, SteeredLatent, Steering } from "./steer.ts";

/** What of a run the page shows. */
export interface SteeredRun {
  target: Target;
  steered: Steered;
  latents: readonly SteeredLatent[];
  tokens: readonly number[];
  config: SaeConfig;
  quality?: QualityView;
  /** Whether the error term stays. */
  error: "keep" | "drop";
  /** What the reader should know of the inputs. */
  notes: readonly string[];
  provenance: Provenance & Record<string, unknown>;
}

/** Latents that the subtitle names at most. */
const NAMED = 4;

/** The page. */
export function steerReport(run: SteeredRun): string {
  const { target: { id, residues, offset }, latents, provenance: { model } } = run;
  const autoencoder = autoencoderView(run.config, run.quality);
  const named = latents.slice(0, NAMED).map((one) => `latent ${one.latent} ${phraseOf(one)}`);
  if (latents.length > NAMED) named.push(`and ${latents.length - NAMED} more`);
  return renderSteeringReport({
    title: `Steered features of ${id}`,
    subtitle: `${model.name}, layer ${run.config.depth}: ${named.join(", ")}${
      run.error === "drop" ? "; without what the latents do not explain" : ""
    }`,
    notes: [
      ...(model.embedded ? [EMBEDDED_NOTE] : []),
      ...qualityNote(autoencoder),
      ...run.notes,
    ],
    protein: { id, residues, offset },
    residues: run.steered.residues,
    latents: latents.map((one) => ({ ...one, becomes: phraseOf(one) })),
    tokens: run.tokens,
    autoencoder,
    provenance: { ...lasting(run.provenance), sae: lastingSae(run.provenance.sae) },
  });
}

function phraseOf({ kind, amount }: Steering): string {
  if (kind === "value") return `at ${amount}`;
  if (kind === "max") return `at ${amount} × its maximum`;
  return amount === 0 ? "switched off" : `times ${amount}`;
}
