/** What a shard leaves: a description in JSON and its numbers beside it. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { quote, UserError } from "../../errors.ts";
import { fileReason } from "../../io/file_reason.ts";
import type { OutputDir } from "../../io/output.ts";
import type { SaeConfig } from "../../sae/types.ts";
import type { CausalProtein } from "../variants.ts";
import { MOST_SHARDS, type Shard } from "../../run/shards.ts";

/** All that decides a run's numbers. */
export interface RunSettings extends Record<string, unknown> {
  command: string;
  backend: { name: string; detail: string };
  saes: { sha256: string; config: SaeConfig }[];
  proteins: CausalProtein[];
}

/** A shard's description. */
export interface ShardRecord {
  format: typeof FORMAT;
  shard: Shard;
  settings: RunSettings;
  /** Values of the command's options. */
  options: Record<string, unknown>;
  /** Results by number, ascending: (variants before + variant) · layers + layer. */
  units: number[];
  /** How many values each has. */
  lengths: number[];
  /** Of the file of values. */
  sha256: string;
  /** What the run's record says. */
  provenance: Record<string, unknown>;
}

/** A shard as it was read. */
export interface ReadShard {
  record: ShardRecord;
  path: string;
  /** By unit. */
  values: Map<number, Float64Array>;
}

const FORMAT = "esmscope shard 1";
const NAME = /^shard-\d+-of-\d+\.json$/;

const stemOf = ({ index, count }: Shard) => `shard-${index}-of-${count}`;

/** Writes the two files; they get their names with the folder's commit. */
export async function writeShard(
  output: OutputDir,
  record: Omit<ShardRecord, "format" | "units" | "lengths" | "sha256">,
  values: ReadonlyMap<number, Float64Array>,
): Promise<void> {
  const units = [...values.keys()].sort((a, b) => a - b);
  const lengths = units.map((unit) => values.get(unit)!.length);
  const all = new Float64Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const unit of units) {
    all.set(values.get(unit)!, at);
    at += values.get(unit)!.length;
  }
  const bytes = new Uint8Array(all.buffer);
  const stem = stemOf(record.shard);
  await output.write(`${stem}.values`, bytes);
  const whole: ShardRecord = {
    format: FORMAT,
    ...record,
    units,
    lengths,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
  // Named last: where the description is, the values are.
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
      `folder without that of another command: current value has that of ${quote(`sae ${other}`)}`,
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

/** Reads a shard. @throws {UserError} if its files are damaged or do not belong together */
export async function readShard(path: string): Promise<ReadShard> {
  const broken = (requirement: string, value: string) =>
    new UserError(`Cannot merge ${quote(path, 200)} as ${requirement}: current value is ${value}`);
  const record = parse(await Deno.readTextFile(path));
  if (!record) throw broken("it must be the description of a shard", "something else");
  const beside = path.replace(/\.json$/, ".values");
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(beside);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw broken(`${quote(beside, 200)} must be beside it`, "no such file");
  }
  if (createHash("sha256").update(bytes).digest("hex") !== record.sha256) {
    throw broken(`${quote(beside, 200)} must be the values written with it`, "another file");
  }
  const all = new Float64Array(bytes.buffer), values = new Map<number, Float64Array>();
  let at = 0;
  record.units.forEach((unit, i) => {
    values.set(unit, all.slice(at, at + record.lengths[i]));
    at += record.lengths[i];
  });
  return { record, path, values };
}

function parse(text: string): ShardRecord | undefined {
  let found: ShardRecord;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (found?.format !== FORMAT || !isWhole(found)) return undefined;
  for (const { variants } of found.settings.proteins) {
    // JSON has no NaN.
    for (const variant of variants) variant.measured ??= NaN;
  }
  return found;
}

/** Whether a description has every part that is used of it. */
function isWhole({ shard, settings, options, units, lengths, provenance }: ShardRecord): boolean {
  const isRecord = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  return [shard, settings, options, provenance].every(isRecord) &&
    Number.isInteger(shard.index) && Number.isInteger(shard.count) && shard.count <= MOST_SHARDS &&
    typeof settings.command === "string" && isRecord(settings.backend) &&
    [settings.saes, settings.proteins, units, lengths].every(Array.isArray) &&
    settings.proteins.every((protein) => isRecord(protein) && Array.isArray(protein.variants)) &&
    units.length === lengths.length;
}
