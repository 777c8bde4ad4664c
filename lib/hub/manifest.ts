/** The six published ESM-2 checkpoints: what they are, where they are and what they must hash to. */
import { nearest } from "../errors.ts";
import manifest from "../../models/manifest.json" with { type: "json" };

export interface ModelFile {
  name: string;
  /** Published SHA-256 in hexadecimal; small files have none. */
  sha256?: string;
}

/** Files of one repository that belong together. */
export interface HubEntry {
  /** Also their folder in the cache. */
  name: string;
  parameters: number;
  /** Bytes of its weights, where they are not in single precision. */
  bytes?: number;
  /** `owner/name` on the hub. */
  repository: string;
  revision: string;
  files: ModelFile[];
  /** The file that names the weight shards, for checkpoints that have several. */
  index?: string;
}

export interface ModelEntry extends HubEntry {
  layers: number;
  /** Width of the hidden state. */
  d: number;
  heads: number;
  licence: string;
}

/** A model that folds proteins. */
export interface FoldEntry extends HubEntry {
  /** Of its language model. */
  layers: number;
  licence: string;
}

/** The known checkpoints, smallest first. */
export const models: readonly ModelEntry[] = manifest.models;

/** The published models that fold proteins. */
export const folds: readonly FoldEntry[] = manifest.folds;

/** Finds a model that folds by its name or its `owner/name`. */
export const findFold = (spec: string): FoldEntry | undefined =>
  folds.find(({ name, repository }) => spec === name || spec === repository);

/** The hub's address unless the user names another. */
export const defaultHub: string = manifest.hub;

/** Finds a checkpoint by its name or its `owner/name`. */
export function findModel(spec: string): ModelEntry | undefined {
  return models.find(({ name, repository }) => spec === name || spec === repository);
}

/** Bytes of the weights, of float32 ones from the number of parameters; the file is a few percent larger. */
export const estimateBytes = ({ bytes, parameters }: HubEntry): number => bytes ?? 4 * parameters;

/** The known name that the text most likely means, or undefined when none is near. */
export function nearestModel(spec: string): string | undefined {
  const text = spec.toLowerCase().replace(/^.*\//, "");
  const size = /(?:^|[^a-z0-9])(\d+[mb])(?:[^a-z0-9]|$)/.exec(text)?.[1];
  const named = size && models.find(({ name }) => name.toLowerCase().split("_").includes(size));
  if (named) return named.name;
  return nearest(text, models.map(({ name }) => name), 4);
}
