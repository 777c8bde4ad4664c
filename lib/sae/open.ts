/** Opens the sparse autoencoder a person asked for, or the embedded model's own. */
import { statOrUndefined } from "../io/paths.ts";
import { join } from "node:path";
import { hashSource } from "../checkpoint/checkpoint.ts";
import { quote, UserError } from "../errors.ts";
import {
  EMBEDDED_NAME,
  EMBEDDED_SAE_LAYER,
  EMBEDDED_SAE_LAYERS,
  EMBEDDED_WIDTH,
  openEmbeddedSae,
} from "../hub/embedded.ts";
import { fetchModel, type FetchOptions } from "../hub/fetch_model.ts";
import { findModel } from "../hub/manifest.ts";
import type { OpenedModel } from "../hub/open_model.ts";
import { describeSaes, findSae } from "../hub/saes.ts";
import { openRandomAccess, type RandomAccess } from "../io/random_access.ts";
import type { LayerOption } from "./options.ts";
import { depthOfPath } from "./path_layer.ts";
import { type ReadSae, readSae, type SaeChoice } from "./read.ts";

/** An SAE and where it came from. */
export interface OpenedSae extends ReadSae {
  /** Path or address of its file. */
  readonly file: string;
  /** SHA-256 of the file in hexadecimal. */
  readonly sha256: string;
}

/** Which of an autoencoder's layers, how many latents it keeps, and how it is downloaded. */
export interface OpenSaeOptions
  extends FetchOptions, Pick<SaeChoice, "layer" | "layerOption" | "k"> {}

/**
 * Opens an SAE for a model.
 *
 * @param spec a published name (`interprot:l24`, fetched on demand), a file, a folder of files of
 *   several layers, `embedded`, or nothing, which is `embedded` where the model is the embedded one
 * @throws {UserError} if there is no such SAE, its file is damaged, or it does not fit the model
 */
export async function openSae(
  spec: string | undefined,
  { layer, layerOption = "--layer", k, ...options }: OpenSaeOptions,
  model: OpenedModel,
): Promise<OpenedSae> {
  const { layers, dModel } = model.checkpoint.config;
  const notes: string[] = [];
  const located = await locate(spec, { layer, layerOption }, options, model, notes);
  using source = located.source;
  const sae = await readSae(
    source,
    { name: model.name, layers, dModel },
    { layer: layer ?? located.layer, layerOption, k, name: located.name },
  );
  notes.push(...sae.notes, ...await modelNotes(sae.metadata, model));
  return { ...sae, notes, file: source.label, sha256: await hashSource(source) };
}

/**
 * Checks what can be told of a choice before a model or an autoencoder is downloaded for it.
 *
 * @param layers undefined: as the autoencoder's file says
 * @param modelSpec as {@link openModel} takes it
 * @throws {UserError} as {@link openSae} would, for any of the layers
 */
export async function checkSaeChoice(
  spec: string | undefined,
  layers: readonly (number | undefined)[],
  layerOption: LayerOption,
  modelSpec: string | undefined,
): Promise<void> {
  const model = knownModel(modelSpec);
  for (const layer of layers) {
    if (isEmbedded(spec)) {
      if (model) embeddedLayer(spec, { layer, layerOption }, model);
      continue;
    }
    const entry = findSae(spec, layer, layerOption);
    if (!entry) {
      if (await statOrUndefined(spec) === undefined) throw unknownSae(spec);
    } else if (model && entry.dModel !== model.dModel) {
      throw new UserError(
        `Cannot use ${entry.spec} with ${model.name} as the model must have the width of ` +
          `${entry.model}, ${entry.dModel}: current value is ${model.dModel}`,
      );
    }
  }
}

/** What of a model is known by its name; undefined for one on disk. */
function knownModel(
  spec: string | undefined,
): { name: string; embedded: boolean; dModel: number } | undefined {
  if (spec === undefined || spec === EMBEDDED_NAME) {
    return { name: EMBEDDED_NAME, embedded: true, dModel: EMBEDDED_WIDTH };
  }
  const entry = findModel(spec);
  return entry && { name: entry.name, embedded: false, dModel: entry.d };
}

/** A layer that was asked for, and by which option. */
interface Asked {
  layer?: number;
  layerOption: LayerOption;
}

interface Located {
  source: RandomAccess;
  name?: string;
  layer?: number;
}

