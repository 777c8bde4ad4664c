/** Encoding on the GPU: statistics, product and selection, the last two some tokens at a time. */
import { checkLoopSteps, type GpuContext, type GpuTensor } from "../../lib/gpu/mod.ts";
import { buildSteps, DEFAULT_LANES, ENCODE, type EncodeLanes, TILE } from "./steps.ts";
import {
  type Encoder,
  type Normalisation,
  NORMALISATION_CODES,
  validateK,
  validateNormalisation,
} from "./types.ts";

/** The encoder on the device. */
export interface EncoderTensors {
  /** f32[D, F] */
  wEnc: GpuTensor<"f32">;
  /** f32[F] */
  bEnc: GpuTensor<"f32">;
  /** f32[D] */
  bPre: GpuTensor<"f32">;
}

/** Pre-activations on the device, and what decoding needs besides. */
export interface PreActTensors {
  /** f32[rows, F]: of all tokens if rows is N, else of the last that were computed. */
  preActs: GpuTensor<"f32">;
  /** f32[N] */
  mean: GpuTensor<"f32">;
  /** f32[N] */
  std: GpuTensor<"f32">;
}

/** Results on the device, see `selectTopK`; disposing of it frees them all. */
export interface EncodeTensors extends PreActTensors, Disposable {
  /** f32[N, k] */
  topActs: GpuTensor<"f32">;
  /** u32[N, k] */
  topIndices: GpuTensor<"u32">;
}

/** Pre-activations that need not be kept take at most this much at a time. */
const CHUNK_BYTES = 64 * 2 ** 20;

/**
 * Encodes tokens with a sparse autoencoder, see the twin `topkSaeEncode`.
 *
 * hidden      f32[N, D]  finite; may be borrowed from onnxruntime
 * preActs     f32[N, F]  ((hidden − mean) / (std + 1e-5) − bPre) · wEnc + bEnc
 * topActs     f32[N, k]  max(·, 0) of the k largest, descending
 * topIndices  u32[N, k]  ties: lower index first
 *
 * The product is summed in single precision in an order that never changes; the selection is exact.
 */
export class TopkSaeEncode {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly steps: Awaited<ReturnType<typeof buildSteps>>,
    private readonly lanes: EncodeLanes,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroups */
  static async create(ctx: GpuContext, lanes: Partial<EncodeLanes> = {}): Promise<TopkSaeEncode> {
    const chosen = { ...DEFAULT_LANES, ...lanes };
    return new TopkSaeEncode(ctx, await buildSteps(ctx, chosen), chosen);
  }

  /** Copies an encoder to the device; whoever called frees it. */
  upload({ wEnc, bEnc, bPre }: Encoder): EncoderTensors & Disposable {
    const latents = bEnc.length, dModel = bPre.length;
    const owned = new DisposableStack();
    const tensors = {
      wEnc: owned.use(this.ctx.upload("w_enc", [dModel, latents], wEnc)),
      bEnc: owned.use(this.ctx.upload("b_enc", [latents], bEnc)),
      bPre: owned.use(this.ctx.upload("b_pre", [dModel], bPre)),
    };
    return { ...tensors, [Symbol.dispose]: () => owned.dispose() };
  }

  /**
   * Makes the results for some tokens.
   *
   * @param rows tokens whose pre-activations lie on the device at a time; N keeps them all
   * @throws {RangeError} if k is not in 1..F
   */
  alloc(
    tokens: number,
    { bEnc }: EncoderTensors,
    k: number,
    rows: number = this.#rows(tokens, bEnc.length),
  ): EncodeTensors {
    validateK(k, bEnc.length);
    const owned = new DisposableStack(), { ctx } = this;
    const tensors = {
      topActs: owned.use(ctx.alloc("top_acts", [tokens, k], "f32")),
      topIndices: owned.use(ctx.alloc("top_indices", [tokens, k], "u32")),
      preActs: owned.use(ctx.alloc("pre_acts", [rows, bEnc.length], "f32")),
      mean: owned.use(ctx.alloc("mean", [tokens], "f32")),
      std: owned.use(ctx.alloc("std", [tokens], "f32")),
    };
    return { ...tensors, [Symbol.dispose]: () => owned.dispose() };
  }

