/** In what a model computes. */
import { UserError } from "../errors.ts";

/**
 * In what linear maps of blocks compute: single precision, or 8-bit integers with everything between them in
 * single precision.
 */
export type Precision = "f32" | "int8";

/**
 * Rounded products have no gradient, and a change smaller than their step no effect.
 *
 * @throws {UserError} unless it is single precision
 */
export function requireF32(precision: Precision | undefined, action: string): void {
  if (precision === undefined || precision === "f32") return;
  throw new UserError(
    `Cannot ${action} as the precision must be f32: current value is ${precision}`,
  );
}
