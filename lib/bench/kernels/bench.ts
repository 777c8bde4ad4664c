/** What a kernel gives to be timed on either processor. */
import type { GpuContext, GpuTensor } from "../../gpu/mod.ts";

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

/** What a run gives, array by array. */
export type Outputs = readonly ArrayLike<number>[];

/** What is a kernel's own of a bench. */
export interface BenchParts<Input, Tensors>
  extends Pick<KernelBench, "kernel" | "shape" | "bytes" | "flops" | "setBytes" | "needsGpu"> {
  dtype?: string;
  /** How often a run goes through the kernel, each time with the next set. @default 1 */
  passes?: number;
  /** The same in every set: drawing others would take longer than timing them. */
  input(): Input;
  twin(input: Input): Outputs;
  /** What the twin must give, by the definition. */
  reference(input: Input): Outputs;
  /** @param expected of the twin for `wgsl`, of the reference for `twin` */
  isRight(found: Outputs, expected: () => Outputs, by: "wgsl" | "twin", input: Input): boolean;
  /** @param own disposes of something in the end */
  device(ctx: GpuContext, own: <T extends Disposable>(one: T) => T, input: Input): Promise<{
    /** Inputs on the device for one set. */
    load(): Tensors;
    /** Those of set 0, where they were needed before. */
    first?: Tensors;
    encode(encoder: GPUCommandEncoder, tensors: Tensors, pass: number): void;
    outputs: readonly GpuTensor[];
  }>;
}

/** A bench of its parts. */
export function benchOf<Input, Tensors>(parts: BenchParts<Input, Tensors>): KernelBench {
  const { kernel, shape, dtype = "f32", bytes, flops, setBytes, needsGpu, passes = 1 } = parts;
  const check = (found: Outputs, input: Input, by: "wgsl" | "twin") => {
    const expected = () => by === "wgsl" ? parts.twin(input) : parts.reference(input);
    mustBe(parts.isRight(found, expected, by, input), kernel, shape);
  };
  const all = Array.from({ length: passes }, (_, pass) => pass);
  return {
    ...{ kernel, shape, dtype, bytes, flops, setBytes, needsGpu },
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), input = parts.input();
      const device = await parts.device(ctx, (one) => owned.use(one), input);
      const loaded = Array.from(
        { length: sets },
        (_, set) => set === 0 ? device.first ?? device.load() : device.load(),
      );
      return {
        encode: (encoder, set) =>
          all.forEach((pass) => device.encode(encoder, loaded[(set * passes + pass) % sets], pass)),
        verify: async () => check(await ctx.readAll(device.outputs), input, "wgsl"),
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const input = parts.input();
      const inputs = Array.from({ length: sets }, () => structuredClone(input));
      check(parts.twin(input), input, "twin");
      return {
        run: (set) => all.forEach((pass) => parts.twin(inputs[(set * passes + pass) % sets])),
      };
    },
  };
}

/** Whether every element is within a distance of the expected one. */
export const isWithin = (
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  distance: number,
): boolean =>
  found.length === expected.length &&
  Array.from(found).every((x, i) => Math.abs(x - expected[i]) <= distance);
