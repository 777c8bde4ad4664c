/** Where a tensor of a torch file lies, whatever the container. */
import { quote, UserError } from "../errors.ts";
import type { RandomAccess } from "../io/random_access.ts";
import type { TorchTensor } from "./pickle_values.ts";
import { contiguousStrides, elementCount, shapeText, type StoredTensor } from "./stored_tensor.ts";

/**
 * A tensor in a storage that begins at `dataOffset`.
 *
 * @param found bytes that the file has of the storage, or undefined where it has none
 * @param key what to call the storage
 * @throws {UserError} if elements are missing or too few
 */
export function checkExtent(
  name: string,
  { storage, offset, shape, strides }: TorchTensor,
  found: number | undefined,
  key: string,
  label: string,
): void {
  const fail = (rule: string, current: string): never => {
    throw new UserError(
      `Cannot read ${label} as ${rule} of tensor ${quote(name)}: current value is ${current}`,
    );
  };
  const needed = storage.length * storage.itemBytes;
  if (found === undefined || found < needed) {
    fail(
      `${quote(key)} must hold the ${needed} bytes`,
      found === undefined ? "absent" : `${found} bytes`,
    );
  }
  const count = elementCount(shape);
  if (count === 0) return;
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], offset);
  // Repeated elements (stride 0) would let a small file ask for a large array.
  if (!(last < storage.length) || !(count <= storage.length)) {
    fail(
      `${quote(key)} of ${storage.length} elements must cover the view`,
      `offset ${offset}, shape ${shapeText(shape)}, strides ${shapeText(strides)}`,
    );
  }
}

/** A checked tensor of a storage that begins at byte `dataOffset`. */
export function viewAt(
  source: RandomAccess,
  dataOffset: number,
  tensor: TorchTensor,
): StoredTensor {
  const { storage, offset, shape } = tensor;
  const start = dataOffset + offset * storage.itemBytes;
  const strides = isContiguous(tensor) ? undefined : tensor.strides;
  return { source, start, dtype: storage.dtype, shape, strides };
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  const wanted = contiguousStrides(shape);
  return strides.every((stride, axis) => shape[axis] <= 1 || stride === wanted[axis]);
}
