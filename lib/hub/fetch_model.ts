/** Brings a known checkpoint to the cache. */
import { join } from "node:path";
import type { CommandContext } from "../cli/context.ts";
import { formatBytes } from "../cli/units.ts";
import { quote, UserError } from "../errors.ts";
import { cacheDir, type CacheState, inspectCache, isUsable, sizeOf } from "./cache.ts";
import { download } from "./download.ts";
import { defaultHub, estimateBytes, type HubEntry, type ModelFile } from "./manifest.ts";
import { describeRemote, type RemoteFile } from "./remote.ts";
import { findLocal, huggingFaceCache, isOffline, namedHub, torchCache } from "./local.ts";
import { defaultRetry, type RetryPolicy, TransferError } from "./retry.ts";
import { isSmall, MOST_SMALL_BYTES, readShardNames } from "./shards.ts";

/** A command's context fits as it is; everything is optional. */
export interface FetchOptions {
  /** Stops a download when it fires; what has come stays and is gone on from. */
  signal?: AbortSignal;
  /** Hears what is downloaded, how much and where to. */
  note?: (text: string) => void;
  /**
   * Shows how far a download is.
   * @ignore
   */
  progress?: CommandContext["progress"];
  /** The cache folder; by default {@link cacheDir}, then those of other tools. */
  cache?: string;
  /** Address of the hub; by default `ESMSCOPE_HUB`, `HF_ENDPOINT`, or the manifest's. */
  hub?: string;
  /** Downloads again what is already there. */
  force?: boolean;
  /** Takes what the cache has and downloads nothing. */
  cachedOnly?: boolean;
  /**
   * Which failures are tried again, and when.
   * @ignore
   */
  retry?: Partial<RetryPolicy>;
}

/**
 * Downloads the missing files of a checkpoint, after one note on how much that is and where to.
 *
 * A complete checkpoint needs no network, be it in our cache or, unless one is named, in that of
 * Hugging Face's libraries or of torch.
 *
 * @throws {UserError} if it is nowhere and may not be downloaded, or no server answers
 */
export async function fetchModel(
  entry: HubEntry,
  options: FetchOptions = {},
): Promise<CacheState> {
  const cache = options.cache ?? cacheDir();
  const places = [join(cache, entry.name)];
  if (!options.force) {
    const before = await inspectCache(cache, entry);
    if (before.complete) return before;
    if (options.cache === undefined) {
      const local = await findLocal(entry);
      if (local) {
        options.note?.(`Uses ${local.path} of ${local.owner}; nothing is downloaded.`);
        return local;
      }
      places.push(...[huggingFaceCache(), torchCache()].filter((place) => place !== undefined));
    }
  }
  const searched = `not in ${places.map((place) => quote(place, 200)).join(", ")}`;
  if (options.cachedOnly) {
    throw new UserError(
      `Cannot open ${entry.name} as it must be in the cache, where "deno task fetch ${entry.name}" ` +
        `brings it: ${searched}`,
    );
  }
  if (options.hub === undefined && isOffline()) {
    throw new UserError(
      `Cannot fetch ${entry.name} as HF_HUB_OFFLINE forbids downloads: ${searched}; ${OWN_COPY}`,
    );
  }
  const hub = options.hub ?? namedHub() ?? defaultHub;
  try {
    return await fetchFiles(entry, hub, cache, options);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw alsoForHub(error, hub);
    const { cause, message } = error as Error;
    if (!(cause instanceof TransferError && cause.isUnanswered)) throw error;
    throw new UserError(
      `${message}; ${searched}; ${OWN_COPY}, and HF_ENDPOINT names a mirror`,
      { cause },
    );
  }
}

/** What to do without a network. */
const OWN_COPY = "a folder or file of your own may stand in place of the name";

/**
 * A missing right to a host that the hub redirects to, or to the hub, as one that names both: a flag
 * replaces what the task may reach.
 */
function alsoForHub(error: Error, hub: string): Error {
  const { host, hostname } = URL.parse(hub) ?? {};
  const asked = /^Requires net access to "([^"]*)"/.exec(error.message)?.[1];
  if (!asked || asked.replace(/:\d+$/, "") === hostname) return error;
  return new Deno.errors.NotCapable(
    `Requires net access to "${host},${asked}", run again with the --allow-net flag`,
  );
}

async function fetchFiles(
  entry: HubEntry,
  hub: string,
  cache: string,
  options: FetchOptions,
): Promise<CacheState> {
  const folder = join(cache, entry.name);
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
      timeoutMs: options.retry?.connectMs ?? defaultRetry.connectMs,
    });
    requirePublished(file, remote, `${base}/${file.name}`);
    missing.push({ file, remote });
  }
  options.note?.(
    `Downloading ${entry.name} (${describeSize(entry, missing)}) from ${hub} to ${folder}`,
  );
  const isUnanswered = missing.some(({ remote }) => remote.isUnanswered);
  for (const { file, remote } of missing) await get(file, { ...remote, isUnanswered });
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
    // The question after size and sum was the first attempt.
    retry: remote.isUnanswered ? { ...retry, connectRetries: 0 } : retry,
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
