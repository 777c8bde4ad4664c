/** A FASTA file read record by record, so that memory does not grow with it but for the names. */
import { FastaReader, type FastaRecord } from "./fasta.ts";
import { lines } from "./lines.ts";
import type { TextOptions } from "./text.ts";

/** Records of a file in order, by the rules of `parseFasta`. @throws {UserError} as there */
export async function* streamFasta(
  path: string,
  options: TextOptions = {},
): AsyncGenerator<FastaRecord> {
  const reader = new FastaReader(path);
  for await (const line of lines(path, options)) {
    const record = reader.add(line);
    if (record) yield record;
  }
  yield reader.end();
}
