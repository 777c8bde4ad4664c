import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import { type PickleValue, TorchTensor } from "./pickle_values.ts";
import { readSafetensors } from "./safetensors.ts";
import type { StoredTensor } from "./stored_tensor.ts";
import { readTorchFile, type TorchFile } from "./torch.ts";
import { isLegacyTorch, readLegacyTorchFile } from "./torch_legacy.ts";

/** A weight file of either container format, told apart by its first bytes. */
export type WeightFile =
  | { readonly kind: "safetensors"; readonly tensors: Map<string, StoredTensor> }
  | { readonly kind: "torch"; readonly file: TorchFile };

/** @throws {UserError} if the file is neither, or damaged */
export async function readWeightFile(source: RandomAccess): Promise<WeightFile> {
  const head = new Uint8Array(Math.min(512, source.sizeBytes));
  await source.read(0, head);
  const { label } = source;
  const text = new TextDecoder("latin1").decode(head);
  if (text.startsWith("PK")) return { kind: "torch", file: await readTorchFile(source) };
  if (label.endsWith(".safetensors") || text[8] === "{") {
    if (!isGitPointer(text)) return { kind: "safetensors", tensors: await readSafetensors(source) };
  }
  if (isLegacyTorch(head)) return { kind: "torch", file: await readLegacyTorchFile(source) };
  if (text.slice(257, 262) === "ustar") {
    throw new UserError(
      `Cannot read ${label} as it must be a safetensors or torch file: it is a tar archive, as ` +
        `torch wrote before 0.2 (load and save it again with a newer torch)`,
    );
  }
  let current = `its first bytes are ${quote(text.slice(0, 16))}`;
  if (text === "") current = "it is empty";
  if (isGitPointer(text)) current = "it is a Git LFS pointer without the weights";
  throw new UserError(`Cannot read ${label} as it must be a safetensors or torch file: ${current}`);
}

function isGitPointer(text: string): boolean {
  return text.startsWith("version https://git-lfs");
}

/**
 * Adds the tensors of a state dict to `tensors`.
 *
 * @throws {UserError} if it holds none, or one's elements are not in the file
 */
export async function addStateDict(
  label: string,
  file: TorchFile,
  dict: PickleValue | undefined,
  tensors: Map<string, StoredTensor>,
): Promise<void> {
  const entries = dict instanceof Map ? [...dict] : [];
  let count = 0;
  for (const [name, value] of entries) {
    if (typeof name !== "string" || !(value instanceof TorchTensor)) continue;
    tensors.set(name, await file.locate(name, value));
    count++;
  }
  if (count === 0) {
    throw new UserError(
      `Cannot read ${label} as it must hold a state dict of tensors: current keys are ` +
        `[${entries.slice(0, 8).map(([key]) => quote(key)).join(", ")}]`,
    );
  }
}
