/** A text file line by line, so that memory does not grow with it. */
import { quote, UserError } from "../errors.ts";
import { kindReason } from "./file_reason.ts";
import { textError } from "./text.ts";

/**
 * Lines of a text file, ended by \n, \r\n or \r; a byte order mark is left out.
 *
 * @throws {UserError} if it cannot be read as UTF-8 text
 */
export async function* lines(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  try {
    using file = await Deno.open(path);
    const info = await file.stat();
    // Who reads line by line reads again: a pipe would then be empty.
    if (!info.isFile) {
      throw new UserError(
        `Cannot read ${quote(path, 200)} as it must be a text file: ${kindReason(info)}`,
      );
    }
    const buffer = new Uint8Array(1 << 16);
    for (let ended = false; !ended;) {
      const count = await file.read(buffer);
      ended = count === null;
      rest += decoder.decode(buffer.subarray(0, count ?? 0), { stream: !ended });
      // A \r at the end may be the first half of \r\n.
      const held = !ended && rest.endsWith("\r") ? "\r" : "";
      const pieces = (held ? rest.slice(0, -1) : rest).split(/\r\n|\n|\r/);
      rest = pieces.pop()! + held;
      yield* pieces;
    }
    if (rest !== "") yield rest;
  } catch (error) {
    throw textError(error, path);
  }
}
