/** Reads a sparse autoencoder from any of the layouts that are published. */
import { basename } from "node:path";
import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { readInterplm } from "./interplm.ts";
import { readInterprot } from "./interprot.ts";
import type { LayerOption } from "./options.ts";
import { depthOfPath, kOfPath } from "./path_layer.ts";
import { readStoredSae, type StoredSae } from "./stored.ts";
import type { Sae, SaeConfig } from "./types.ts";
import { SAE_FORMAT } from "./write.ts";

/** Who wrote a file: this project, InterProt, or InterPLM. */
export type SaeLayout = "esmscope" | "interprot" | "interplm";

/** The model that an SAE is read for. */
export interface SaeModel {
  readonly name: string;
  readonly layers: number;
  readonly dModel: number;
}

/** What a person says of a file, before what the file or its path says. */
export interface SaeChoice {
  /** What to call it. @default the file's name without extension */
  name?: string;
  /** Blocks that have run where it reads the residual stream. */
  layer?: number;
  /** By which option layers are said. @default --layer */
  layerOption?: LayerOption;
  /** How many of the largest pre-activations stay. */
  k?: number;
}

export interface ReadSae {
  readonly sae: Sae;
  readonly layout: SaeLayout;
  /** Texts that the file's header holds. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What a person should know: a layer or k that is assumed or was overruled. */
  readonly notes: readonly string[];
}

/**
 * Reads an SAE file: InterProt's (`w_enc`, .safetensors), InterPLM's (`encoder.weight`, .pt), or our
 * own (`writeSae`).
 *
 * @throws {UserError} if the file is damaged or incomplete, does not fit the model, or needs a layer
 */
export async function readSae(
  source: RandomAccess,
  model: SaeModel,
  choice: SaeChoice = {},
): Promise<ReadSae> {
  const stored = await readStoredSae(source);
  const layout = layoutOf(stored);
  const said = saidOf(stored, layout, model);
  const notes: string[] = [];
  const depth = depthFor(stored, said, model, choice, notes);
  const weights = layout === "interplm" ? await readInterplm(stored) : await readInterprot(stored);
  notes.push(...weights.notes ?? []);
  const dModel = weights.bPre.length, latents = weights.bEnc.length;
  if (dModel !== model.dModel) {
    throw new UserError(
      `Cannot use ${stored.label} with ${model.name} as an autoencoder must have the model's ` +
        `width ${model.dModel}: current value is ${dModel}`,
    );
  }
  const k = choice.k ?? said.k;
  if (k !== undefined && !(Number.isInteger(k) && k >= 1 && k <= latents)) {
    throw new UserError(
      `Cannot use ${stored.label} as k must be in 1..${latents}, its number of latents: ` +
        `current value is ${k}${choice.k === undefined ? "; --k chooses another" : ""}`,
    );
  }
  notes.push(...kNotes(stored, layout, choice.k, said.k));
  const { wEnc, wDec, bEnc, bPre } = weights;
  const config: SaeConfig = {
    name: choice.name ?? (stored.metadata.name || nameOf(stored.label)),
    dModel,
    latents,
    depth,
    afterFinalNorm: said.afterFinalNorm(depth),
    normalisation: weights.normalisation ?? said.normalisation,
    ...(k !== undefined && { k }),
  };
  return {
    sae: { config, wEnc, wDec, bEnc, bPre },
    layout,
    metadata: stored.metadata,
    notes,
  };
}

/** What a file says of itself. */
interface Said extends Pick<SaeConfig, "normalisation" | "k"> {
  depth?: number;
  afterFinalNorm(depth: number): boolean;
}

function layoutOf({ label, tensors, metadata }: StoredSae): SaeLayout {
  if (metadata.format === SAE_FORMAT) return "esmscope";
  if (tensors.has("w_enc") || tensors.has("w_dec")) return "interprot";
  if (tensors.has("encoder.weight") || tensors.has("decoder.weight")) return "interplm";
  const names = [...tensors.keys()];
  throw new UserError(
    `Cannot read ${label} as an autoencoder must hold w_enc (InterProt) or encoder.weight ` +
      `(InterPLM): it has ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`,
  );
}

