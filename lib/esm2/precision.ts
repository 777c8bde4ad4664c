/** In what a model computes. */
import type { Backend } from "../backend/types.ts";
import { UserError } from "../errors.ts";

/**
 * In what linear maps of blocks compute: single precision; 8-bit integers; or weights in half precision, whose
 * products are summed in single precision. Everything between them is in single precision.
 */
export type Precision = "f32" | "int8" | "f16";

/** Less than single precision. */
export type LowPrecision = Exclude<Precision, "f32">;

/** The precision where it is a lower one. */
export const lowPrecision = (precision: Precision | undefined): LowPrecision | undefined =>
  precision === "f32" ? undefined : precision;

/** @throws {UserError} if a backend does not compute in a precision */
export function requireBackend(precision: Precision, { name, gpu }: Backend): void {
  const home = precision === "int8" ? "cpu" : "webgpu";
  if (precision === "f32") return;
  if (name !== home) {
    throw new UserError(
      `Cannot compute in ${precision} as the backend must be ${home}: current value is ${name}`,
    );
  }
  if (precision === "f16" && !gpu?.hasHalf) {
    throw new UserError(
      "Cannot compute in f16 as the adapter must have shader-f16: it has not; leave --precision out",
    );
  }
}

/**
 * Products of bytes have no gradient, and a change smaller than their step no effect.
 *
 * @throws {UserError} unless it is single precision
 */
export function requireF32(precision: Precision | undefined, action: string): void {
  if (precision === undefined || precision === "f32") return;
  throw new UserError(
    `Cannot ${action} as the precision must be f32: current value is ${precision}`,
  );
}
