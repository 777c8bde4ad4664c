/** FMA: the kernel whose speed is the arithmetic ceiling that others are measured against. */
import {
  checkLoopSteps,
  type GpuContext,
  type GpuTensor,
  type KernelOf,
  KernelTable,
} from "../../gpu/mod.ts";
import { agrees, benchOf, type KernelBench, ramp } from "./bench.ts";
import source from "./fma.wgsl" with { type: "text" };

/** Elements of one thread. */
const ELEMENTS_PER_THREAD = 16;

/** The kernel. */
export const FMA = new KernelTable({
  label: "fma",
  action: "run fma",
  source,
  bindings: { start: ["read", "f32", "*"], result: ["readWrite", "f32", "*"] },
  params: { threads: "u32", rounds: "u32", scale: "f32", offset: "f32" },
});

export interface FmaOptions {
  /** Steps of each element. */
  rounds: number;
  scale: number;
  offset: number;
}

/**
 * Replaces every x of a multiple of 16 by scale · x + offset, `rounds` times.
 *
 * A device may round once or twice a step; with a power of two as scale that is the same. The twin
 * rounds at the end only.
 */
export class FmaKernel {
  private constructor(readonly kernel: KernelOf<typeof FMA>, readonly lanes: number) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 256 } = {}): Promise<FmaKernel> {
    return new FmaKernel(await FMA.build(ctx, { lanes }), lanes);
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if the lengths do not fit */
  encode(
    encoder: GPUCommandEncoder,
    start: GpuTensor<"f32">,
    result: GpuTensor<"f32">,
    options: FmaOptions,
  ): void {
    const { length } = start;
    if (length % ELEMENTS_PER_THREAD !== 0 || length !== result.length) {
      throw new RangeError(
        `Cannot run fma as both tensors must have the same multiple of ${ELEMENTS_PER_THREAD} ` +
          `elements: current value is ${length} and ${result.length}`,
      );
    }
    checkLoopSteps("fma", options.rounds + 1, this.kernel.ctx.adapter);
    const threads = length / ELEMENTS_PER_THREAD;
    this.kernel.encode(
      encoder,
      { start, result },
      { threads, ...options },
      () => Math.ceil(threads / this.lanes),
    );
  }
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

/** scale^r · x + offset · (1 + scale + … + scale^(r − 1)), the closed form of r steps. */
export function fmaReference(
  x: number,
  { rounds, scale, offset }: { rounds: number; scale: number; offset: number },
): number {
  const power = scale ** rounds;
  return power * x + offset * (scale === 1 ? rounds : (1 - power) / (1 - scale));
}

/** Enough threads to fill a large GPU, and few rounds where there is none. */
const SIZES = {
  large: { elements: 2 ** 22, rounds: 8192 },
  small: { elements: 2 ** 16, rounds: 1024 },
};

export function fmaBench(size: keyof typeof SIZES): KernelBench {
  const { elements, rounds } = SIZES[size];
  // A power of two as scale: fused or not, every device gives the same bits.
  const options = { rounds, scale: 0.5, offset: 1.25 };
  return benchOf({
    ...{ kernel: "fma", shape: `[${elements}] rounds=${rounds}` },
    ...{ bytes: 8 * elements, setBytes: 8 * elements },
    // A multiplication and an addition per element and round.
    flops: 2 * elements * rounds,
    input: () => ({ start: ramp(elements), result: new Float32Array(elements) }),
    twin({ start, result }) {
      multiplyAdd(start, result, options);
      return [result];
    },
    reference: ({ start }) => [start.map((x) => fmaReference(x, options))],
    isRight: ([found], _twin, _by, { start }) =>
      agrees(found, start.map((x) => fmaReference(x, options)), 2 ** -20),
    async device(ctx, own, { start }) {
      const kernel = await FmaKernel.create(ctx);
      const result = own(ctx.alloc("fma result", [elements], "f32"));
      return {
        load: () => own(ctx.upload("fma start", [elements], start)),
        encode: (e, tensor: GpuTensor<"f32">) => kernel.encode(e, tensor, result, options),
        outputs: [result],
      };
    },
  });
}
