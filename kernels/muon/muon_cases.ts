/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";

export interface MuonCase {
  name: string;
  matrices: number;
  rows: number;
  columns: number;
}

const named = (matrices: number, rows: number, columns: number): MuonCase => ({
  ...{ name: `${matrices} × ${rows} × ${columns}`, matrices, rows, columns },
});

/** Elements around the workgroup, and matrices of odd sizes. */
export const TEST_CASES: readonly MuonCase[] = [
  named(1, 1, 1),
  named(3, 5, 7),
  named(2, 16, 16),
  named(5, 17, 31),
];

/** Projections of the embedded model, and of 8M. */
export const BENCH_CASES: readonly MuonCase[] = [named(16, 128, 128), named(24, 320, 320)];

export const elementsOf = ({ matrices, rows, columns }: MuonCase): number =>
  matrices * rows * columns;

/** Gradient, momentum and what was turned in, the weight in and out, momentum and what lies ahead out. */
export const bytes = (shape: MuonCase): number => 7 * 4 * elementsOf(shape);

/** Clipping 1, both of momentum 4, the step 3. */
export const flops = (shape: MuonCase): number => 8 * elementsOf(shape);

export const NUMBERS = { momentum: 0.95, kept: 0.99, size: 0.02 };

/** Values within −1 and 1; every third matrix is not moved. */
export function randomMatrices(shape: MuonCase, seed: number) {
  const stream = new PhiloxStream(seed), count = elementsOf(shape);
  const draw = (part: number) =>
    Float32Array.from({ length: count }, (_, i) => stream.below(1 << 24, i, part) / (1 << 23) - 1);
  return {
    ...{ gradients: draw(0), momentum: draw(1), turned: draw(2), weights: draw(3) },
    flags: Uint32Array.from({ length: shape.matrices }, (_, m) => m % 3 === 2 ? 0 : 1),
  };
}
