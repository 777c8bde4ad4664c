/** The unfinished download `NAME.part`, with what is needed to resume it in `NAME.part.json`. */
import { createHash, type Hash } from "node:crypto";
import { sizeOf } from "./cache.ts";
import { explained } from "./file_error.ts";

/** What told one version of the remote file from another when the download began. */
export interface Validators {
  /** Strong entity tag, with its quotes. */
  etag?: string;
  lastModified?: string;
}

export class PartFile {
  /** Bytes written so far. */
  sizeBytes = 0;
  validators: Validators = {};
  #path: string;
  #file: Deno.FsFile;
  #hash: Hash = createHash("sha256");

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Opens or creates the part of a file, and hashes what it already has. */
  static async open(finalPath: string, signal?: AbortSignal): Promise<PartFile> {
    const path = `${finalPath}.part`;
    const file = await explained(
      path,
      () => Deno.open(path, { create: true, read: true, write: true }),
    );
    const part = new PartFile(path, file);
    try {
      part.validators = await readValidators(`${path}.json`);
      const buffer = new Uint8Array(1 << 20);
      for (let n; (n = await file.read(buffer)) !== null;) {
        signal?.throwIfAborted();
        part.#hash.update(buffer.subarray(0, n));
        part.sizeBytes += n;
      }
    } catch (error) {
      file.close();
      throw error;
    }
    return part;
  }

  /** Appends bytes to the file and to the hash. */
  append(bytes: Uint8Array): Promise<void> {
    return explained(this.#path, async () => {
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
      this.#hash.update(bytes);
      this.sizeBytes += bytes.length;
    });
  }

  /** Forgets the bytes: the next ones are the first of the file. */
  restart(): Promise<void> {
    return explained(this.#path, async () => {
      await this.#file.truncate(0);
      await this.#file.seek(0, Deno.SeekMode.Start);
      this.#hash = createHash("sha256");
      this.sizeBytes = 0;
      this.validators = {};
    });
  }

  /** Records which version of the remote file the bytes are of. */
  async identify(validators: Validators): Promise<void> {
    this.validators = validators;
    const path = `${this.#path}.json`;
    await explained(path, () => Deno.writeTextFile(path, JSON.stringify(validators)));
  }

  /** SHA-256 of the bytes so far, in hexadecimal. */
  sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Gives the whole and verified file its final name. */
  async finish(finalPath: string): Promise<void> {
    await explained(finalPath, async () => {
      await this.#file.syncData();
      this.#file.close();
      await Deno.rename(this.#path, finalPath);
      await remove(`${this.#path}.json`);
    });
  }

  /** Deletes the part, for bytes that cannot be right. */
  async discard(): Promise<void> {
    this.#file.close();
    await remove(this.#path);
    await remove(`${this.#path}.json`);
  }

  /** Closes the file and keeps it for resuming; an empty one is not worth keeping. */
  async keep(): Promise<void> {
    if (this.sizeBytes === 0) return await this.discard();
    this.#file.close();
  }
}

/** Deletes what an earlier download of the file left behind. */
export async function discardPart(finalPath: string): Promise<void> {
  await remove(`${finalPath}.part`);
  await remove(`${finalPath}.part.json`);
}

async function readValidators(path: string): Promise<Validators> {
  if (await sizeOf(path) === undefined) return {};
  try {
    const { etag, lastModified } = JSON.parse(await Deno.readTextFile(path));
    return {
      etag: typeof etag === "string" ? etag : undefined,
      lastModified: typeof lastModified === "string" ? lastModified : undefined,
    };
  } catch (error) {
    // A record cut short by a crash tells nothing about the part.
    if (error instanceof SyntaxError || error instanceof TypeError) return {};
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
