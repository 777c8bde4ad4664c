/** attention.npz: a protein's attention, written block by block. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { displayLetters } from "../esm2/mod.ts";
import { fileNames } from "../io/output.ts";
import { type NpzArrayWriter, NpzWriter } from "../io/npz.ts";
import type { AttentionSink, ProteinInput } from "./analyze.ts";
import { attentionOf } from "./maps.ts";

/** What a result of each protein is called: as it is, such as attention.npz, or ID.attention.npz among several. */
export function namePerProtein(
  proteins: readonly ProteinInput[],
  name: string,
): (protein: ProteinInput) => string {
  const distinct = fileNames(proteins.map(({ id }) => id));
  const names = new Map(proteins.map((protein, p) => [protein, `${distinct[p]}.${name}`]));
  return (protein) => proteins.length === 1 ? name : names.get(protein)!;
}

/**
 * Writes `attention` f32[layers, heads, L, L], row = query, and `layers` i64[layers].
 *
 * @param specials whether `<cls>` and `<eos>` are among the rows and columns: L + 2 of each
 */
export function attentionSink(
  path: string,
  { heads }: Esm2Config,
  { residues }: ProteinInput,
  layers: readonly number[],
  specials: boolean,
): AttentionSink {
  const length = displayLetters(residues).length + (specials ? 2 : 0);
  const from = specials ? 0 : 1;
  let open: { archive: NpzWriter; array: NpzArrayWriter } | undefined;
  return {
    async write(piece) {
      if (!open) {
        const archive = await NpzWriter.create(path);
        const array = archive.start("attention", "f4", [layers.length, heads, length, length]);
        open = { archive, array };
      }
      const data = piece.pattern.peek() ?? await piece.pattern.read();
      for (let head = piece.begin; head < piece.end; head++) {
        await open.array.write(attentionOf(piece, data, 0, head, from, from + length));
      }
    },
    async close() {
      if (!open) throw new Error("no attention was written");
      await open.array.close();
      await open.archive.add("layers", {
        shape: [layers.length],
        data: BigInt64Array.from(layers, BigInt),
      });
      await open.archive.close();
    },
    async [Symbol.asyncDispose]() {
      await open?.archive[Symbol.asyncDispose]();
    },
  };
}
