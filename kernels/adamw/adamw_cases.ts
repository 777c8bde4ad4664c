/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import { type AdamSettings, type AdamStep, BLOCK, DECAYS, MOVES } from "./types.ts";

export interface AdamCase {
  name: string;
  /** Elements of each tensor. */
  lengths: readonly number[];
}

const named = (name: string, lengths: readonly number[]): AdamCase => ({ name, lengths });

/** Lengths around blocks, vectors and the workgroups of the sum of squares. */
export const TEST_CASES: readonly AdamCase[] = [
  named("one", [1]),
  named("around a vector", [3, 4, 5]),
  named("around a block", [255, 256, 257]),
  named("matrix and bias", [33 * 64, 33]),
  named("around the workgroups of a sum", [256 * 256 * 4 - 1, 2, 4 * 256 * 256 + 7]),
];

/** All tensors of a model of a width and depth, 16 of each block. */
function model(layers: number, width: number): number[] {
  const square = width * width, norm = [width, width];
  const projections = Array(4).fill([square, width]).flat();
  const block = [...norm, ...projections, ...norm, 4 * square, 4 * width, 4 * square, width];
  return [33 * width, ...Array(layers).fill(block).flat(), ...norm, square, width, ...norm, 33];
}

/** The embedded model, and 8M: 102 tensors. */
export const BENCH_CASES: readonly AdamCase[] = [
  named("70 tensors, 0.8 M", model(4, 128)),
  named("104 tensors, 7.4 M", model(6, 320)),
];

export const elementsOf = ({ lengths }: AdamCase): number => lengths.reduce((sum, n) => sum + n, 0);

/** Gradient, weight and both moments in; the latter three out. */
export const bytes = (shape: AdamCase): number => 7 * 4 * elementsOf(shape);

/** Of an element: clipping 1, moments 7, the step 7. */
export const flops = (shape: AdamCase): number => 15 * elementsOf(shape);

export const SETTINGS: AdamSettings = { betas: [0.9, 0.98], epsilon: 1e-8, decay: 0.1 };
export const STEP: AdamStep = { step: 3, rate: 0.01 };

/** What a test or benchmark moves: tensors one behind another, each in whole blocks, padded with zeros. */
export interface AdamArrays {
  weights: Float32Array;
  gradients: Float32Array;
  first: Float32Array;
  second: Float32Array;
  flags: Uint32Array;
  /** Of each tensor, its elements. */
  ranges: [begin: number, end: number][];
}

/** Every third tensor does not decay, every fifth has no gradient, some slopes are zero. */
export function randomArrays({ lengths }: AdamCase, seed: number): AdamArrays {
  const stream = new PhiloxStream(seed), ranges: [number, number][] = [];
  let blocks = 0;
  for (const length of lengths) {
    ranges.push([blocks * BLOCK, blocks * BLOCK + length]);
    blocks += Math.ceil(length / BLOCK);
  }
  const size = blocks * BLOCK, flags = new Uint32Array(blocks);
  const draw = () => new Float32Array(size);
  const arrays = { weights: draw(), gradients: draw(), first: draw(), second: draw() };
  ranges.forEach(([begin, end], n) => {
    const isMoved = n % 5 !== 4;
    const flag = (isMoved ? MOVES : 0) | (n % 3 !== 2 ? DECAYS : 0);
    flags.fill(flag, begin / BLOCK, Math.ceil(end / BLOCK));
    for (let i = begin; i < end; i++) {
      const uniform = (part: number) => stream.below(1 << 24, i, part) / (1 << 23) - 1;
      arrays.weights[i] = uniform(0);
      arrays.gradients[i] = isMoved && i % 7 !== 0 ? uniform(1) : 0;
      arrays.first[i] = uniform(2) / 2;
      arrays.second[i] = Math.abs(uniform(3));
    }
  });
  return { ...arrays, flags, ranges };
}
