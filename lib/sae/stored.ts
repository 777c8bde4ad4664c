/** The tensors of an SAE file, whatever its container. */
import { isDType } from "../checkpoint/dtype.ts";
import { readSafetensorsMetadata } from "../checkpoint/safetensors.ts";
import { readStoredTensor, shapeText, type StoredTensor } from "../checkpoint/stored_tensor.ts";
import { addStateDict, readWeightFile } from "../checkpoint/weight_file.ts";
import { UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";

export interface StoredSae {
  /** What to call the file in messages. */
  readonly label: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Texts of a safetensors header. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads where the tensors lie. @throws {UserError} if it is no undamaged safetensors or torch file */
export async function readStoredSae(source: RandomAccess): Promise<StoredSae> {
  const { label } = source;
  const file = await readWeightFile(source);
  if (file.kind === "safetensors") {
    return { label, tensors: file.tensors, metadata: await readSafetensorsMetadata(source) };
  }
  const tensors = new Map<string, StoredTensor>();
  await addStateDict(label, file.file, file.file.root, tensors);
  return { label, tensors, metadata: {} };
}

/** The shape of a matrix. @throws {UserError} if there is no such tensor or it is no matrix */
export function matrixShape(stored: StoredSae, name: string): [rows: number, columns: number] {
  const { shape } = find(stored, name);
  if (shape.length === 2 && shape[0] > 0 && shape[1] > 0) return [shape[0], shape[1]];
  throw new UserError(
    `Cannot read ${stored.label} as tensor "${name}" must be a matrix: current shape is ` +
      shapeText(shape),
  );
}

/**
 * Reads a tensor of known shape.
 *
 * @throws {UserError} if it is absent, of another shape, no floating-point tensor, or not finite
 */
export async function readWeights(
  stored: StoredSae,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  const tensor = find(stored, name), { label } = stored;
  if (shapeText(tensor.shape) !== shapeText(shape)) {
    throw new UserError(
      `Cannot read ${label} as tensor "${name}" must have the shape ${shapeText(shape)}: ` +
        `current value is ${shapeText(tensor.shape)}`,
    );
  }
  if (!isDType(tensor.dtype)) {
    throw new UserError(
      `Cannot read ${label} as tensor "${name}" must hold floating-point numbers: ` +
        `current value is ${tensor.dtype}`,
    );
  }
  const values = await readStoredTensor(tensor);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new UserError(
    `Cannot read ${label} as tensor "${name}" must be finite: element ${bad} is ${values[bad]}`,
  );
}

/** Whether a stored flag, a tensor of one element, is set; an absent one is not. */
export async function readFlag({ tensors }: StoredSae, name: string): Promise<boolean> {
  const tensor = tensors.get(name);
  if (tensor === undefined) return false;
  if (isDType(tensor.dtype)) return (await readStoredTensor(tensor)).some((value) => value !== 0);
  const byte = new Uint8Array(1);
  // The lowest byte comes first, and a flag is 0 or 1.
  await tensor.source.read(tensor.start, byte);
  return byte[0] !== 0;
}

function find({ label, tensors }: StoredSae, name: string): StoredTensor {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  const names = [...tensors.keys()];
  throw new UserError(
    `Cannot read ${label} as it must hold tensor "${name}": it has ` +
      `${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`,
  );
}
