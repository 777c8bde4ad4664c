/** A model with the autoencoders of one or several layers on a backend. */
import { type BackendChoice, openBackend, type OpenedBackend } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { Esm2 } from "../esm2/mod.ts";
import { EMBEDDED_NOTE, type OpenedModel, openModel } from "../hub/open_model.ts";
import type { Stopwatch } from "../provenance.ts";
import { SaeCoder } from "../sae/coder.ts";
import { type OpenedSae, openSae } from "../sae/open.ts";
import type { EmbedScale } from "../sae/options.ts";
import { LatentSpace } from "./latent_space.ts";

/** Values of `runOptions` and `autoencoderOptions`. */
export interface SessionFlags {
  model?: string;
  backend: BackendChoice;
  lowMemory: boolean;
  sae?: string;
  layers?: number[];
  k?: number;
  embedScale: EmbedScale;
}

/** An autoencoder ready for use. */
export interface Lens {
  readonly opened: OpenedSae;
  readonly coder: SaeCoder;
  readonly space: LatentSpace;
}

export interface CausalSession extends AsyncDisposable {
  readonly model: OpenedModel;
  readonly opened: OpenedBackend;
  readonly esm: Esm2;
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
  await using stack = new AsyncDisposableStack();
  watch.stage("load model");
  const model = stack.use(await openModel(flags.model, ctx));
  const saes: OpenedSae[] = [];
  for (const layer of flags.layers ?? [undefined]) {
    saes.push(await openSae(flags.sae, { ...ctx, layer, k: flags.k }, model));
  }
  const opened = await openBackend(flags.backend);
  const backend = stack.use(opened.backend);
  if (model.embedded) ctx.note(EMBEDDED_NOTE);
  for (const note of new Set(saes.flatMap(({ notes }) => notes))) ctx.note(note);
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  const esm = stack.use(
    await Esm2.open(model.checkpoint, backend, {
      lowMemory: flags.lowMemory,
      tokenDropout: flags.embedScale === "train" ? false : undefined,
    }),
  );
  const lenses: Lens[] = [];
  for (const opened of saes) {
    const coder = stack.use(await SaeCoder.open(opened.sae, backend));
    lenses.push({ opened, coder, space: new LatentSpace(opened.sae) });
  }
  const owned = stack.move();
  return { model, opened, esm, lenses, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