async function locate(
  spec: string | undefined,
  asked: Asked,
  { signal, ...options }: FetchOptions,
  model: OpenedModel,
  notes: string[],
): Promise<Located> {
  if (isEmbedded(spec)) {
    const layer = embeddedLayer(spec, asked, model);
    const source = await openEmbeddedSae(layer, signal);
    return { source, name: `${EMBEDDED_NAME}:l${layer}`, layer };
  }
  const entry = findSae(spec, asked.layer, asked.layerOption);
  if (entry) {
    if (entry.model !== model.name) {
      notes.push(`${entry.spec} was trained on ${entry.model}, not on ${model.name}.`);
    }
    const { files: [path] } = await fetchModel(entry, { ...options, signal });
    return { source: await openRandomAccess(path), name: entry.spec, layer: entry.layer };
  }
  const info = await statOrUndefined(spec);
  if (info === undefined) throw unknownSae(spec);
  if (!info.isDirectory) return { source: await openRandomAccess(spec) };
  return { source: await openRandomAccess(await chooseFile(spec, asked)) };
}

function unknownSae(spec: string): UserError {
  return new UserError(
    `Cannot open --sae as it must be an existing file or folder, embedded, or one of ` +
      `${describeSaes()}: current value is ${quote(spec, 200)}`,
  );
}

function isEmbedded(spec: string | undefined): spec is "embedded" | undefined {
  return spec === undefined || spec === "embedded";
}

/** Which of the embedded model's own: that of its middle layer unless another is named. */
function embeddedLayer(
  spec: "embedded" | undefined,
  { layer, layerOption }: Asked,
  model: Pick<OpenedModel, "name" | "embedded">,
): number {
  if (!model.embedded) {
    throw new UserError(
      spec === undefined
        ? `Cannot use ${model.name} without an autoencoder as --sae must name one, a file or one of ` +
          `${describeSaes()}: current value is none`
        : `Cannot use --sae embedded with ${model.name} as it belongs to ${EMBEDDED_NAME}`,
    );
  }
  const chosen = layer ?? EMBEDDED_SAE_LAYER;
  if (!EMBEDDED_SAE_LAYERS.includes(chosen)) {
    throw new UserError(
      `Cannot use the embedded autoencoder as ${layerOption} must be one of ` +
        `${EMBEDDED_SAE_LAYERS.join(", ")}: current value is ${chosen}`,
    );
  }
  return chosen;
}

/** SAELens keeps how often latents fire beside the weights. */
const SAE_FILE = /(?<!^sparsity)\.(safetensors|pt|pth|bin|ckpt)$/;

/** The file of a layer among those of a folder and its `layer_…` folders, or the only one. */
async function chooseFile(folder: string, { layer, layerOption }: Asked): Promise<string> {
  const files: string[] = [];
  const add = async (dir: string, nested: boolean) => {
    for await (const { name, isDirectory } of Deno.readDir(dir)) {
      if (!isDirectory && SAE_FILE.test(name)) files.push(join(dir, name));
      else if (isDirectory && nested && depthOfPath(name) !== undefined) {
        await add(join(dir, name), false);
      }
    }
  };
  await add(folder, true);
  files.sort();
  const fitting = layer === undefined || files.length === 1
    ? files
    : files.filter((path) => depthOfPath(path) === layer);
  // InterPLM keeps both kinds side by side and means the normalised one.
  const preferred = fitting.filter((path) => !path.includes("unnormalized"));
  const [only, second] = preferred.length > 0 ? preferred : fitting;
  if (only !== undefined && second === undefined) return only;
  const layers = [...new Set(files.map(depthOfPath))].filter((each) => each !== undefined);
  throw new UserError(
    `Cannot choose an autoencoder of ${quote(folder, 200)} as ` +
      (files.length === 0
        ? "it must hold a .safetensors or .pt file: it has none"
        : `${layerOption} must single one out (${layers.sort((a, b) => a - b).join(", ")}): ` +
          `current value is ${layer ?? "none"}, ${fitting.length} files`),
  );
}

async function modelNotes(
  metadata: Readonly<Record<string, string>>,
  model: OpenedModel,
): Promise<string[]> {
  const { model: name, model_sha256: sha256 } = metadata;
  // Hashing gigabytes takes seconds: only where there is something to compare with.
  if (!sha256 || sha256 === await model.checkpoint.sha256()) return [];
  return [
    `Warning: the autoencoder was trained on other weights (${name ?? "unnamed"}, SHA-256 ` +
    `${sha256.slice(0, 12)}…) than those of ${model.name}.`,
  ];
}
