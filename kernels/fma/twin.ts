import type { FmaOptions } from "./mod.ts";

/**
 * Replaces every x by scale · x + offset, `rounds` times, rounding to single precision after each
 * operation; the arithmetic ceiling of plain TypeScript.
 *
 * start   f32[N]  N a multiple of 8
 * result  f32[N]
 */
export function multiplyAdd(
  start: Float32Array,
  result: Float32Array,
  { rounds, scale, offset }: FmaOptions,
): void {
  const s = Math.fround(scale), o = Math.fround(offset), { fround } = Math;
  // Eight chains at a time: one alone would wait for its own last step.
  for (let i = 0; i < start.length; i += 8) {
    let x0 = start[i], x1 = start[i + 1], x2 = start[i + 2], x3 = start[i + 3];
    let x4 = start[i + 4], x5 = start[i + 5], x6 = start[i + 6], x7 = start[i + 7];
    for (let round = 0; round < rounds; round++) {
      x0 = fround(fround(x0 * s) + o);
      x1 = fround(fround(x1 * s) + o);
      x2 = fround(fround(x2 * s) + o);
      x3 = fround(fround(x3 * s) + o);
      x4 = fround(fround(x4 * s) + o);
      x5 = fround(fround(x5 * s) + o);
      x6 = fround(fround(x6 * s) + o);
      x7 = fround(fround(x7 * s) + o);
    }
    result[i] = x0;
    result[i + 1] = x1;
    result[i + 2] = x2;
    result[i + 3] = x3;
    result[i + 4] = x4;
    result[i + 5] = x5;
    result[i + 6] = x6;
    result[i + 7] = x7;
  }
}
