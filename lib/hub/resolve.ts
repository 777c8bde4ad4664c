/** From what a person calls a model to the files it consists of. */
import { statOrUndefined } from "../io/paths.ts";
import { basename, dirname, join } from "node:path";
import { quote, UserError } from "../errors.ts";
import { fetchModel, type FetchOptions } from "./fetch_model.ts";
import { findModel, type ModelEntry, models, nearestModel } from "./manifest.ts";

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
 * Resolves a model: a known name (fetched to the cache on demand), or an existing file or folder.
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
  if (info === undefined) throw unknownModel("open", spec, ", or an existing path");
  if (!info.isDirectory) return { name: nameOf(spec), path: spec, files: [spec] };
  const names: string[] = [];
  for await (const item of Deno.readDir(spec)) if (!item.isDirectory) names.push(item.name);
  return { name: basename(spec), path: spec, files: names.sort().map((name) => join(spec, name)) };
}

/** The error for a text that names no known checkpoint: lists all six, and the nearest. */
export function unknownModel(action: string, spec: string, orElse = ""): UserError {
  const nearest = nearestModel(spec);
  return new UserError(
    `Cannot ${action} the model as its name must be one of ` +
      `${models.map(({ name }) => name).join(", ")}${orElse}: current value is ${quote(spec)}` +
      (nearest ? ` (did you mean ${nearest}?)` : ""),
  );
}

/** Files that are called the same in every checkpoint go by their folder. */
function nameOf(path: string): string {
  const stem = basename(path).replace(/\.(safetensors|pt|pth|bin)$/, "");
  return /^(model|pytorch_model)\b/.test(stem) ? basename(dirname(path)) || stem : stem;
}
