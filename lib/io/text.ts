import { quote, UserError } from "../errors.ts";

/** Reads a text file that the user named. @throws {UserError} if it cannot be read as UTF-8 text */
export async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Deno.errors.NotFound
      ? "no such file"
      : error instanceof TypeError
      ? "not UTF-8 text"
      : (error as Error).message.split("\n")[0];
    throw new UserError(`Cannot read ${quote(path, 200)} as it must be a text file: ${reason}`);
  }
}
