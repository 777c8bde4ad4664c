/** From what a person calls a model to the files it consists of. */
import { statOrUndefined } from "../io/paths.ts";
import { basename, dirname, join, resolve } from "node:path";
import { quote, UserError } from "../errors.ts";
import { fetchModel, type FetchOptions } from "./fetch_model.ts";
import { findSnapshot, huggingFaceCache, repositoryName, resolveSnapshot } from "./local.ts";
import { findFold, findModel, type ModelEntry, models, nearestModel } from "./manifest.ts";

export interface ResolvedModel {
  /** `esm2_t6_8M_UR50D`, or what the file or folder is called. */
  name: string;
  /** The folder of a known checkpoint, or the path as it was given. */
  path: string;
  /** The files, as paths; those of a folder in ascending order. */
  files: string[];
  /** The manifest's entry, for a known checkpoint. */
  entry?: ModelEntry;
}

/**
 * Resolves a model: a known name (fetched to the cache on demand), an existing file or folder (one of
 * Hugging Face's cache goes by its repository's name), or an `ORG/NAME` that that cache has.
 *
 * @throws {UserError} if the text is neither
 */
export async function resolveModel(
  spec: string,
  options: FetchOptions = {},
): Promise<ResolvedModel> {
  const entry = findModel(spec);
  if (entry) {
    const { path, files } = await fetchModel(entry, options);
    return { name: entry.name, path, files, entry };
  }
  const info = await statOrUndefined(spec);
  if (info === undefined) {
    const snapshot = await cachedRepository(spec);
    if (snapshot === undefined) throw unknownModel("open", spec, ", or an existing path");
    options.note?.(`Uses ${snapshot} of Hugging Face's cache.`);
    return await folderModel(snapshot);
  }
  if (!info.isDirectory) return { name: nameOf(spec), path: spec, files: [spec] };
  return await folderModel(await resolveSnapshot(spec));
}

/** A folder that is there, or the snapshot of an `ORG/NAME` or a `models--ORG--NAME` of Hugging Face's cache. */
export async function resolveFolder(spec: string): Promise<string> {
  const info = await statOrUndefined(spec);
  if (info?.isDirectory) return await resolveSnapshot(spec);
  return info === undefined ? await cachedRepository(spec) ?? spec : spec;
}

/** Folder or file of a model that folds: a known name (fetched to the cache on demand) or a path. */
export async function resolveFold(spec: string, options: FetchOptions = {}): Promise<string> {
  const entry = findFold(spec);
  return entry ? (await fetchModel(entry, options)).path : await resolveFolder(spec);
}

async function folderModel(path: string): Promise<ResolvedModel> {
  const names: string[] = [];
  for await (const item of Deno.readDir(path)) if (!item.isDirectory) names.push(item.name);
  const name = repositoryName(path) ?? basename(resolve(path));
  return { name, path, files: names.sort().map((name) => join(path, name)) };
}

/** Where Hugging Face's cache has a repository that is none of the manifest's. */
async function cachedRepository(spec: string): Promise<string | undefined> {
  const cache = /^[\w.-]+\/[\w.-]+$/.test(spec) ? huggingFaceCache() : undefined;
  return cache && await findSnapshot(cache, spec);
}

/** The error for a text that names no known checkpoint: lists all, and the nearest. @param also other names that would do */
export function unknownModel(
  action: string,
  spec: string,
  orElse = "",
  also: readonly { name: string }[] = [],
): UserError {
  const nearest = nearestModel(spec);
  return new UserError(
    `Cannot ${action} the model as its name must be one of ` +
      `${[...models, ...also].map(({ name }) => name).join(", ")}${orElse}: current value is ${
        quote(spec)
      }` +
      (nearest ? ` (did you mean ${nearest}?)` : ""),
  );
}

/** Files that are called the same in every checkpoint go by their folder. */
function nameOf(path: string): string {
  const stem = basename(path).replace(/\.(safetensors|pt|pth|bin)$/, "");
  if (!/^(model|pytorch_model)\b/.test(stem)) return stem;
  const folder = dirname(resolve(path));
  return repositoryName(folder) ?? (basename(folder) || stem);
}
