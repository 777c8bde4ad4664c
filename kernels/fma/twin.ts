/** Multiply-adds on the CPU. */

export interface FmaOptions {
  /** Steps of each element. */
  rounds: number;
  scale: number;
  offset: number;
}

/**
 * Replaces every x by scale · x + offset, `rounds` times; the arithmetic ceiling of plain TypeScript.
 *
 * start   f32[N]  N a multiple of 8
 * result  f32[N]  computed in double precision: rounding each step would take four times as long
 */
export function multiplyAdd(
  start: Float32Array,
  result: Float32Array,
  { rounds, scale, offset }: FmaOptions,
): void {
  // Eight chains at a time: one alone would wait for its own last step. More would leave registers.
  for (let i = 0; i < start.length; i += 8) {
    let x0 = start[i], x1 = start[i + 1], x2 = start[i + 2], x3 = start[i + 3];
    let x4 = start[i + 4], x5 = start[i + 5], x6 = start[i + 6], x7 = start[i + 7];
    for (let round = 0; round < rounds; round++) {
      x0 = x0 * scale + offset;
      x1 = x1 * scale + offset;
      x2 = x2 * scale + offset;
      x3 = x3 * scale + offset;
      x4 = x4 * scale + offset;
      x5 = x5 * scale + offset;
      x6 = x6 * scale + offset;
      x7 = x7 * scale + offset;
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
