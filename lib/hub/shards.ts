/** The small files of a checkpoint: its configuration, and the index of one in several shards. */
import { quote, shown } from "../errors.ts";

/** Largest small file; the index of the 15B model has 0.1 MB. */
export const MOST_SMALL_BYTES = 1 << 24;

export function isSmall(name: string): boolean {
  return name.endsWith(".json");
}

/** @throws {Error} if a small file is not what its name promises: an index of shards, or a JSON object */
export function checkSmallFile(name: string, text: string): void {
  if (name.endsWith(".index.json")) return void readShardNames(text, name);
  const value = parseJson(text, name);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new Error(
    `Cannot read ${quote(name)} as it must hold a JSON object: current value is ${shown(value)}`,
  );
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const start = text.slice(0, 200).trim();
    throw new Error(
      `Cannot read ${quote(source)} as it must be JSON: current value is ${quote(start, 40)}`,
    );
  }
}

/**
 * The shard files that an index (`pytorch_model.bin.index.json`) names, ascending.
 *
 * @param source how the error names the index
 * @throws {Error} if the text is not an index, or a name is not a plain file name
 */
export function readShardNames(text: string, source: string): string[] {
  const map = (parseJson(text, source) as { weight_map?: unknown } | null)?.weight_map;
  const names = typeof map === "object" && map !== null ? [...new Set(Object.values(map))] : [];
  if (names.length === 0) {
    throw new Error(`Cannot read ${quote(source)} as its weight_map must name the shards: none`);
  }
  for (const name of names) {
    // The index is downloaded: a name with a folder in it could write anywhere.
    if (typeof name !== "string" || !/^\w[\w.-]*$/.test(name)) {
      throw new Error(
        `Cannot read ${quote(source)} as shards must be plain file names: ` +
          `current value is ${quote(name)}`,
      );
    }
  }
  return (names as string[]).sort();
}
