import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { listZip, readZipEntry, STORED, zipDataOffset, type ZipEntry } from "../io/zip.ts";
import { readPickle } from "./pickle.ts";
import type { PickleValue, TorchTensor } from "./pickle_values.ts";
import type { StoredTensor } from "./stored_tensor.ts";
import { checkExtent, viewAt } from "./torch_view.ts";

/** A pickle holds names and shapes, no weights: that of the 15B model has less than 1 MB. */
export const MAX_PICKLE_BYTES = 32 << 20;

/** A file of torch.save: its pickle as inert values, and where its tensors lie. */
export interface TorchFile {
  readonly root: PickleValue;
  /** Where a tensor's elements lie. @throws {UserError} if they are missing or too few */
  locate(name: string, tensor: TorchTensor): Promise<StoredTensor>;
}

/**
 * Reads a file that torch.save wrote in the zip format (torch 1.6 or newer).
 *
 * @throws {UserError} if the file is damaged, or its pickle asks for more than tensors and containers
 */
export async function readTorchFile(source: RandomAccess): Promise<TorchFile> {
  const { label } = source;
  const entries = new Map((await listZip(source)).map((entry) => [entry.name, entry]));
  const folder = torchFolder(entries, label);
  const bytes = async (name: string, limit: number) => {
    const entry = plainEntry(entries.get(folder + name)!, label);
    return await readZipEntry(source, entry, limit);
  };
  if (entries.has(`${folder}byteorder`)) {
    const order = new TextDecoder().decode(await bytes("byteorder", 64)).trim();
    if (order !== "little") {
      throw new UserError(
        `Cannot read ${label} as its byte order must be "little": current value is ${quote(order)}`,
      );
    }
  }
  const root = readPickle(await bytes("data.pkl", MAX_PICKLE_BYTES), label);
  const offsets = new Map<string, number>();
  return {
    root,
    async locate(name, tensor) {
      const key = `data/${tensor.storage.key}`, entry = entries.get(folder + key);
      checkExtent(name, tensor, entry?.sizeBytes, key, label);
      if (entry === undefined) throw new Error("checkExtent must refuse a missing entry");
      let dataOffset = offsets.get(entry.name);
      if (dataOffset === undefined) {
        dataOffset = await zipDataOffset(source, plainEntry(entry, label));
        offsets.set(entry.name, dataOffset);
      }
      return viewAt(source, dataOffset, tensor);
    },
  };
}

/** Folder of the archive that holds `data.pkl`, with its slash. */
function torchFolder(entries: ReadonlyMap<string, ZipEntry>, label: string): string {
  const found = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (found.length !== 1) {
    throw new UserError(
      `Cannot read ${label} as an archive of torch.save must hold one data.pkl: ` +
        `current number is ${found.length}`,
    );
  }
  const folder = found[0].slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new UserError(
      `Cannot read ${label} as it must hold a state dict: it is a TorchScript program`,
    );
  }
  return folder;
}

function plainEntry(entry: ZipEntry, label: string): ZipEntry {
  const kind = entry.encrypted ? "encrypted" : entry.method === STORED ? undefined : "compressed";
  if (kind === undefined && entry.compressedBytes === entry.sizeBytes) return entry;
  throw new UserError(
    `Cannot read ${label} as its entry ${quote(entry.name)} must be stored, as torch.save does: ` +
      `it is ${kind ?? "of two sizes"}`,
  );
}
