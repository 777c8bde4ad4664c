/** Decoding sparse latents on the GPU. */
import {
  checkLoopSteps,
  checkShapes,
  type GpuContext,
  type GpuTensor,
  type KernelOf,
  KernelTable,
} from "../../lib/gpu/mod.ts";
import source from "./sparse_decode.wgsl" with { type: "text" };
import type { Decoder } from "./types.ts";

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

/** The kernel; its addend is `bPre` where there is none. */
export const SPARSE_DECODE = new KernelTable({
  label: "sparse_decode",
  action: "decode",
  source,
  bindings: {
    values: ["read", "f32", "N K"],
    latents: ["read", "u32", "N K"],
    wDec: ["read", "f32", "F D"],
    bPre: ["read", "f32", "D"],
    tokenMean: ["read", "f32", "N"],
    tokenStd: ["read", "f32", "N"],
    addend: ["read", "f32", "*"],
    hidden: ["readWrite", "f32", "N D"],
  },
  params: { tokens: "N", entries: "K", dModel: "D", added: "u32" },
});
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
    private readonly kernel: KernelOf<typeof SPARSE_DECODE>,
    private readonly lanes: number,
  ) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup */
  static async create(ctx: GpuContext, lanes = 128): Promise<SparseDecode> {
    return new SparseDecode(ctx, await SPARSE_DECODE.build(ctx, { lanes }), lanes);
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
    if (addend) checkShapes("decode", [[addend, [topActs.shape[0], bPre.length]]]);
    checkLoopSteps("sparse_decode", topActs.shape[1] + 1, this.ctx.adapter);
    this.kernel.encode(
      encoder,
      {
        values: topActs,
        latents: topIndices,
        ...{ wDec, bPre, tokenMean: mean, tokenStd: std, addend: addend ?? bPre, hidden },
      },
      { added: addend ? 1 : 0 },
      ({ N, D }) => N * Math.ceil(D / this.lanes),
    );
  }
}
