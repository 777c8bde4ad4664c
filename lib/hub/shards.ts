/** The index file of a checkpoint in several shards. */
import { quote } from "../errors.ts";

/**
 * The shard files that an index (`pytorch_model.bin.index.json`) names, ascending.
 *
 * @param source how the error names the index
 * @throws {Error} if the text is not an index, or a name is not a plain file name
 */
export function readShardNames(text: string, source: string): string[] {
  const map: unknown = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map;
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
