/** A text file line by line, so that memory does not grow with it. */
import { type TextOptions, textPieces } from "./text.ts";

/**
 * Lines of a text file, ended by \n, \r\n or \r; a byte order mark is left out.
 *
 * @throws {UserError} if it cannot be read as text
 */
export async function* lines(path: string, options: TextOptions = {}): AsyncGenerator<string> {
  let rest = "";
  for await (const text of textPieces(path, options)) {
    rest += text;
    // A \r at the end may be the first half of \r\n.
    const held = rest.endsWith("\r") ? "\r" : "";
    const pieces = (held ? rest.slice(0, -1) : rest).split(/\r\n|\n|\r/);
    rest = pieces.pop()! + held;
    yield* pieces;
  }
  if (rest !== "") yield* rest.endsWith("\r") ? [rest.slice(0, -1)] : [rest];
}
