/** A model with an autoencoder on a backend, as the `sae` commands open it. */
import { fidelityPanel } from "../../data/fidelity_panel.ts";
import { type BackendChoice, openBackend, type OpenedBackend } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { Esm2 } from "../esm2/mod.ts";
import { EMBEDDED_NOTE, type OpenedModel, openModel } from "../hub/open_model.ts";
import type { Stopwatch } from "../provenance.ts";
import { SaeCoder } from "./coder.ts";
import { type Fidelity, measureFidelity } from "./fidelity.ts";
import { fidelityText, fidelityWarning } from "./fidelity_text.ts";
import { checkSaeChoice, type OpenedSae, openSae } from "./open.ts";
import type { EmbedScale, LayerOption } from "./options.ts";

/** Values of `modelOptions` and `saeOptions`, but for the layer. */
export interface SaeFlags {
  model?: string;
  backend: BackendChoice;
  lowMemory: boolean;
  sae?: string;
  k?: number;
  embedScale: EmbedScale;
  fidelity: boolean;
}

export type Fidelities = Partial<Record<EmbedScale, Fidelity>>;

/** An autoencoder ready for use. */
export interface Lens {
  readonly sae: OpenedSae;
  readonly coder: SaeCoder;
  /** By embedding scale; empty where it was not to be measured. */
  readonly fidelity: Fidelities;
}

interface OpenedTogether {
  readonly model: OpenedModel;
  readonly opened: OpenedBackend;
  readonly esm: Esm2;
}

/** Which layers, and by which option they were asked for. */
export interface AskedLayers {
  /** Blocks that have run; undefined: as the autoencoder's file says. */
  layers: readonly (number | undefined)[];
  layerOption: LayerOption;
}

export interface LensesSession extends OpenedTogether, AsyncDisposable {
  /** In the order of the layers. */
  readonly lenses: readonly Lens[];
}

export interface SaeSession extends OpenedTogether, Lens, AsyncDisposable {}

/**
 * Opens what the flags name, with an autoencoder for each layer; measures them, and says all that on
 * stderr.
 *
 * @throws {UserError} if the model or an autoencoder cannot be opened, or they do not fit
 */
export async function openLenses(
  flags: SaeFlags,
  { layers, layerOption }: AskedLayers,
  ctx: CommandContext,
  watch: Stopwatch,
): Promise<LensesSession> {
  await using stack = new AsyncDisposableStack();
  watch.stage("load model");
  await checkSaeChoice(flags.sae, layers, layerOption, flags.model);
  const model = stack.use(await openModel(flags.model, ctx));
  const saes: OpenedSae[] = [];
  for (const layer of layers) {
    saes.push(await openSae(flags.sae, { ...ctx, layer, layerOption, k: flags.k }, model));
  }
  const opened = await openBackend(flags.backend);
  const backend = stack.use(opened.backend);
  if (model.embedded) ctx.note(EMBEDDED_NOTE);
  const notes = saes.flatMap((sae) => [...sae.notes, ...scaleNotes(sae, flags.embedScale)]);
  for (const note of new Set(notes)) ctx.note(note);
  ctx.note(`Running ${model.name} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  const esm = stack.use(
    await Esm2.open(model.checkpoint, backend, {
      lowMemory: flags.lowMemory,
      tokenDropout: flags.embedScale === "train" ? false : undefined,
    }),
  );
  watch.stage("measure autoencoder");
  const lenses: Lens[] = [];
  for (const sae of saes) {
    const coder = stack.use(await SaeCoder.open(sae.sae, backend));
    const fidelity = flags.fidelity
      ? await measure(esm, coder, sae, { scale: flags.embedScale, layerOption }, model, ctx)
      : {};
    lenses.push({ sae, coder, fidelity });
  }
  const owned = stack.move();
  return { model, opened, esm, lenses, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The same with one autoencoder. */
export async function openSaeSession(
  flags: SaeFlags & { layer?: number },
  ctx: CommandContext,
  watch: Stopwatch,
): Promise<SaeSession> {
  const asked = { layers: [flags.layer], layerOption: "--layer" } as const;
  const { lenses: [lens], ...session } = await openLenses(flags, asked, ctx, watch);
  return { ...session, ...lens };
}

/** What of an opened autoencoder goes into run.json. */
export function describeSae({ sae: { config }, layout, file, sha256, metadata }: OpenedSae) {
  return { ...config, layout, file, sha256, ...(Object.keys(metadata).length > 0 && { metadata }) };
}

/** InterProt was trained with one scale and is used with the other, so that both are of interest. */
function scalesFor({ layout }: OpenedSae, own: EmbedScale): EmbedScale[] {
  return layout === "interprot" ? ["hf", "train"] : [own];
}

/** What a file of `sae train` says of its embedding scale, where another is used. */
function scaleNotes({ metadata: { embed_scale: trained } }: OpenedSae, own: EmbedScale): string[] {
  if (trained === undefined || trained === own) return [];
  return [`Warning: trained with --embed-scale ${trained}, used with ${own}.`];
}

async function measure(
  esm: Esm2,
  coder: SaeCoder,
  sae: OpenedSae,
  { scale: own, layerOption }: { scale: EmbedScale; layerOption: LayerOption },
  { checkpoint }: OpenedModel,
  ctx: CommandContext,
): Promise<Fidelities> {
  const scales = scalesFor(sae, own), found: Fidelities = {};
  for (const scale of scales) {
    const tokenDropout = scale === "hf" && checkpoint.config.tokenDropout;
    found[scale] = await measureFidelity(esm, coder, fidelityPanel, {
      tokenDropout,
      checks: scale === own,
      signal: ctx.signal,
    });
    const suffix = scales.length > 1 ? `, --embed-scale ${scale}` : "";
    ctx.note(fidelityText(`${coder.sae.config.name}${suffix}`, found[scale]));
  }
  const warning = fidelityWarning(found[own]!, sae, own, layerOption);
  if (warning) ctx.note(warning);
  return found;
}
