/** Copy: the kernel whose speed is the memory ceiling that others are measured against. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../gpu/mod.ts";
import { agrees, type KernelBench, mustBe, ramp } from "./bench.ts";
import source from "./copy.wgsl" with { type: "text" };

/** Vectors of 16 bytes that a thread copies. */
const VECTORS_PER_THREAD = 4;

/** The kernel. */
export const COPY = new KernelTable({
  label: "copy",
  action: "copy",
  source,
  bindings: { source: ["read", "f32", "*"], targetValues: ["readWrite", "f32", "*"] },
  params: { vectors: "u32" },
});

/** Copies a tensor of a multiple of 4 elements on the device. */
export class CopyKernel {
  private constructor(readonly kernel: KernelOf<typeof COPY>, readonly lanes: number) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 256 } = {}): Promise<CopyKernel> {
    return new CopyKernel(await COPY.build(ctx, { lanes }), lanes);
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if the lengths do not fit */
  encode(
    encoder: GPUCommandEncoder,
    source: GpuTensor<"f32">,
    targetValues: GpuTensor<"f32">,
  ): void {
    if (source.length % 4 !== 0 || source.length !== targetValues.length) {
      throw new RangeError(
        `Cannot copy as both tensors must have the same multiple of 4 elements: ` +
          `current value is ${source.length} and ${targetValues.length}`,
      );
    }
    const vectors = source.length / 4;
    this.kernel.encode(
      encoder,
      { source, targetValues },
      { vectors },
      () => Math.ceil(vectors / (this.lanes * VECTORS_PER_THREAD)),
    );
  }
}

/** Copies an array; the memory ceiling of what this process computes itself. */
export const copy = (source: Float32Array, target: Float32Array): void => target.set(source);

/** Far larger than a cache; the smaller one for devices where that takes long. */
const ELEMENTS = { large: 2 ** 25, small: 2 ** 22 };

/** @param size `large` for a real GPU and for memory, `small` where that would take long */
export function copyBench(size: keyof typeof ELEMENTS): KernelBench {
  const elements = ELEMENTS[size], shape = `[${elements}]`;
  return {
    ...{ kernel: "copy", shape, dtype: "f32", flops: 0 },
    // Read once, written once.
    ...{ bytes: 8 * elements, setBytes: 8 * elements },
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack();
      const kernel = await CopyKernel.create(ctx), data = ramp(elements);
      const pairs = Array.from({ length: sets }, () => ({
        source: owned.use(ctx.upload("copy source", [elements], data)),
        target: owned.use(ctx.alloc("copy target", [elements], "f32")),
      }));
      return {
        encode(encoder, set) {
          const { source, target } = pairs[set % sets];
          kernel.encode(encoder, source, target);
        },
        verify: async () => mustBe(agrees(await ctx.read(pairs[0].target), data), "copy", shape),
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const pairs = Array.from({ length: sets }, () => ({
        source: ramp(elements),
        target: new Float32Array(elements),
      }));
      const run = (set: number) => copy(pairs[set % sets].source, pairs[set % sets].target);
      run(0);
      mustBe(agrees(pairs[0].target, pairs[0].source), "copy", shape);
      return { run };
    },
  };
}
