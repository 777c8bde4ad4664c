import { quote, UserError } from "../errors.ts";
import type { FastaRecord } from "./fasta.ts";

/**
 * The record of a FASTA file that `--id` names, or the only one.
 *
 * @param source file name for error messages
 * @throws {UserError} if there is no such record, or several and none is named
 */
export function chooseRecord(
  records: readonly FastaRecord[],
  id: string | undefined,
  source: string,
): { id: string; residues: string } {
  const record = id === undefined
    ? records.length === 1 ? records[0] : undefined
    : records.find((r) => r.id === id);
  if (record) return { id: record.id, residues: record.sequence };
  const known = records.slice(0, 5).map((r) => r.id).join(", ") +
    (records.length > 5 ? ", …" : "");
  throw new UserError(
    id === undefined
      ? `Cannot choose a record of ${quote(source)} as it must hold one, or --id must name it: ` +
        `current count is ${records.length} (${known})`
      : `Cannot choose a record of ${quote(source)} as --id must be one of its ids (${known}): ` +
        `current value is ${quote(id)}`,
  );
}
