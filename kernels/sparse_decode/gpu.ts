/** Decoding sparse latents on the GPU. */
import {
  checkLoopSteps,
  checkShapes,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import source from "./sparse_decode.wgsl" with { type: "text" };
import type { Decoder } from "./types.ts";

const FIELDS = { tokens: "u32", entries: "u32", dModel: "u32", added: "u32" } as const;
const PARAMS = new ParamLayout(FIELDS);

/** The decoder on the device. */
export interface DecoderTensors {
  /** f32[F, D] */
  wDec: GpuTensor<"f32">;
  /** f32[D] */
  bPre: GpuTensor<"f32">;
}

/** Lists of latents on the device, zero where a list is shorter, and the scale of their tokens. */
export interface LatentTensors {
  /** f32[N, K] */
  topActs: GpuTensor<"f32">;
  /** u32[N, K], below F */
  topIndices: GpuTensor<"u32">;
  /** f32[N] */
  mean: GpuTensor<"f32">;
  /** f32[N] */
  std: GpuTensor<"f32">;
}

/** The kernel's source, layout and constants for a workgroup of `lanes` threads. */
export function sparseDecodeSpec(lanes: number): KernelSpec<typeof FIELDS> {
  return {
    label: "sparse_decode",
    source,
    bindings: ["read", "read", "read", "read", "read", "read", "read", "readWrite"],
    params: PARAMS,
    constants: { lanes },
  };
}

/**
 * Residual stream that latents stand for, see the twin `sparseDecode`.
 *
 * latents  f32[N, K], u32[N, K]  in any order
 * hidden   f32[N, D]             (Σ value · wDec[index] + bPre) · std + mean + addend
 *
 * Summed in single precision in the order of the entries: equal inputs give equal bits.
 */
export class SparseDecode {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly kernel: Kernel<typeof FIELDS>,
    private readonly lanes: number,
  ) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup */
  static async create(ctx: GpuContext, lanes = 128): Promise<SparseDecode> {
    return new SparseDecode(ctx, await ctx.kernel(sparseDecodeSpec(lanes)), lanes);
  }

  /** Copies a decoder to the device; whoever called frees it. */
  upload({ wDec, bPre }: Decoder): DecoderTensors & Disposable {
    const dModel = bPre.length, owned = new DisposableStack();
    const tensors = {
      wDec: owned.use(this.ctx.upload("w_dec", [wDec.length / dModel, dModel], wDec)),
      bPre: owned.use(this.ctx.upload("b_pre", [dModel], bPre)),
    };
    return { ...tensors, [Symbol.dispose]: () => owned.dispose() };
  }

  /**
   * Encodes one dispatch into the caller's step.
   *
   * @param addend f32[N, D], added at the end; not `hidden` itself
   * @throws {RangeError} if shapes do not fit
   */
  encode(
    encoder: GPUCommandEncoder,
    { topActs, topIndices, mean, std }: LatentTensors,
    { wDec, bPre }: DecoderTensors,
    hidden: GpuTensor<"f32">,
    addend?: GpuTensor<"f32">,
  ): void {
    const [tokens, entries] = topActs.shape, [latents] = wDec.shape, [dModel] = bPre.shape;
    checkShapes("decode", [
      [topIndices, [tokens, entries]],
      [mean, [tokens]],
      [std, [tokens]],
      [wDec, [latents, dModel]],
      [hidden, [tokens, dModel]],
      ...(addend ? [[addend, [tokens, dModel]] as const] : []),
    ]);
    checkLoopSteps("sparse_decode", entries + 1, this.ctx.adapter);
    this.kernel.dispatch(encoder, {
      tensors: [topActs, topIndices, wDec, bPre, mean, std, addend ?? bPre, hidden],
      params: { tokens, entries, dModel, added: addend ? 1 : 0 },
      grid: planGrid(tokens * Math.ceil(dModel / this.lanes), this.ctx.limits),
    });
  }
}
