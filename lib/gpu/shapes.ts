/** Shapes that a kernel needs of its tensors. */
import type { GpuTensor } from "./tensor.ts";

/**
 * Compares shapes with what they must be.
 *
 * @param action what cannot be done otherwise, for the message: `decode`
 * @throws {RangeError} for the first tensor of another shape
 */
export function checkShapes(
  action: string,
  expected: readonly (readonly [GpuTensor, readonly number[]])[],
): void {
  for (const [{ label, shape }, extents] of expected) {
    if (shape.join() === extents.join()) continue;
    throw new RangeError(
      `Cannot ${action} as "${label}" must be [${extents.join(", ")}]: ` +
        `current value is [${shape.join(", ")}]`,
    );
  }
}
