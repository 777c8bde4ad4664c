/** Sequences that say what is usual. */
import { tokenize } from "../esm2/mod.ts";
import { parseFasta } from "../io/fasta.ts";
import { withoutGaps } from "../proteins/gaps.ts";
import { readText } from "../io/text.ts";

/** Token rows of a FASTA file. @throws {UserError} for anything wrong in it */
export async function readBackground(path: string): Promise<Int32Array[]> {
  return parseFasta(await readText(path), path).map(({ id, sequence }) =>
    tokenize(withoutGaps({ id, residues: sequence })[0])
  );
}
