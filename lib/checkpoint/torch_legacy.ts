/**
 * torch's container from before 1.6 (torch/serialization.py, `_legacy_save`): pickles of a magic number, a
 * version, the machine, the object and the keys of its storages one after another, then the storages, each
 * its number of elements and these.
 */
import { UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { readPickleAt } from "./pickle.ts";
import type { TorchStorage } from "./pickle_values.ts";
import { MAX_PICKLE_BYTES, type TorchFile } from "./torch.ts";
import { checkExtent, viewAt } from "./torch_view.ts";

/** The pickle of the number by which torch knows its own files: LONG1 of ten bytes, STOP. */
const MAGIC = "8002" + "8a0a" + "6cfc9c46f9206aa85019" + "2e";

/** Whether a file begins as one of this container does; a cut one too. */
export function isLegacyTorch(head: Uint8Array): boolean {
  const begin = head.subarray(0, MAGIC.length / 2);
  return begin.length >= 4 && MAGIC.startsWith(begin.toHex());
}

/**
 * Reads where the tensors lie; nothing is executed, as in the newer container.
 *
 * @throws {UserError} if the file is damaged, or its pickle asks for more than tensors and containers
 */
export async function readLegacyTorchFile(source: RandomAccess): Promise<TorchFile> {
  const { label, sizeBytes } = source;
  const head = new Uint8Array(Math.min(MAX_PICKLE_BYTES, sizeBytes));
  await source.read(0, head);
  const storages = new Map<string, TorchStorage>();
  let at = 0;
  const next = (seen?: Map<string, TorchStorage>) => {
    const { value, end } = readPickleAt(head, at, label, seen);
    at = end;
    return value;
  };
  next();
  const version = next(), machine = next();
  const isLittle = machine instanceof Map ? machine.get("little_endian") : undefined;
  if (version !== 1001 || isLittle !== true) {
    throw new UserError(
      `Cannot read ${label} as torch's format from before 1.6 must be of protocol 1001 and ` +
        `little-endian: it is not`,
    );
  }
  const root = next(storages), keys = next();
  if (!Array.isArray(keys)) {
    throw new UserError(`Cannot read ${label} as its storages must be listed: they are not`);
  }
  const offsets = new Map<string, number>();
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined) {
      throw new UserError(`Cannot read ${label} as its pickle must use every storage: one is not`);
    }
    if (at + 8 > sizeBytes) break;
    const count = new Uint8Array(8);
    await source.read(at, count);
    const found = new DataView(count.buffer).getBigInt64(0, true);
    if (found !== BigInt(storage.length)) {
      throw new UserError(
        `Cannot read ${label} as a storage must have ${storage.length} elements, as its pickle ` +
          `says: current value is ${found}`,
      );
    }
    offsets.set(storage.key, at + 8);
    at += 8 + storage.length * storage.itemBytes;
  }
  return {
    root,
    locate(name, tensor) {
      const { key } = tensor.storage, begin = offsets.get(key);
      const found = begin === undefined ? undefined : sizeBytes - begin;
      checkExtent(name, tensor, found, `storage ${key}`, label);
      return Promise.resolve(viewAt(source, begin!, tensor));
    },
  };
}
