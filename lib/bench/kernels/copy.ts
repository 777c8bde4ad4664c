/** Copy: the kernel whose speed is the memory ceiling that others are measured against. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../gpu/mod.ts";
import { agrees, benchOf, type KernelBench, ramp } from "./bench.ts";
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
  const elements = ELEMENTS[size];
  return benchOf({
    ...{ kernel: "copy", shape: `[${elements}]`, flops: 0 },
    // Read once, written once.
    ...{ bytes: 8 * elements, setBytes: 8 * elements },
    input: () => ({ source: ramp(elements), target: new Float32Array(elements) }),
    twin({ source, target }) {
      copy(source, target);
      return [target];
    },
    reference: ({ source }) => [source],
    isRight: ([found], expected) => agrees(found, expected()[0]),
    async device(ctx, own, { source }) {
      const kernel = await CopyKernel.create(ctx);
      const load = () => ({
        source: own(ctx.upload("copy source", [elements], source)),
        target: own(ctx.alloc("copy target", [elements], "f32")),
      });
      const first = load();
      return {
        ...{ load, first },
        encode: (e, { source, target }) => kernel.encode(e, source, target),
        outputs: [first.target],
      };
    },
  });
}
