/** A text file written in pieces of any size. */
import { writeAll } from "./disk.ts";

const BUFFER_CHARACTERS = 1 << 16;

export class TextSink implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #encoder = new TextEncoder();
  #text = "";
  #isOpen = true;

  /** Creates or empties the file. */
  constructor(path: string) {
    this.#path = path;
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
  }

  async write(text: string): Promise<void> {
    this.#text += text;
    if (this.#text.length > BUFFER_CHARACTERS) await this.#flush();
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    await this.#flush();
    await this[Symbol.asyncDispose]();
  }

  /** Closes the file whatever its state. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
    return Promise.resolve();
  }

  async #flush(): Promise<void> {
    const bytes = this.#encoder.encode(this.#text);
    this.#text = "";
    await writeAll(this.#file, bytes, this.#path);
  }
}
