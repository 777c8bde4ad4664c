/**
 * Checkpoints that other tools left on this machine: Hugging Face's cache (huggingface_hub,
 * constants.py and file_download.py) and torch's (torch/hub.py, where fair-esm downloads to).
 */
import { basename, dirname, join, resolve } from "node:path";
import { contactPath } from "../checkpoint/fair_esm.ts";
import { listWeights } from "../checkpoint/hugging_face.ts";
import { quote, UserError } from "../errors.ts";
import { statOrUndefined } from "../io/paths.ts";
import { type CacheState, homeDir, isUsable, type Platform, sizeOf } from "./cache.ts";
import type { HubEntry } from "./manifest.ts";

/** What another tool's cache has of an entry. */
export interface LocalCopy extends CacheState {
  /** Whose cache it is, for a message. */
  owner: "Hugging Face's cache" | "torch's cache";
}

/** Reads variables that a run without the right to them takes for unset. */
const permitted: Platform = {
  os: Deno.build.os,
  env: (variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
      ? Deno.env.get(variable)
      : undefined,
};

/** Where Hugging Face's libraries keep repositories; undefined where no home folder is known. */
export function huggingFaceCache(platform: Platform = permitted): string | undefined {
  const { env } = platform;
  const named = env("HF_HUB_CACHE") || env("HUGGINGFACE_HUB_CACHE");
  if (named) return expandHome(named, platform);
  const home = env("HF_HOME");
  if (home) return join(expandHome(home, platform), "hub");
  const parent = cacheParent(platform);
  return parent && join(parent, "huggingface", "hub");
}

/** Where torch.hub keeps weights; undefined where no home folder is known. */
export function torchCache(platform: Platform = permitted): string | undefined {
  const named = platform.env("TORCH_HOME");
  const parent = cacheParent(platform);
  const home = named ? expandHome(named, platform) : parent && join(parent, "torch");
  return home && join(home, "hub", "checkpoints");
}

/** Whether the environment forbids downloads, as Hugging Face's libraries read it. */
export function isOffline({ env }: Platform = permitted): boolean {
  return ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
    .some((name) => /^(1|on|yes|true)$/i.test(env(name) ?? ""));
}

/** The hub that the environment names: `ESMSCOPE_HUB`, otherwise `HF_ENDPOINT`. */
export function namedHub({ env }: Platform = permitted): string | undefined {
  return env("ESMSCOPE_HUB") || env("HF_ENDPOINT") || undefined;
}

/**
 * Looks for an entry in the caches of other tools.
 *
 * A file whose name in that cache is another SHA-256 than the published one does not count.
 */
export async function findLocal(
  entry: HubEntry,
  platform: Platform = permitted,
): Promise<LocalCopy | undefined> {
  const cache = huggingFaceCache(platform);
  const path = cache && await findSnapshot(cache, entry.repository, entry.revision);
  const files = path && await snapshotFiles(path, entry);
  if (path && files) return await copyOf("Hugging Face's cache", path, files);
  const checkpoints = torchCache(platform);
  const model = checkpoints && join(checkpoints, `${entry.name}.pt`);
  if (!model || !mayRead(model) || await sizeOf(model) === undefined) return undefined;
  const contact = contactPath(model);
  const both = await sizeOf(contact) === undefined ? [model] : [model, contact];
  return await copyOf("torch's cache", model, both);
}

/**
 * The folder of a repository's revision in Hugging Face's cache: what `refs/main` names, or the only
 * one there is.
 */
export async function findSnapshot(
  cache: string,
  repository: string,
  revision = "main",
): Promise<string | undefined> {
  const folder = join(cache, `models--${repository.replaceAll("/", "--")}`);
  if (!mayRead(folder) || !(await statOrUndefined(folder))?.isDirectory) return undefined;
  const { path } = await snapshotIn(folder, revision);
  return path;
}

/**
 * Where the files lie if a folder is a repository of Hugging Face's cache (`models--ORG--NAME`);
 * any other folder is its own place.
 *
 * @throws {UserError} if it has no snapshot, or several of which none is `refs/main`
 */
export async function resolveSnapshot(folder: string): Promise<string> {
  if (!basename(resolve(folder)).startsWith("models--")) return folder;
  const { path, revisions } = await snapshotIn(folder, "main");
  if (path) return path;
  throw new UserError(
    `Cannot open ${quote(folder, 200)} as one of its snapshots must be named by refs/main or be ` +
      `given: it has ${revisions.length === 0 ? "none" : revisions.join(", ")}`,
  );
}

/** What a folder of Hugging Face's cache is called there: NAME of `models--ORG--NAME`. */
export function repositoryName(path: string): string | undefined {
  const parts = resolve(path).split(/[\\/]/);
  const at = parts.at(-2) === "snapshots" ? -3 : -1;
  const found = /^models--(?:.*--)?(.+)$/.exec(parts.at(at) ?? "");
  return found?.[1];
}

async function snapshotIn(
  folder: string,
  revision: string,
): Promise<{ path?: string; revisions: string[] }> {
  const snapshots = join(folder, "snapshots");
  const revisions: string[] = [];
  if ((await statOrUndefined(snapshots))?.isDirectory) {
    for await (const { name, isDirectory } of Deno.readDir(snapshots)) {
      if (isDirectory) revisions.push(name);
    }
  }
  revisions.sort();
  const ref = join(folder, "refs", revision);
  const named = await sizeOf(ref) === undefined ? revision : (await Deno.readTextFile(ref)).trim();
  const chosen = revisions.includes(named)
    ? named
    : revisions.length === 1
    ? revisions[0]
    : undefined;
  return { ...(chosen && { path: join(snapshots, chosen) }), revisions };
}

/** The files of an entry in a snapshot, or undefined where it is not whole. */
async function snapshotFiles(path: string, entry: HubEntry): Promise<string[] | undefined> {
  for (const { name, sha256 } of entry.files) {
    if (sha256 && await isOther(join(path, name), sha256)) return undefined;
  }
  const wanted = entry.files.map(({ name }) => join(path, name));
  const whole = async (files: readonly string[]) =>
    (await Promise.all(files.map(isUsable))).every(Boolean);
  if (!entry.index && await whole(wanted)) return wanted;
  // Older versions of the libraries kept pytorch_model.bin, which is as good.
  const config = join(path, "config.json");
  if (!wanted.includes(config) || !await isUsable(config)) return undefined;
  try {
    const { paths } = await listWeights(path);
    return await whole(paths) ? [config, ...paths] : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Whether a link leads to a file that the cache calls by another SHA-256. */
async function isOther(path: string, sha256: string): Promise<boolean> {
  try {
    const blob = basename(await Deno.readLink(path));
    return /^[0-9a-f]{64}$/.test(blob) && blob !== sha256;
  } catch {
    // No link: copied, or on a system without them.
    return false;
  }
}

async function copyOf(
  owner: LocalCopy["owner"],
  path: string,
  files: string[],
): Promise<LocalCopy> {
  const sizes = await Promise.all(files.map(sizeOf));
  return {
    owner,
    path,
    files,
    complete: true,
    sizeBytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
  };
}

/** Both libraries put their caches there, on every system. */
function cacheParent(platform: Platform): string | undefined {
  const home = homeDir(platform);
  return platform.env("XDG_CACHE_HOME") || (home && join(home, ".cache"));
}

function expandHome(path: string, platform: Platform): string {
  const home = homeDir(platform);
  return home && /^~(?=[\\/]|$)/.test(path) ? join(home, path.slice(1)) : path;
}

function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path: dirname(path) }).state === "granted";
}
