/** map.npz: a protein's contact map, and the true contacts where they are known. */
import type { NpyData } from "../io/npy.ts";
import { NpzWriter } from "../io/npz.ts";
import { fileNames, type OutputDir } from "../io/output.ts";
import type { ContactResult } from "./types.ts";

/**
 * What writes a protein's archive: `map` f32[L, L], and with a truth `contacts` u8[L, L] and `valid_residues` u8[L]; with a
 * baseline `baseline` f32[L, L], with an adapter `before` f32[L, L], the map without it. One protein gives map.npz, several ID.map.npz each.
 */
export function mapWriter(
  output: OutputDir,
  proteins: readonly { id: string }[],
): (result: ContactResult, index: number) => Promise<void> {
  const names = fileNames(proteins.map(({ id }) => id));
  return async ({ residues, map, truth, baseline, before }, index) => {
    const file = proteins.length === 1 ? "map.npz" : `${names[index]}.map.npz`;
    const length = residues.length;
    await using archive = await NpzWriter.create(output.temporaryPath(file));
    const add = (array: string, shape: number[], data: NpyData) =>
      archive.add(array, { shape, data });
    await add("map", [length, length], map);
    if (baseline) await add("baseline", [length, length], baseline.map);
    if (before) await add("before", [length, length], before.map);
    if (truth) {
      await add("contacts", [length, length], truth.contacts);
      await add("valid_residues", [length], truth.known);
    }
    await archive.close();
  };
}
