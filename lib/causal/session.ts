/** A model with the autoencoders of one or several layers, as causal analyses use them. */
import type { CommandContext } from "../cli/context.ts";
import type { Stopwatch } from "../provenance.ts";
import { type LensesSession, openLenses, type SaeFlags } from "../sae/session.ts";
import type { Lens as Opened } from "../sae/session.ts";
import { LatentSpace } from "./latent_space.ts";

/** Values of `runOptions` and `autoencoderOptions`. */
export interface SessionFlags extends SaeFlags {
  layers?: number[];
}

export interface Lens extends Opened {
  readonly space: LatentSpace;
}

export interface CausalSession extends Omit<LensesSession, "lenses"> {
  /** Ascending by depth. */
  readonly lenses: readonly Lens[];
}

/**
 * Opens what the flags name and says it on stderr.
 *
 * @throws {UserError} if the model or an autoencoder cannot be opened, or they do not fit
 */
export async function openCausalSession(
  flags: SessionFlags,
  ctx: CommandContext,
  watch: Stopwatch,
): Promise<CausalSession> {
  const asked = { layers: flags.layers ?? [undefined], layerOption: "--layers" } as const;
  const session = await openLenses(flags, asked, ctx, watch);
  const lenses = session.lenses.map((lens) => ({
    ...lens,
    space: new LatentSpace(lens.coder.sae),
  }));
  return { ...session, lenses };
}
