/** Reads a sparse autoencoder from any of the layouts that are published. */
import { basename } from "node:path";
import { showAs } from "../display.ts";
import { UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import type { SaeFile, SaeModel } from "./formats/format.ts";
import { formats } from "./formats/mod.ts";
import type { LayerOption } from "./options.ts";
import { readStoredSae, type StoredSae } from "./stored.ts";
import { type Sae, type SaeConfig, saeText } from "./types.ts";

export type { SaeModel } from "./formats/format.ts";

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

/** An autoencoder and what its file says. */
export interface ReadSae {
  /** The autoencoder. */
  readonly sae: Sae;
  /** Who wrote it: the name of its layout. */
  readonly layout: string;
  /** Texts that the file's header holds. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What a person should know: a layer or k that is assumed or was overruled. */
  readonly notes: readonly string[];
}

/**
 * Reads an SAE file: InterProt's (`w_enc`), InterPLM's (`encoder.weight`), our own (`writeSae`), or one
 * of the other layouts of `formats/mod.ts`.
 *
 * @throws {UserError} if the file is damaged or incomplete, does not fit the model, or needs a layer
 */
export async function readSae(
  source: RandomAccess,
  model: SaeModel,
  choice: SaeChoice = {},
): Promise<ReadSae> {
  const stored = await readStoredSae(source);
  const format = formats.find((each) => each.recognises(stored));
  if (format === undefined) throw unrecognised(stored);
  const file = await format.read(stored, model);
  const notes: string[] = [];
  const depth = depthFor(stored, file, model, choice, notes);
  notes.push(...file.notes ?? []);
  const dModel = file.bPre.length, latents = file.bEnc.length;
  if (dModel !== model.dModel) {
    throw new UserError(
      `Cannot use ${stored.label} with ${model.name} as an autoencoder must have the model's ` +
        `width ${model.dModel}: current value is ${dModel}`,
    );
  }
  const k = choice.k ?? file.k?.value;
  if (k !== undefined && !(Number.isInteger(k) && k >= 1 && k <= latents)) {
    throw new UserError(
      `Cannot use ${stored.label} as k must be in 1..${latents}, its number of latents: ` +
        `current value is ${k}${choice.k === undefined ? "; --k chooses another" : ""}`,
    );
  }
  notes.push(...kNotes(choice.k, file));
  const { wEnc, wDec, bEnc, bPre, threshold, normalisation } = file;
  const config: SaeConfig = {
    name: choice.name ?? (stored.metadata.name || nameOf(stored.label)),
    dModel,
    latents,
    depth,
    afterFinalNorm: file.afterFinalNorm(depth),
    normalisation,
    ...(k !== undefined && { k }),
  };
  const sae: Sae = {
    ...{ config, wEnc, wDec, bEnc, bPre },
    ...(threshold && k === undefined && { threshold }),
  };
  return {
    sae: showAs(sae, { text: saeText }),
    layout: format.name,
    metadata: stored.metadata,
    notes,
  };
}

function unrecognised({ label, tensors }: StoredSae): UserError {
  const names = [...tensors.keys()];
  const signs = formats.map(({ sign }) => sign).filter((sign) => sign !== undefined);
  return new UserError(
    `Cannot read ${label} as an autoencoder must hold ${signs.slice(0, -1).join(", ")} or ` +
      `${signs.at(-1)}: it has ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}`,
  );
}

/** Where k is from, unless the file itself holds it. */
function kNotes(chosen: number | undefined, { k, threshold }: SaeFile): string[] {
  if (chosen !== undefined) {
    if (k !== undefined && k.from !== "assumed" && k.value !== chosen) {
      const who = k.from === "name" ? "the file's name" : "the file";
      return [`Keeps ${chosen} latents as asked, though ${who} says ${k.value}.`];
    }
    return threshold ? [`Keeps ${chosen} latents as asked, not those above a threshold.`] : [];
  }
  if (k?.from === "name") return [`k = ${k.value}, as the file's name says.`];
  return k?.from === "assumed"
    ? [`k = ${k.value} is assumed, as the file does not say it; --k chooses another.`]
    : [];
}

function depthFor(
  { label }: StoredSae,
  said: SaeFile,
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
