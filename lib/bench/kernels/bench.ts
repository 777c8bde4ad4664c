/** What a kernel gives to be timed on either processor. */
import type { GpuContext } from "../../gpu/mod.ts";

/** Copies of the inputs that are used in turn, so that none is in the cache when its turn comes. */
export interface SetCount {
  sets: number;
}

export interface GpuRun extends Disposable {
  /** Encodes one run on input set `set`, a number from 0 that may exceed the number of sets. */
  encode(encoder: GPUCommandEncoder, set: number): void;
  /** Reads the outputs of a run on set 0 and compares. @throws {Error} if they are not the twin's */
  verify(): Promise<void>;
}

export interface CpuRun {
  run(set: number): void;
}

/** One kernel at one shape. */
export interface KernelBench {
  kernel: string;
  shape: string;
  dtype: string;
  bytes: number;
  flops: number;
  /** Bytes of one set of inputs. */
  setBytes: number;
  /** Whether only a real GPU is fast enough: neither the twin nor a software adapter is timed. */
  needsGpu?: boolean;
  gpu(ctx: GpuContext, size: SetCount): Promise<GpuRun>;
  /** The twin, checked against the definition. @throws {Error} if it is wrong */
  cpu(size: SetCount): CpuRun;
}

/** The rule of all benchmarks: a wrong result has no speed. */
export function mustBe(isRight: boolean, kernel: string, shape: string): void {
  if (isRight) return;
  throw new Error(`Cannot time ${kernel} ${shape} as its output must be right: it is not`);
}

/** Whether every element agrees within `rtol` of the expected one. */
export function agrees(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  rtol = 0,
): boolean {
  if (actual.length !== expected.length) return false;
  for (let i = 0; i < actual.length; i++) {
    // Written so that NaN does not agree.
    if (!(Math.abs(actual[i] - expected[i]) <= rtol * Math.abs(expected[i]))) return false;
  }
  return true;
}

/** Values that tell an element from its neighbours. */
export const ramp = (elements: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: elements }, (_, i) => i % 8191);
