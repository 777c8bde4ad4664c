/** Text files of any of the encodings that programs of this field write. */
import {
  inputError,
  inputName,
  type InputOptions,
  inputPieces,
  MOST_BYTES,
  Unreadable,
} from "./input.ts";

/** What a text must be, and who hears of its encoding. */
export interface TextOptions extends Pick<InputOptions, "must"> {
  /** Hears what a reader of the results should know of the file: that it is not UTF-8. */
  notes?: string[];
}

/**
 * Decodes UTF-8 and UTF-16 (by its mark, or by its zeros) in pieces; bytes that are no UTF-8 are taken
 * for Latin-1 as Windows has it. A byte order mark is left out.
 */
export class TextReader {
  /** What the text turned out to be; known for certain at its end. */
  encoding: "UTF-8" | "UTF-16" | "Latin-1" = "UTF-8";
  #wide: TextDecoder | undefined;
  #held = new Uint8Array(0);
  #isBegun = false;

  /** The text of the next bytes; some of them may be held back. @throws {Unreadable} if it is no text */
  add(bytes: Uint8Array): string {
    return this.#decode(bytes, false);
  }

  /** What was held back. @throws {Unreadable} if it is no text */
  end(): string {
    return this.#decode(new Uint8Array(0), true);
  }

  #decode(piece: Uint8Array, isLast: boolean): string {
    let bytes = piece;
    if (this.#held.length > 0) {
      bytes = new Uint8Array(this.#held.length + piece.length);
      bytes.set(this.#held);
      bytes.set(piece, this.#held.length);
      this.#held = new Uint8Array(0);
    }
    if (!this.#isBegun) {
      // The first bytes say what the others are.
      if (bytes.length < 4 && !isLast) {
        this.#held = bytes.slice();
        return "";
      }
      this.#isBegun = true;
      const wide = wideEncoding(bytes);
      if (wide) {
        this.encoding = "UTF-16";
        this.#wide = new TextDecoder(wide, { fatal: true });
      } else if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
        bytes = bytes.subarray(3);
      }
    }
    try {
      if (this.#wide) return this.#wide.decode(bytes, { stream: !isLast });
    } catch {
      throw noText();
    }
    // A run of bytes beyond ASCII is judged as a whole.
    let end = bytes.length;
    while (!isLast && end > 0 && bytes[end - 1] >= 0x80 && bytes.length - end < LONGEST_RUN) end--;
    this.#held = bytes.slice(end);
    return this.#narrow(bytes.subarray(0, end));
  }

  #narrow(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      return this.#mixed(bytes);
    }
  }

  #mixed(bytes: Uint8Array): string {
    if (bytes.some((byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0x1a)) {
      throw noText();
    }
    const parts: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const isPlain = bytes[at] < 0x80;
      let end = at;
      while (end < bytes.length && bytes[end] < 0x80 === isPlain) end++;
      const run = bytes.subarray(at, end);
      try {
        parts.push(utf8.decode(run));
      } catch {
        this.encoding = "Latin-1";
        parts.push(windows.decode(run));
      }
      at = end;
    }
    return parts.join("");
  }
}

const LONGEST_RUN = 1 << 12;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const windows = new TextDecoder("windows-1252");
const noText = () => new Unreadable("it is not text: neither UTF-8 nor UTF-16 nor Latin-1");

/** UTF-16 by its byte order mark, or where each second byte of plain letters is zero. */
function wideEncoding(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const zeros = [0, 0], count = Math.min(bytes.length, 256) & ~1;
  for (let i = 0; i < count; i++) if (bytes[i] === 0) zeros[i % 2]++;
  if (count >= 4 && zeros[1] >= 0.4 * count && zeros[0] === 0) return "utf-16le";
  if (count >= 4 && zeros[0] >= 0.4 * count && zeros[1] === 0) return "utf-16be";
  return undefined;
}

/** The text of bytes that were read as a whole. @throws {UserError} if they are no text */
export function textOf(bytes: Uint8Array, path: string, options: TextOptions = {}): string {
  const reader = new TextReader();
  try {
    const text = reader.add(bytes) + reader.end();
    noteEncoding(reader, path, options);
    return text;
  } catch (error) {
    throw inputError(error, path, options);
  }
}

/** Says of a file that it is not UTF-8. */
export function noteEncoding(
  { encoding }: TextReader,
  path: string,
  { notes }: TextOptions,
): void {
  if (encoding === "UTF-8" || !notes) return;
  const note = `${inputName(path)} is read as ${encoding} text.`;
  if (!notes.includes(note)) notes.push(note);
}

/**
 * The text of a file in pieces, gzip or not, of any of the encodings; `-` is standard input.
 *
 * @throws {UserError} if it cannot be read as text
 */
export async function* textPieces(
  path: string,
  options: TextOptions = {},
): AsyncGenerator<string> {
  const reader = new TextReader();
  try {
    for await (const piece of inputPieces(path, options)) yield reader.add(piece);
    yield reader.end();
    noteEncoding(reader, path, options);
  } catch (error) {
    throw inputError(error, path, options);
  }
}

/** The whole text of a file. @throws {UserError} as {@linkcode textPieces} */
export async function readText(path: string, options: TextOptions = {}): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of textPieces(path, options)) {
    pieces.push(piece);
    length += piece.length;
    if (length > MOST_BYTES) {
      throw inputError(new Unreadable(`it has more than ${MOST_BYTES} letters`), path, options);
    }
  }
  return pieces.join("");
}
