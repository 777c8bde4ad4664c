/** Norms of a categorical Jacobian on the GPU, a run of pairs at a time. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../lib/gpu/mod.ts";
import source from "./jacobian_norm.wgsl" with { type: "text" };
import { BLOCK, type JacobianPairs, LETTERS, pairCount, validatePairs } from "./types.ts";

export { BLOCK, type JacobianPairs, pairCount, pairIndex } from "./types.ts";
export { jacobianNorms } from "./twin.ts";

/** The kernel; its constant `lanes` must be a power of two. */
export const JACOBIAN_NORM = new KernelTable({
  label: "jacobian_norm",
  action: "take norms",
  source,
  bindings: {
    pairs: ["read", "f32", "C 20 20"],
    means: ["read", "f32", "L 20 20"],
    turned: ["read", "f32", "L 20 20"],
    norms: ["readWrite", "f32", "C"],
  },
  params: { count: "C", first: "u32" },
});
/** Means on the device, twice, as a pair needs those of both its residues in its own order. */
export interface MeanTensors {
  /** f32[L, 20, 20] */
  means: GpuTensor<"f32">;
  /** f32[L, 20, 20]: letters exchanged */
  turned: GpuTensor<"f32">;
}

/** Pairs of a workgroup. */
const GROUP = 4;

/** See the twin `jacobianNorms`; the pairs go to the device in runs that fit one of its buffers. */
export class JacobianNorm {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly kernel: KernelOf<typeof JACOBIAN_NORM>,
    /** Most pairs of a run. */
    private readonly run: number,
  ) {}

  /**
   * Builds the kernel.
   *
   * @throws {RangeError} if lanes is no power of two
   * @throws {GpuError} if the device refuses it
   */
  static async create(
    ctx: GpuContext,
    { lanes = 128, runBytes = 64 * 2 ** 20 }: { lanes?: number; runBytes?: number } = {},
  ): Promise<JacobianNorm> {
    if (!Number.isInteger(Math.log2(lanes))) {
      throw new RangeError(
        `Cannot build jacobian_norm as lanes must be a power of two: current value is ${lanes}`,
      );
    }
    const most = Math.min(runBytes, ctx.limits.maxStorageBufferBindingSize);
    const run = Math.max(1, Math.floor(most / (4 * BLOCK)));
    return new JacobianNorm(ctx, await JACOBIAN_NORM.build(ctx, { lanes }), run);
  }

  /** Copies the means [m, b, a] of all residues to the device; whoever called frees them. */
  upload(means: Float32Array): MeanTensors & Disposable {
    const shape = [means.length / BLOCK, LETTERS, LETTERS], owned = new DisposableStack();
    const turned = means.map((_, i) => {
      const a = i % BLOCK % LETTERS, b = Math.floor(i % BLOCK / LETTERS);
      return means[i - i % BLOCK + a * LETTERS + b];
    });
    const tensors = {
      means: owned.use(this.ctx.upload("means", shape, means)),
      turned: owned.use(this.ctx.upload("turned means", shape, turned)),
    };
    return { ...tensors, [Symbol.dispose]: () => owned.dispose() };
  }

  /** Encodes one dispatch. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    pairs: GpuTensor<"f32">,
    { means, turned }: MeanTensors,
    norms: GpuTensor<"f32">,
    first: number,
  ): void {
    this.kernel.encode(
      encoder,
      { pairs, means, turned, norms },
      { first },
      ({ C }) => Math.ceil(C / GROUP),
    );
  }

  /** f32[L, L] of a whole Jacobian. @throws {RangeError} if sizes do not fit */
  async norms(jacobian: JacobianPairs): Promise<Float32Array> {
    validatePairs(jacobian);
    const { ctx, run } = this, { length, pairs } = jacobian;
    const total = pairCount(length);
    const flat = new Float32Array(total);
    using means = this.upload(jacobian.means);
    for (let first = 0; first < total; first += run) {
      const count = Math.min(run, total - first);
      const own = pairs.subarray(first * BLOCK, (first + count) * BLOCK);
      using input = ctx.upload("pairs", [count, LETTERS, LETTERS], own);
      using norms = ctx.alloc("norms", [count], "f32");
      await ctx.submit(
        "jacobian norm",
        (encoder) => this.encode(encoder, input, means, norms, first),
      );
      flat.set(await ctx.read(norms), first);
    }
    const map = new Float32Array(length * length);
    for (let m = 1, at = 0; m < length; m++) {
      for (let n = 0; n < m; n++, at++) map[n * length + m] = map[m * length + n] = flat[at];
    }
    return map;
  }
}
