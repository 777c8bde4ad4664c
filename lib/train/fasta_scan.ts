/** Reads FASTA bytes once, from first to last, and notes where each record lies. */
import { LETTERS } from "../esm2/alphabet.ts";
import { quote, UserError } from "../errors.ts";

/** What a byte means within a sequence line; zero: it must not be there. */
const RESIDUE = 1, SPACE = 2, STOP = 3;

const KIND = new Uint8Array(256);
for (const letter of LETTERS.keys()) {
  KIND[letter.charCodeAt(0)] = KIND[letter.toLowerCase().charCodeAt(0)] = RESIDUE;
}
// Gaps of an alignment are no residues.
for (const space of " \t\r\n\v\f-.") KIND[space.charCodeAt(0)] = SPACE;
KIND["*".charCodeAt(0)] = STOP;

const NEWLINE = 10, HEADER = ">".charCodeAt(0), COMMENT = ";".charCodeAt(0);

/** Numbers appended one by one to an array that grows. */
class Growing<A extends Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>> {
  length = 0;
  constructor(public values: A) {}

  push(value: number): void {
    if (this.length === this.values.length) {
      const wider = new (this.values.constructor as { new (length: number): A })(2 * this.length);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.length++] = value;
  }
}

/**
 * Checks a FASTA file given in pieces and notes each record's place and length: 12 bytes a record,
 * however long the file. Wrapped lines, CRLF, blank lines, `;` comments and one closing `*` are
 * allowed; names may repeat.
 */
export class FastaScanner {
  readonly #begins = new Growing(new Float64Array(1024));
  readonly #lengths = new Growing(new Uint32Array(1024));
  #offset = 0;
  #line = 1;
  #headerLine = 0;
  #residues = 0;
  #stopped = false;
  /** What the present line is, as its first character said. */
  #inside: "start" | "header" | "comment" | "sequence" = "start";

  /** @param source file name for error messages */
  constructor(readonly source: string) {}

  /** @throws {UserError} naming file and line, at the first byte that no protein FASTA file has */
  add(bytes: Uint8Array): void {
    let i = this.#offset === 0 ? this.#beginning(bytes) : 0;
    for (; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === NEWLINE) {
        this.#line++;
        this.#inside = "start";
        continue;
      }
      if (this.#inside === "start") this.#startLine(byte, this.#offset + i);
      if (this.#inside !== "sequence") continue;
      const kind = KIND[byte];
      if (kind === RESIDUE && !this.#stopped) this.#residues++;
      else if (kind === STOP && !this.#stopped && this.#residues > 0) this.#stopped = true;
      else if (kind !== SPACE) this.#refuse(byte);
    }
    this.#offset += bytes.length;
  }

  /** Where each record begins (bytes), and how many residues it has. */
  finish(): { begins: Float64Array<ArrayBuffer>; lengths: Uint32Array<ArrayBuffer> } {
    if (this.#headerLine > 0) this.#endRecord();
    const { length } = this.#begins;
    if (length === 0) {
      const found = this.#offset === 0 ? "an empty file" : 'no line that starts with ">"';
      throw new UserError(
        `Cannot read ${quote(this.source)} as a FASTA file must hold at least one record: ` +
          `current value is ${found}`,
      );
    }
    return {
      begins: this.#begins.values.slice(0, length),
      lengths: this.#lengths.values.slice(0, length),
    };
  }

  /** Skips a byte order mark. */
  #beginning(bytes: Uint8Array): number {
    return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  #startLine(byte: number, offset: number): void {
    if (byte === HEADER) {
      if (this.#headerLine > 0) this.#endRecord();
      this.#begins.push(offset);
      this.#headerLine = this.#line;
      this.#inside = "header";
    } else if (byte === COMMENT) this.#inside = "comment";
    else if (KIND[byte] !== SPACE) {
      this.#inside = "sequence";
      if (this.#headerLine === 0) {
        this.#fail('the first line must be a header that starts with ">"', byte);
      }
    }
  }

  #endRecord(): void {
    if (this.#residues === 0) {
      throw new UserError(
        `Cannot read ${quote(this.source)} line ${this.#headerLine} as a record must have a ` +
          "sequence: current value is none",
      );
    }
    this.#lengths.push(this.#residues);
    this.#residues = 0;
    this.#stopped = false;
  }

  #refuse(byte: number): never {
    return this.#fail(
      this.#stopped || byte === "*".charCodeAt(0)
        ? '"*" may only close a sequence'
        : `sequences must have ESM-2 letters (${[...LETTERS.keys()].join("")})`,
      byte,
    );
  }

  #fail(requirement: string, byte: number): never {
    const found = byte > 0x20 && byte < 0x7f
      ? quote(String.fromCharCode(byte))
      : `byte 0x${byte.toString(16).padStart(2, "0")}`;
    throw new UserError(
      `Cannot read ${quote(this.source)} line ${this.#line} as ${requirement}: ` +
        `current value is ${found}`,
    );
  }
}

/** Token ids of the residues in one record's bytes, which the scanner has accepted. */
export function residueTokens(record: Uint8Array, length: number): Int32Array<ArrayBuffer> {
  const ids = new Int32Array(length);
  let count = 0, lineStart = true, skip = false;
  for (const byte of record) {
    if (byte === NEWLINE) {
      lineStart = true;
      continue;
    }
    if (lineStart && (byte === HEADER || byte === COMMENT || KIND[byte] !== SPACE)) {
      skip = byte === HEADER || byte === COMMENT;
      lineStart = false;
    }
    if (!skip && KIND[byte] === RESIDUE && count < length) ids[count++] = TOKEN[byte];
  }
  if (count !== length) throw new Error("Cannot read a record as the file changed meanwhile");
  return ids;
}

const TOKEN = new Uint8Array(256);
for (const [letter, id] of LETTERS) {
  TOKEN[letter.charCodeAt(0)] = TOKEN[letter.toLowerCase().charCodeAt(0)] = id;
}
