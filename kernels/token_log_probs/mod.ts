/** Token log probabilities on the GPU: only 22 values per chosen row need to leave the device. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../lib/gpu/mod.ts";
import source from "./token_log_probs.wgsl" with { type: "text" };

export {
  ENTROPY,
  FIRST_LETTER,
  LETTERS,
  type Logits,
  REFERENCE_LOG_PROB,
  ROW_VALUES,
  validateChoices,
} from "./types.ts";
export { tokenLogProbs } from "./twin.ts";

/** The kernel. */
export const TOKEN_LOG_PROBS = new KernelTable({
  label: "token_log_probs",
  action: "gather log probabilities",
  source,
  bindings: {
    logits: ["read", "f32", "N 33"],
    choices: ["read", "u32", "R 2"],
    result: ["readWrite", "f32", "R 22"],
  },
  params: { rows: "R" },
});
/**
 * What chosen rows of logits say of the 20 amino acids against a reference token.
 *
 * logits   f32[N, 33]  may be borrowed from onnxruntime
 * choices  u32[R, 2]   row of the logits, reference token; `validateChoices` checks them
 * result   f32[R, 22]  log p(a) − log p(reference) of tokens 4..23, the entropy among these letters
 *                      in nats, log p(reference) over all 33 tokens
 */
export class TokenLogProbs {
  private constructor(
    private readonly kernel: KernelOf<typeof TOKEN_LOG_PROBS>,
    private readonly lanes: number,
  ) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup */
  static async create(ctx: GpuContext, lanes = 32): Promise<TokenLogProbs> {
    return new TokenLogProbs(await TOKEN_LOG_PROBS.build(ctx, { lanes }), lanes);
  }

  /** Makes the result for some choices. */
  alloc(choices: GpuTensor<"u32">): GpuTensor<"f32"> {
    const extents = TOKEN_LOG_PROBS.extents({ choices });
    return TOKEN_LOG_PROBS.alloc(this.kernel.ctx, "result", extents);
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    logits: GpuTensor<"f32">,
    choices: GpuTensor<"u32">,
    result: GpuTensor<"f32">,
  ): void {
    this.kernel.encode(
      encoder,
      { logits, choices, result },
      {},
      ({ R }) => Math.ceil(R / this.lanes),
    );
  }
}
