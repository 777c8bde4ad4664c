/** Reading tensors back: one staging buffer and one wait, however many tensors. */
import {
  copyElements,
  type ElementArrays,
  type ElementType,
  type GpuTensor,
  paddedBytes,
} from "./tensor.ts";

/** What reading a list of tensors gives: their typed arrays in the same order. */
export type Readings<T extends readonly GpuTensor[]> = {
  -readonly [K in keyof T]: T[K] extends GpuTensor<infer D> ? ElementArrays[D] : never;
};

/** Plan of a staging buffer: where each tensor's bytes go. */
export interface ReadPlan {
  offsets: number[];
  sizeBytes: number;
}

/** Lays tensors out one after another; mapped ranges start at multiples of 8. */
export function planRead(tensors: readonly GpuTensor[]): ReadPlan {
  const offsets: number[] = [];
  let sizeBytes = 0;
  for (const { byteLength } of tensors) {
    offsets.push(sizeBytes);
    sizeBytes = Math.ceil((sizeBytes + paddedBytes(byteLength)) / 8) * 8;
  }
  return { offsets, sizeBytes };
}

/** Encodes the copies; sizes are whole words, which every buffer of ours and of onnxruntime has. */
export function encodeRead(
  encoder: GPUCommandEncoder,
  tensors: readonly GpuTensor[],
  plan: ReadPlan,
  staging: GPUBuffer,
): void {
  tensors.forEach(({ buffer, byteLength }, i) => {
    const size = Math.ceil(byteLength / 4) * 4;
    if (size > 0) encoder.copyBufferToBuffer(buffer, 0, staging, plan.offsets[i], size);
  });
}

/** Waits for the staging buffer and copies the logical elements out of it. */
export async function collectRead<T extends readonly GpuTensor[]>(
  tensors: T,
  plan: ReadPlan,
  staging: GPUBuffer,
): Promise<Readings<T>> {
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange();
  const arrays = tensors.map(({ dtype, length }, i) =>
    copyElements<ElementType>(dtype, bytes, plan.offsets[i], length)
  );
  staging.unmap();
  return arrays as Readings<T>;
}
