/** Brings a known checkpoint to the cache. */
import { join } from "node:path";
import type { CommandContext } from "../cli/context.ts";
import { formatBytes } from "../cli/units.ts";
import { quote, UserError } from "../errors.ts";
import { cacheDir, type CacheState, inspectCache, isUsable, sizeOf } from "./cache.ts";
import { download } from "./download.ts";
import { defaultHub, estimateBytes, type HubEntry, type ModelFile } from "./manifest.ts";
import { describeRemote, type RemoteFile } from "./remote.ts";
import type { RetryPolicy } from "./retry.ts";
import { isSmall, MOST_SMALL_BYTES, readShardNames } from "./shards.ts";

/** A command's context fits as it is; everything is optional. */
export interface FetchOptions
  extends Partial<Pick<CommandContext, "signal" | "note" | "progress">> {
  /** The cache folder; by default {@link cacheDir}. */
  cache?: string;
  /** Address of the hub; by default `ESMSCOPE_HUB`, otherwise the manifest's. */
  hub?: string;
  /** Downloads again what is already there. */
  force?: boolean;
  /** Takes what the cache has and downloads nothing. */
  cachedOnly?: boolean;
  retry?: Partial<RetryPolicy>;
}

/**
 * Downloads the missing files of a checkpoint, after one note on how much that is and where to.
 *
 * A complete checkpoint needs no network, and no other environment than the cache's.
 */
export async function fetchModel(
  entry: HubEntry,
  options: FetchOptions = {},
): Promise<CacheState> {
  const cache = options.cache ?? cacheDir();
  const folder = join(cache, entry.name);
  if (!options.force) {
    const before = await inspectCache(cache, entry);
    if (before.complete) return before;
  }
  if (options.cachedOnly) {
    throw new UserError(
      `Cannot open ${entry.name} as it must be in the cache, where "deno task fetch ${entry.name}" ` +
        `brings it: ${quote(folder, 200)} does not have it`,
    );
  }
  const hub = options.hub ?? (Deno.env.get("ESMSCOPE_HUB") || defaultHub);
  const base = `${hub.replace(/\/+$/, "")}/${entry.repository}/resolve/${entry.revision}`;
  const get = (file: ModelFile, remote: RemoteFile = {}) =>
    fetchFile(file, remote, `${base}/${file.name}`, join(folder, file.name), {
      ...options,
      // Of weights and optimiser state in float32, should nothing tell the size.
      mostBytes: 4 * estimateBytes(entry) + MOST_SMALL_BYTES,
    });

  const files = [...entry.files];
  if (entry.index) {
    await get({ name: entry.index });
    const path = join(folder, entry.index);
    for (const name of readShardNames(await Deno.readTextFile(path), path)) {
      if (!files.some((file) => file.name === name)) files.push({ name });
    }
  }
  const missing: { file: ModelFile; remote: RemoteFile }[] = [];
  for (const file of files) {
    if (!options.force && await isUsable(join(folder, file.name))) continue;
    const remote = isSmall(file.name) ? {} : await describeRemote(`${base}/${file.name}`, {
      label: `"${file.name}"`,
      signal: options.signal,
    });
    requirePublished(file, remote, `${base}/${file.name}`);
    missing.push({ file, remote });
  }
  options.note?.(
    `Downloading ${entry.name} (${describeSize(entry, missing)}) from ${hub} to ${folder}`,
  );
  for (const { file, remote } of missing) await get(file, remote);
  return await inspectCache(cache, entry);
}

async function fetchFile(
  file: ModelFile,
  remote: RemoteFile,
  url: string,
  path: string,
  { signal, note, progress, force, retry, mostBytes }: FetchOptions & { mostBytes: number },
): Promise<void> {
  using line = isSmall(file.name) ? undefined : progress?.({
    label: file.name,
    unit: "bytes",
    total: remote.sizeBytes,
    // Bytes of an earlier run are not this run's speed.
    done: force ? 0 : await sizeOf(`${path}.part`) ?? 0,
  });
  await download({
    url,
    path,
    sha256: file.sha256 ?? remote.sha256,
    sizeBytes: remote.sizeBytes,
    mostBytes: isSmall(file.name) ? MOST_SMALL_BYTES : mostBytes,
    force,
    signal,
    retry,
    onProgress: (done, total) => line?.update(done, total ?? remote.sizeBytes),
    onNote: (text) => line ? line.note(text) : note?.(text),
  });
}

/** Finds out before gigabytes are spent that the hub's file is not the published one. */
function requirePublished({ name, sha256 }: ModelFile, remote: RemoteFile, url: string): void {
  if (!sha256 || !remote.sha256 || sha256 === remote.sha256) return;
  throw new Error(
    `Cannot use "${name}" from ${url} as its SHA-256 must be ${sha256}: ` +
      `current value is ${remote.sha256}`,
  );
}

function describeSize(
  entry: HubEntry,
  missing: { file: ModelFile; remote: RemoteFile }[],
): string {
  const large = missing.filter(({ file }) => !isSmall(file.name));
  if (large.length === 0) return "its small files";
  if (large.every(({ remote }) => remote.sizeBytes !== undefined)) {
    return formatBytes(large.reduce((sum, { remote }) => sum + remote.sizeBytes!, 0));
  }
  return `about ${formatBytes(estimateBytes(entry))}`;
}
