/** Where downloaded checkpoints lie. */
import { basename, join } from "node:path";
import { UserError } from "../errors.ts";
import { statOrUndefined } from "../io/paths.ts";
import type { HubEntry } from "./manifest.ts";
import { checkSmallFile, isSmall, MOST_SMALL_BYTES, readShardNames } from "./shards.ts";

/** What {@link cacheDir} needs to know of the system. */
export interface Platform {
  os: string;
  env(name: string): string | undefined;
}

const thisPlatform: Platform = { os: Deno.build.os, env: (name) => Deno.env.get(name) };

/**
 * The cache folder: `ESMSCOPE_CACHE`, otherwise `esmscope` in the platform's place for caches.
 *
 * @throws {UserError} if the environment names no home folder
 */
export function cacheDir({ os, env }: Platform = thisPlatform): string {
  const named = env("ESMSCOPE_CACHE");
  if (named) return named;
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    if (local) return join(local, "esmscope");
  }
  const xdg = os === "windows" || os === "darwin" ? undefined : env("XDG_CACHE_HOME");
  // The specification of XDG_CACHE_HOME says that relative values are to be ignored.
  if (xdg?.startsWith("/")) return join(xdg, "esmscope");
  const home = homeDir({ os, env });
  if (!home) {
    throw new UserError(
      "Cannot find the model cache as ESMSCOPE_CACHE or HOME must be set: current value is none",
    );
  }
  return os === "darwin"
    ? join(home, "Library", "Caches", "esmscope")
    : join(home, ".cache", "esmscope");
}

/** The user's own folder, or undefined where the environment names none. */
export function homeDir({ env }: Platform): string | undefined {
  return env("HOME") || env("USERPROFILE") || undefined;
}

export interface CacheState {
  /** The checkpoint's folder. */
  path: string;
  /** All of its files are there; files get their names only once whole and verified. */
  complete: boolean;
  /** The files that are there, as paths. */
  files: string[];
  /** Bytes of those files and of unfinished downloads. */
  sizeBytes: number;
}

/** Looks which files of a checkpoint the cache has. */
export async function inspectCache(cache: string, entry: HubEntry): Promise<CacheState> {
  const path = join(cache, entry.name);
  const names = entry.files.map(({ name }) => name);
  let complete = true;
  if (entry.index) {
    names.push(entry.index);
    const index = await readSmallFile(join(path, entry.index));
    const shards = index === undefined ? undefined : readShardNames(index, entry.index);
    if (shards) names.push(...shards.filter((name) => !names.includes(name)));
    else complete = false;
  }
  const files: string[] = [];
  let sizeBytes = 0;
  for (const name of names) {
    const file = join(path, name);
    const size = await isUsable(file) ? await sizeOf(file) : undefined;
    if (size === undefined) {
      complete = false;
      sizeBytes += await sizeOf(`${file}.part`) ?? 0;
    } else {
      files.push(file);
      sizeBytes += size;
    }
  }
  return { path, complete, files, sizeBytes };
}

/** Bytes of a file, or undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const info = await statOrUndefined(path);
  return info?.isFile ? info.size : undefined;
}

/** Whether a file is there; a small one that cannot be read is as good as none. */
export async function isUsable(path: string): Promise<boolean> {
  if (isSmall(path)) return await readSmallFile(path) !== undefined;
  return await sizeOf(path) !== undefined;
}

/** The text of a configuration or an index that is there and can be read. */
async function readSmallFile(path: string): Promise<string | undefined> {
  const size = await sizeOf(path);
  if (size === undefined || size > MOST_SMALL_BYTES) return undefined;
  const text = await Deno.readTextFile(path);
  try {
    checkSmallFile(basename(path), text);
    return text;
  } catch {
    return undefined;
  }
}
