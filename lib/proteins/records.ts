import { quote, UserError } from "../errors.ts";
import type { FastaRecord } from "../io/fasta.ts";

/** First words of ids that name a database, not a protein. */
const DATABASES = new Set([
  "sp",
  "tr",
  "gi",
  "ref",
  "gb",
  "emb",
  "dbj",
  "pdb",
  "lcl",
  "pir",
  "prf",
]);

/** Records by what people call them: the whole id, or the accession or entry name within it. */
export class RecordIndex<T extends { id: string }> {
  readonly #whole = new Map<string, T>();
  readonly #parts = new Map<string, T[]>();

  /** @param source file name for error messages */
  constructor(readonly source: string, records: Iterable<T> = []) {
    for (const record of records) this.add(record);
  }

  add(record: T): void {
    this.#whole.set(record.id, record);
    const parts = record.id.split("|");
    if (parts.length === 1) return;
    for (const part of new Set(parts)) {
      if (part === "" || DATABASES.has(part)) continue;
      this.#parts.set(part, [...this.#parts.get(part) ?? [], record]);
    }
  }

  /**
   * The record of a name; `sp|P29274|AA2AR_HUMAN` is also P29274 and AA2AR_HUMAN.
   *
   * @throws {UserError} if the name is part of several ids
   */
  get(name: string): T | undefined {
    const whole = this.#whole.get(name);
    if (whole) return whole;
    const found = this.#parts.get(name) ?? [];
    if (found.length < 2) return found[0];
    throw new UserError(
      `Cannot choose a record of ${quote(this.source)} as ${quote(name)} must name one: it is in ` +
        found.slice(0, 5).map(({ id }) => quote(id)).join(" and "),
    );
  }

  /** @throws {UserError} if no record has the name */
  need(name: string): T {
    const found = this.get(name);
    if (found) return found;
    throw new UserError(
      `Cannot choose a record of ${quote(this.source)} as --id must be one of its ids (${
        some([...this.#whole.keys()])
      }): current value is ${quote(name)}`,
    );
  }
}

const some = (ids: readonly string[]) => ids.slice(0, 5).join(", ") + (ids.length > 5 ? ", …" : "");

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
  if (id === undefined && records.length !== 1) {
    throw new UserError(
      `Cannot choose a record of ${quote(source)} as it must hold one, or --id must name it: ` +
        `current count is ${records.length} (${some(records.map((r) => r.id))})`,
    );
  }
  const record = id === undefined ? records[0] : new RecordIndex(source, records).need(id);
  return { id: record.id, residues: record.sequence };
}