function saidOf({ label, metadata }: StoredSae, layout: SaeLayout, { layers }: SaeModel): Said {
  if (layout === "interprot") {
    return {
      depth: depthOfPath(label),
      normalisation: "zscore",
      // Of names without k, the older files of 100,000 steps were trained with 128, all others with 64
      // (SAEConfigs.ts).
      k: kOfPath(label) ?? (/_100k\b/.test(basename(label)) ? 128 : 64),
      // Its training looped over the blocks and left the final LayerNorm out (esm_wrapper.py).
      afterFinalNorm: () => false,
    };
  }
  if (layout === "interplm") {
    // It reads Hugging Face's hidden_states, of which the last is normalised.
    const afterFinalNorm = (depth: number) => depth === layers;
    return { depth: depthOfPath(label), normalisation: "none", afterFinalNorm };
  }
  const fail = (key: string, rule: string): never => {
    throw new UserError(
      `Cannot read ${label} as ${key} in its header must be ${rule}: current value is ` +
        (metadata[key] === undefined ? "absent" : quote(metadata[key])),
    );
  };
  const whole = (key: string) =>
    /^\d{1,6}$/.test(metadata[key] ?? "") ? Number(metadata[key]) : fail(key, "a whole number");
  const { normalisation, after_final_norm: normed } = metadata;
  if (normalisation !== "zscore" && normalisation !== "rms" && normalisation !== "none") {
    return fail("normalisation", '"zscore", "rms" or "none"');
  }
  if (normed !== "true" && normed !== "false") fail("after_final_norm", '"true" or "false"');
  const depth = whole("layer");
  if (normed === "true" && depth !== layers) {
    fail("after_final_norm", `"false" unless layer is the model's last, ${layers}`);
  }
  return {
    depth,
    normalisation,
    ...(metadata.k !== undefined && { k: whole("k") }),
    afterFinalNorm: (chosen) => normed === "true" && chosen === depth,
  };
}

/** Where k is from, unless the file itself holds it. */
function kNotes(
  { label }: StoredSae,
  layout: SaeLayout,
  chosen: number | undefined,
  said: number | undefined,
): string[] {
  if (layout !== "interprot") return [];
  const named = kOfPath(label) !== undefined;
  if (chosen === undefined) {
    return named
      ? [`k = ${said}, as the file's name says.`]
      : [`k = ${said} is assumed, as the file does not say it; --k chooses another.`];
  }
  return named && chosen !== said
    ? [`Keeps ${chosen} latents as asked, though the file's name says ${said}.`]
    : [];
}

function depthFor(
  { label }: StoredSae,
  said: Said,
  model: SaeModel,
  { layer, layerOption = "--layer" }: SaeChoice,
  notes: string[],
): number {
  const depth = layer ?? said.depth;
  if (depth === undefined) {
    throw new UserError(
      `Cannot use ${label} as ${layerOption} must say after how many blocks (1..${model.layers}) it reads ` +
        "the residual stream: its name does not",
    );
  }
  if (!(Number.isInteger(depth) && depth >= 1 && depth <= model.layers)) {
    throw new UserError(
      `Cannot use ${label} with ${model.name} as ${
        layer === undefined ? "its layer" : layerOption
      } ` +
        `must be in 1..${model.layers}, the blocks of the model: current value is ${depth}`,
    );
  }
  if (said.depth !== undefined && depth !== said.depth) {
    notes.push(`Reads layer ${depth} as asked, though the file is of layer ${said.depth}.`);
  }
  return depth;
}

function nameOf(label: string): string {
  return basename(label).replace(/\.[^.]*$/, "");
}
