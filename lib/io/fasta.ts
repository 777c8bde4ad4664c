import { quote, UserError } from "../errors.ts";

/** One entry of a FASTA file. */
export interface FastaRecord {
  /** First word of the header, whole: `sp|P29274|AA2AR_HUMAN` stays so. */
  id: string;
  /** Header after the id; empty when there is none. */
  description: string;
  /** Residue letters as written: lower case and the gaps `-` and `.` are kept. */
  sequence: string;
  /** 1-based line of the header. */
  line: number;
}

/** What a FASTA file may hold besides residues. */
export interface FastaOptions {
  /** Whether digits may stand in it: labels of residues, one a letter, not residues. @default false */
  digits?: boolean;
}

/**
 * Reads FASTA text: wrapped lines, CRLF, blank lines, `;` comments and one closing `*` are allowed.
 *
 * Which letters a model knows is checked where sequences become tokens, not here.
 *
 * @param source file name for error messages
 * @throws {UserError} naming file and line, if the text is not a list of uniquely named proteins
 */
export function parseFasta(
  text: string,
  source: string,
  options: FastaOptions = {},
): FastaRecord[] {
  const reader = new FastaReader(source, options);
  const records: FastaRecord[] = [];
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const record = reader.add(raw);
    if (record) records.push(record);
  }
  return [...records, reader.end()];
}

/** Reads FASTA line by line with the rules of {@linkcode parseFasta}. */
export class FastaReader {
  #line = 0;
  #record?: FastaRecord;
  #parts: string[] = [];
  #isEmpty = true;
  readonly #firstLine = new Map<string, number>();

  constructor(readonly source: string, readonly options: FastaOptions = {}) {}

  /** Takes the next line; gives the record that it ends, if it does. @throws {UserError} */
  add(raw: string): FastaRecord | undefined {
    const line = ++this.#line, content = raw.trim();
    if (raw !== "" || line > 1) this.#isEmpty = false;
    refuseBinary(raw, this.source, line);
    if (content === "" || content.startsWith(";")) return;
    if (content.startsWith(">")) {
      const ended = this.#finish();
      this.#record = parseHeader(content, this.source, line, this.#firstLine);
      return ended;
    }
    if (!this.#record) {
      fail(this.source, line, 'the first line must be a header that starts with ">"', content);
    }
    if (!this.options.digits) refuseDigits(raw, this.source, line);
    this.#parts.push(content);
  }

  /** The last record. @throws {UserError} if there was none */
  end(): FastaRecord {
    const last = this.#finish();
    if (last) return last;
    throw new UserError(
      `Cannot read ${quote(this.source)} as a FASTA file must hold at least one record: ` +
        `current value is ${this.#isEmpty ? "an empty file" : 'no line that starts with ">"'}`,
    );
  }

  #finish(): FastaRecord | undefined {
    const record = this.#record;
    if (record) record.sequence = joinSequence(this.#parts, record, this.source);
    this.#parts = [];
    this.#record = undefined;
    return record;
  }
}

function parseHeader(
  content: string,
  source: string,
  line: number,
  firstLine: Map<string, number>,
): FastaRecord {
  const [id, ...rest] = content.slice(1).trim().split(/\s+/);
  if (id === "") fail(source, line, 'a header must have a name after ">"', content);
  const earlier = firstLine.get(id);
  if (earlier !== undefined) {
    fail(source, line, `record names must differ (line ${earlier} has the same)`, id);
  }
  firstLine.set(id, line);
  return { id, description: rest.join(" "), sequence: "", line };
}

/** One stop codon may close a translated sequence; any other `*` would shift residue numbers. */
function joinSequence(parts: string[], record: FastaRecord, source: string): string {
  const sequence = parts.join("").replace(/\s/g, "").replace(/\*$/, "");
  const stop = sequence.indexOf("*");
  if (stop >= 0) {
    const value = `residue ${stop + 1} of ${record.id}`;
    fail(source, record.line, '"*" may only close a sequence', value);
  }
  if (sequence === "") fail(source, record.line, "a record must have a sequence", record.id);
  return sequence;
}

/** GenBank's ORIGIN block numbers its lines; dropped silently, the digits could hide a bad paste. */
function refuseDigits(raw: string, source: string, line: number): void {
  const column = raw.search(/\d/);
  if (column < 0) return;
  const value = `${quote(raw.trim(), 40)} with a digit in column ${column + 1}`;
  throw new UserError(
    `Cannot read ${quote(source)} as line ${line} must hold residue letters only: ` +
      `current value is ${value}`,
  );
}

function refuseBinary(text: string, source: string, line: number): void {
  // deno-lint-ignore no-control-regex
  const match = /[\u0000-\u0008\u000E-\u001F\uFFFD]/.exec(text);
  if (!match) return;
  const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  throw new UserError(
    `Cannot read ${quote(source)} as a FASTA file must be plain text: ` +
      `current value is a binary character (U+${code}) in line ${line}`,
  );
}

function fail(source: string, line: number, requirement: string, value: string): never {
  throw new UserError(
    `Cannot read ${quote(source)} line ${line} as ${requirement}: current value is ${quote(value)}`,
  );
}
