/** Shards of one run put together. */
import { quote, UserError } from "../errors.ts";
import {
  findShards,
  type ReadShard,
  readShard,
  type RunSettings,
  type ShardRecord,
} from "./shard_files.ts";

/** The shards of one run, all of them. */
export interface MergedRun<S extends RunSettings = RunSettings> extends Disposable {
  settings: S;
  /** Values of the options that every shard was given. */
  options: Record<string, unknown>;
  /** The run's record, with one line for each shard. */
  provenance: Record<string, unknown>;
  notes: string[];
  /** A unit's bytes. @throws {UserError} if no shard has it */
  read(unit: number): Uint8Array<ArrayBuffer>;
}

/**
 * Opens the shards in some folders.
 *
 * @throws {UserError} unless they are all shards of one run, each once and undamaged
 */
export async function mergeShards(folders: readonly string[]): Promise<MergedRun> {
  using owned = new DisposableStack();
  const shards: ReadShard[] = [];
  const paths = new Map<string, string>();
  for (const path of folders.flatMap(findShards)) paths.set(Deno.realPathSync(path), path);
  for (const path of paths.values()) {
    const shard = await readShard(path);
    owned.use(shard.units);
    shards.push(shard);
  }
  const [first, ...others] = shards;
  for (const other of others) checkSame(first, other);
  checkComplete(shards);
  const { settings, options: { shard: _, ...options }, provenance } = first.record;
  const details = new Set(shards.map(({ record }) => record.settings.backend.detail));
  const open = owned.move();
  return {
    settings,
    options,
    provenance: mergeProvenance(provenance, options, shards.map(({ record }) => record)),
    notes: details.size === 1 ? [] : [
      `Warning: shards ran on ${details.size} kinds of machine (${[...details].join("; ")}): ` +
      "last digits may differ from a run on one.",
    ],
    read(unit) {
      const shard = shards.find(({ units }) => units.has(unit));
      if (shard) return shard.units.read(unit)!;
      throw new UserError(
        `Cannot merge the shards with ${
          quote(first.path, 200)
        } as together they must have every result: result ${unit} is missing`,
      );
    },
    [Symbol.dispose]: () => open.dispose(),
  };
}

function mergeProvenance(
  provenance: Record<string, unknown>,
  options: Record<string, unknown>,
  shards: readonly ShardRecord[],
): Record<string, unknown> {
  return {
    ...provenance,
    options,
    elapsedSeconds: shards.reduce((sum, { provenance }) => sum + seconds(provenance), 0),
    shards: shards.map(({ shard, provenance }) => ({
      ...shard,
      ...pick(provenance, ["started", "elapsedSeconds", "timingsMs", "backend", "machine"]),
      ...pick(provenance, ["peakMemoryBytes", "arguments"]),
    })),
  };
}

/** @throws {UserError} naming what differs */
function checkSame(one: ReadShard, other: ReadShard): void {
  const difference = one.record.shard.count === other.record.shard.count
    ? firstDifference(comparable(one.record.settings), comparable(other.record.settings))
    : { key: "number of shards", a: one.record.shard.count, b: other.record.shard.count };
  if (!difference) return;
  const { key, a, b } = difference;
  throw new UserError(
    `Cannot merge ${quote(other.path, 200)} as all shards must be of one run: its ${key} is ` +
      `${show(b)} but that of ${quote(one.path, 200)} is ${show(a)}`,
  );
}

/**
 * Compares the settings of what is merged with those that the same options give now.
 *
 * @throws {UserError} naming what has changed since
 */
export function checkUnchanged(merged: RunSettings, now: RunSettings): void {
  // Written and read as the shards' are.
  const difference = firstDifference(
    comparable(merged),
    comparable({ ...JSON.parse(JSON.stringify(now)), backend: merged.backend }),
  );
  if (!difference) return;
  const { key, a, b } = difference;
  throw new UserError(
    `Cannot merge as inputs and model must be those of the shards: their ${key} was ${show(a)} ` +
      `and is ${show(b)} now`,
  );
}

/** The number of cores or the name of the device does not make another run. */
const comparable = (settings: RunSettings) => ({ ...settings, backend: settings.backend.name });

const show = (value: unknown) =>
  quote(typeof value === "object" ? value : JSON.stringify(value) ?? "none", 40);

interface Difference {
  key: string;
  a: unknown;
  b: unknown;
}

function firstDifference(a: unknown, b: unknown, key = ""): Difference | undefined {
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) {
    return Object.is(a, b) ? undefined : { key, a, b };
  }
  const left = a as Record<string, unknown>, right = b as Record<string, unknown>;
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = firstDifference(left[name], right[name], key ? `${key}.${name}` : name);
    if (found) return found;
  }
}

/** @throws {UserError} naming the shards that are missing or there twice */
function checkComplete(shards: readonly ReadShard[]): void {
  const { count } = shards[0].record.shard;
  const byIndex = new Map<number, string>();
  for (const { record: { shard: { index } }, path } of shards) {
    const known = byIndex.get(index);
    if (known !== undefined) {
      throw new UserError(
        `Cannot merge as each of ${count} shards must be there once: shard ${index} is both ` +
          `${quote(known, 200)} and ${quote(path, 200)}`,
      );
    }
    byIndex.set(index, path);
  }
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((i) => !byIndex.has(i));
  if (missing.length === 0) return;
  throw new UserError(
    `Cannot merge as all ${count} shards must be there: ${ranges(missing)} ` +
      `${missing.length === 1 ? "is" : "are"} missing`,
  );
}

/** `1, 3-5`, as an array job takes them without the space. */
function ranges(numbers: readonly number[]): string {
  const pieces: [number, number][] = [];
  for (const n of numbers) {
    const last = pieces.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else pieces.push([n, n]);
  }
  return pieces.map(([a, b]) => a === b ? `${a}` : `${a}-${b}`).join(", ");
}

const seconds = ({ elapsedSeconds }: Record<string, unknown>) => Number(elapsedSeconds ?? 0);

const pick = (from: Record<string, unknown>, keys: readonly string[]) =>
  Object.fromEntries(keys.map((key) => [key, from[key]]));