  /** Encodes all steps into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    hidden: GpuTensor<"f32">,
    sae: EncoderTensors,
    result: Omit<EncodeTensors, typeof Symbol.dispose>,
    { normalisation }: { normalisation: Normalisation },
  ): void {
    ENCODE.sort.extents(result, { N: hidden.shape[0] });
    this.#preActs(encoder, hidden, sae, result, normalisation, (first, rows) => {
      this.#select(encoder, result.preActs, result, first, rows);
    });
  }

  /**
   * Encodes the selection alone, from pre-activations f32[N, F] of whatever origin.
   *
   * @throws {RangeError} if shapes do not fit
   */
  select(
    encoder: GPUCommandEncoder,
    preActs: GpuTensor<"f32">,
    result: Pick<EncodeTensors, "topActs" | "topIndices">,
  ): void {
    const [tokens] = preActs.shape;
    ENCODE.sort.extents(result, { N: tokens });
    this.#select(encoder, preActs, result, 0, tokens);
  }

  /** Encodes the pre-activations alone, of all tokens. @throws {RangeError} if shapes do not fit */
  encodePreActs(
    encoder: GPUCommandEncoder,
    hidden: GpuTensor<"f32">,
    sae: EncoderTensors,
    result: PreActTensors,
    { normalisation }: { normalisation: Normalisation },
  ): void {
    ENCODE.product.extents(result, { rows: hidden.shape[0], F: sae.bEnc.length });
    this.#preActs(encoder, hidden, sae, result, normalisation);
  }

  /** @param then what is done with each run of tokens while its pre-activations are there */
  #preActs(
    encoder: GPUCommandEncoder,
    hidden: GpuTensor<"f32">,
    sae: EncoderTensors,
    { preActs, mean, std }: PreActTensors,
    normalisation: Normalisation,
    then?: (first: number, rows: number) => void,
  ): void {
    const [tokens, dModel] = hidden.shape, [most] = preActs.shape;
    const tensors = { ...sae, hidden, tokenMean: mean, tokenStd: std, preActs };
    ENCODE.product.extents(tensors);
    validateNormalisation(normalisation, dModel);
    const code = NORMALISATION_CODES[normalisation];
    checkLoopSteps("encode_product", 18 * Math.ceil(dModel / 16) + 100, this.ctx.adapter);
    this.steps.stats.encode(encoder, tensors, { normalisation: code }, ({ N }) => N);
    for (let first = 0; first < tokens; first += most) {
      const rows = Math.min(most, tokens - first);
      this.steps.product.encode(
        encoder,
        tensors,
        { first, rows, normalisation: code },
        ({ F }) => Math.ceil(rows / TILE) * Math.ceil(F / TILE),
      );
      then?.(first, rows);
    }
  }

  #select(
    encoder: GPUCommandEncoder,
    preActs: GpuTensor<"f32">,
    { topActs, topIndices }: Pick<EncodeTensors, "topActs" | "topIndices">,
    first: number,
    rows: number,
  ): void {
    const latents = preActs.shape[1], k = topActs.shape[1], { select, sorted } = this.lanes;
    validateK(k, latents);
    // Eight readings of the row, the gathering, and a rank each.
    const ranks = k <= sorted ? Math.ceil(k / select) * (k + 1) : 0;
    const steps = 9 * (Math.ceil(latents / select) + 300) + ranks;
    checkLoopSteps("select_topk", steps, this.ctx.adapter);
    const tensors = { preActs, topActs, topIndices };
    this.steps.select.encode(encoder, tensors, { first, rows }, () => rows);
    if (k <= sorted) return;
    // Each of the log²k steps shares half of the next power of two among the threads.
    const levels = Math.ceil(Math.log2(k)), each = Math.ceil(2 ** (levels - 1) / select) + 2;
    checkLoopSteps("sort_topk", (levels * (levels + 1) / 2) * each, this.ctx.adapter);
    this.steps.sort.encode(encoder, tensors, { first, rows, latents }, () => rows);
  }

  #rows(tokens: number, latents: number): number {
    const bytes = Math.min(CHUNK_BYTES, this.ctx.limits.maxStorageBufferBindingSize);
    const most = Math.max(1, Math.floor(bytes / (4 * latents)));
    // Whole tiles, so that only the last run has idle threads.
    return Math.min(tokens, most >= TILE ? most - most % TILE : most);
  }
}
