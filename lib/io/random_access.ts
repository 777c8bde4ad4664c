/** Bytes that can be read at any offset: a file that stays on disk, or an array in memory. */
import { quote, UserError } from "../errors.ts";
import { fileReason, kindReason } from "./file_reason.ts";

/**
 * Bytes that can be read anywhere: a file, or memory. Its `read` fills the whole of `into` or throws: a
 * short read is never returned.
 */
export interface RandomAccess extends Disposable {
  /** What to call it in messages: the path, or a name for bytes in memory. */
  readonly label: string;
  /** The file where they lie as they are read, links followed; absent where there is none. */
  readonly path?: string;
  /** How many there are. */
  readonly sizeBytes: number;
  /** Fills `into` from absolute byte `offset`. @throws {RangeError} beyond the end */
  read(offset: number, into: Uint8Array): Promise<void>;
}

function checkRange(source: RandomAccess, offset: number, length: number) {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && offset + length <= source.sizeBytes)) {
    throw new RangeError(
      `Cannot read ${length} bytes of ${source.label} at ${offset} as it has ${source.sizeBytes} bytes`,
    );
  }
}

/** The file itself, or undefined where a link may not be followed. */
const realPath = (path: string) => Deno.realPath(path).catch(() => undefined);

/**
 * Opens a file for reads on demand; nothing is loaded before it is asked for.
 *
 * @throws {UserError} if there is no such file, or it is a folder, a pipe or a device
 */
export async function openRandomAccess(path: string): Promise<RandomAccess> {
  const refuse = (reason: string) =>
    new UserError(`Cannot read ${quote(path, 200)} as it must be a file: ${reason}`);
  let file: Deno.FsFile;
  try {
    // Before it is opened, since opening a pipe would wait for someone to write to it.
    const info = await Deno.stat(path);
    if (!info.isFile) throw refuse(kindReason(info));
    file = await Deno.open(path, { read: true });
  } catch (error) {
    const reason = fileReason(error);
    throw reason === undefined ? error : refuse(reason);
  }
  let sizeBytes: number;
  try {
    sizeBytes = (await file.stat()).size;
  } catch (error) {
    file.close();
    throw error;
  }
  let open = true;
  // A file has one cursor, so that a seek and the reads after it must not interleave with others'.
  let last: Promise<unknown> = Promise.resolve();
  const source: RandomAccess = {
    label: path,
    path: await realPath(path),
    sizeBytes,
    read(offset, into) {
      checkRange(source, offset, into.length);
      const turn = last.then(async () => {
        await file.seek(offset, Deno.SeekMode.Start);
        let at = 0;
        while (at < into.length) {
          const count = await file.read(into.subarray(at));
          if (count === null) throw new RangeError(`Cannot read ${path} as it became shorter`);
          at += count;
        }
      });
      last = turn.catch(() => {});
      return turn;
    },
    [Symbol.dispose]() {
      if (open) file.close();
      open = false;
    },
  };
  return source;
}

/** Bytes in memory; they are shared, not copied. */
export function bytesRandomAccess(label: string, bytes: Uint8Array): RandomAccess {
  const source: RandomAccess = {
    label,
    sizeBytes: bytes.length,
    // deno-lint-ignore require-await
    async read(offset, into) {
      checkRange(source, offset, into.length);
      into.set(bytes.subarray(offset, offset + into.length));
    },
    [Symbol.dispose]() {},
  };
  return source;
}
