/** What a shard leaves: its finished units, and a description in JSON beside them. */
import { join } from "node:path";
import { quote, UserError } from "../errors.ts";
import { fileReason } from "../io/file_reason.ts";
import type { OutputDir } from "../io/output.ts";
import { MOST_SHARDS, type Shard } from "./shards.ts";
import { UnitStore } from "./unit_store.ts";

/** All that decides a run's numbers. */
export interface RunSettings extends Record<string, unknown> {
  /** As run.json names it: `sae patch`. */
  command: string;
  backend: { name: string; detail: string };
}

/** A shard's description. */
export interface ShardRecord<S extends RunSettings = RunSettings> {
  format: typeof FORMAT;
  shard: Shard;
  settings: S;
  /** Values of the command's options. */
  options: Record<string, unknown>;
  /** Of the units. */
  sha256: string;
  /** What the run's record says. */
  provenance: Record<string, unknown>;
}

/** A shard as it was read. */
export interface ReadShard<S extends RunSettings = RunSettings> {
  record: ShardRecord<S>;
  path: string;
  units: UnitStore;
}

const FORMAT = "esmscope shard 2";
const NAME = /^shard-\d+-of-\d+\.json$/;
const stemOf = ({ index, count }: Shard) => `shard-${index}-of-${count}`;

/** Makes a run's finished units a shard; both files get their names with the folder's commit. */
export async function writeShard(
  output: OutputDir,
  record: Omit<ShardRecord, "format" | "sha256">,
  units: UnitStore,
): Promise<void> {
  const stem = stemOf(record.shard);
  const whole: ShardRecord = { format: FORMAT, ...record, sha256: units.sha256() };
  units.moveTo(output.temporaryPath(`${stem}.units`));
  // Named last: where the description is, the units are.
  await output.write(`${stem}.json`, JSON.stringify(whole) + "\n");
}

/**
 * Refuses a folder where the files of a shard would replace those of another command.
 *
 * @throws {UserError} naming it
 */
export function checkShardFolder(folder: string, shard: Shard, command: string): void {
  let text: string;
  try {
    text = Deno.readTextFileSync(join(folder, `${stemOf(shard)}.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const other = parse(text)?.settings.command;
  if (other === undefined || other === command) return;
  throw new UserError(
    `Cannot write shard ${shard.index} of ${shard.count} to ${
      quote(folder, 200)
    } as --out must be a ` +
      `folder without that of another command: current value has that of ${quote(other)}`,
  );
}

/** Paths of the descriptions in a folder. @throws {UserError} if it has none or is no folder */
export function findShards(folder: string): string[] {
  const cannot = (value: string) =>
    new UserError(
      `Cannot merge ${quote(folder, 200)} as it must be a folder with files shard-I-of-N.json of ` +
        `a run with --shard: current value is ${value}`,
    );
  let names: string[];
  try {
    names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw cannot("no such folder");
    if (error instanceof Deno.errors.NotADirectory) throw cannot("a file");
    const reason = fileReason(error);
    throw reason === undefined ? error : cannot(reason);
  }
  const found = names.filter((name) => NAME.test(name)).sort();
  if (found.length === 0) throw cannot("a folder without them");
  return found.map((name) => join(folder, name));
}

/** Opens a shard. @throws {UserError} if its files are damaged or do not belong together */
export async function readShard(path: string): Promise<ReadShard> {
  const broken = (requirement: string, value: string) =>
    new UserError(`Cannot merge ${quote(path, 200)} as ${requirement}: current value is ${value}`);
  const record = parse(await Deno.readTextFile(path));
  if (!record) throw broken("it must be the description of a shard", "something else");
  const beside = path.replace(/\.json$/, ".units");
  try {
    Deno.statSync(beside);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw broken(`${quote(beside, 200)} must be beside it`, "no such file");
  }
  const units = UnitStore.at(beside);
  if (units.sha256() === record.sha256) return { record, path, units };
  units[Symbol.dispose]();
  throw broken(`${quote(beside, 200)} must be the units written with it`, "another file");
}

function parse(text: string): ShardRecord | undefined {
  let found: ShardRecord;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  return found?.format === FORMAT && isWhole(found) ? found : undefined;
}

/** Whether a description has every part that is used of it. */
function isWhole({ shard, settings, options, sha256, provenance }: ShardRecord): boolean {
  const isRecord = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  return [shard, settings, options, provenance].every(isRecord) &&
    Number.isInteger(shard.index) && Number.isInteger(shard.count) && shard.count <= MOST_SHARDS &&
    typeof settings.command === "string" && isRecord(settings.backend) &&
    typeof sha256 === "string";
}
