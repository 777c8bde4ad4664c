/**
 * Files that the analyses read and write: FASTA, CSV, NumPy arrays and archives, text of any encoding.
 *
 * Every reader takes plain or gzipped files, and names the file and the line of what it refuses.
 *
 * @example A FASTA text and a table
 * ```ts
 * import { formatCsv, parseFasta } from "./mod.ts";
 *
 * const [{ id, sequence }] = parseFasta(">toy of nobody\nMKTAY\nIAKQR\n", "example");
 * const csv = formatCsv(["id", "length"], [{ id, length: sequence.length }]);
 * if (csv !== "id,length\ntoy,10\n") throw new Error(csv);
 * ```
 *
 * @module
 */
export {
  type Cell,
  detectDelimiter,
  formatCsv,
  parseTable,
  type Table,
  type TableRow,
} from "./csv.ts";
export { openTable, type StreamedRow, type StreamedTable } from "./csv_stream.ts";
export { type FastaOptions, type FastaRecord, parseFasta } from "./fasta.ts";
export { streamFasta } from "./fasta_stream.ts";
export type { InputOptions } from "./input.ts";
export {
  decodeNpy,
  type NpyArray,
  type NpyData,
  type NpyDtype,
  type NpyHeader,
  type NpyTextDtype,
} from "./npy.ts";
export {
  type NpzArchive,
  type NpzArrayWriter,
  NpzWriter,
  openNpz,
  readNpz,
  type StoredArray,
} from "./npz.ts";
export { bytesRandomAccess, openRandomAccess, type RandomAccess } from "./random_access.ts";
export { readText, type TextOptions } from "./text.ts";
