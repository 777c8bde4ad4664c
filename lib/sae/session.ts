/** Analyses beside autoencoders: opened after the model, measured before the work. */
import { fidelityPanel } from "../../data/fidelity_panel.ts";
import type { CommandContext } from "../cli/context.ts";
import type { Esm2 } from "../esm2/mod.ts";
import type { OpenedModel } from "../hub/open_model.ts";
import type { Analysis, OpenedRun, Plan, RunFlags, Work } from "../run/run.ts";
import { SaeCoder } from "./coder.ts";
import { type Fidelity, measureFidelity } from "./fidelity.ts";
import { fidelityText, fidelityWarning } from "./fidelity_text.ts";
import { checkSaeChoice, type OpenedSae, openSae } from "./open.ts";
import type { EmbedScale, LayerOption } from "./options.ts";

/** Values of `runOptions`, `modelOptions` and `saeOptions`, but for the layer. */
export interface SaeFlags extends RunFlags {
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

/** Which layers, and by which option they were asked for. */
export interface AskedLayers {
  /** Blocks that have run; undefined: as the autoencoder's file says. */
  layers: readonly (number | undefined)[];
  layerOption: LayerOption;
}

/** What a command does itself, in the words of {@linkcode Analysis}. */
export interface SaeAnalysis<Inputs> {
  command: string;
  read(): Promise<Inputs>;
  /** @param saes of the layers that were asked for, in their order */
  plan(inputs: Inputs, saes: readonly OpenedSae[]): SaePlan | Promise<SaePlan>;
}

export interface SaePlan extends Omit<Plan, "open" | "notes" | "tokenDropout"> {
  open(opened: OpenedRun, lenses: readonly Lens[]): Work | Promise<Work>;
}

/**
 * An analysis with an autoencoder for each layer.
 *
 * It throws a UserError if an autoencoder cannot be opened, or does not fit the model.
 */
export function withSaes<Inputs extends { notes: readonly string[] }>(
  flags: SaeFlags,
  { layers, layerOption }: AskedLayers,
  ctx: CommandContext,
  { command, read, plan }: SaeAnalysis<Inputs>,
): Analysis<Inputs> {
  const { embedScale } = flags;
  return {
    command,
    async read() {
      const inputs = await read();
      await checkSaeChoice(flags.sae, layers, layerOption, flags.model);
      return inputs;
    },
    async plan(inputs, model) {
      const saes: OpenedSae[] = [];
      for (const layer of layers) {
        saes.push(await openSae(flags.sae, { ...ctx, layer, layerOption, k: flags.k }, model));
      }
      const own = await plan(inputs, saes);
      const notes = saes.flatMap((sae) => [...sae.notes, ...scaleNotes(sae, embedScale)]);
      return {
        ...own,
        notes: [...new Set(notes)],
        settings: {
          ...own.settings,
          saes: saes.map(({ sha256, sae: { config } }) => ({ sha256, config })),
          embedScale,
        },
        tokenDropout: embedScale === "train" ? false : undefined,
        async open(opened) {
          opened.stage("measure autoencoder");
          const lenses: Lens[] = [];
          for (const sae of saes) {
            const coder = opened.stack.use(await SaeCoder.open(sae.sae, opened.esm.backend));
            const asked = { scale: embedScale, layerOption };
            const fidelity = flags.fidelity
              ? await measure(opened.esm, coder, sae, asked, model, ctx)
              : {};
            lenses.push({ sae, coder, fidelity });
          }
          const work = await own.open(opened, lenses);
          return { ...work, record: { ...describeLenses(lenses, layerOption), ...work.record } };
        },
      };
    },
  };
}

/** What of opened autoencoders goes into run.json. */
function describeLenses(lenses: readonly Lens[], layerOption: LayerOption) {
  if (layerOption === "--layers") {
    return { saes: lenses.map(({ sae, fidelity }) => ({ ...describeSae(sae), fidelity })) };
  }
  const [{ sae, fidelity }] = lenses;
  return { sae: describeSae(sae), fidelity };
}

function describeSae({ sae: { config }, layout, file, sha256, metadata }: OpenedSae) {
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
