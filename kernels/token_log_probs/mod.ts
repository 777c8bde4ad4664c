/** Token log probabilities on the GPU: only 22 values per chosen row need to leave the device. */
import {
  checkShapes,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import source from "./token_log_probs.wgsl" with { type: "text" };
import { ROW_VALUES, VOCABULARY } from "./types.ts";

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

const FIELDS = { rows: "u32" } as const;
const PARAMS = new ParamLayout(FIELDS);

/** The kernel's source, layout and constants for a workgroup of `lanes` threads. */
export function tokenLogProbsSpec(lanes: number): KernelSpec<typeof FIELDS> {
  return {
    label: "token_log_probs",
    source,
    bindings: ["read", "read", "readWrite"],
    params: PARAMS,
    constants: { lanes },
  };
}

function validate(logits: GpuTensor, choices: GpuTensor, result?: GpuTensor): number {
  const rows = choices.shape[0];
  checkShapes("gather log probabilities", [
    [logits, [logits.shape[0], VOCABULARY]],
    [choices, [rows, 2]],
    ...(result ? [[result, [rows, ROW_VALUES]] as const] : []),
  ]);
  return rows;
}

/**
 * What chosen rows of logits say of the 20 amino acids against a reference token.
 *
 * logits   f32[N, 33]  may be borrowed from onnxruntime
 * choices  u32[R, 2]   row of the logits, reference token; `validateChoices` checks them
 * result   f32[R, 22]  log p(a) − log p(reference) of tokens 4..23, the entropy among these letters
 *                      in nats, log p(reference) over all 33 tokens
 */
export class TokenLogProbs {
  readonly #ctx: GpuContext;
  readonly #kernel: Kernel<typeof FIELDS>;
  readonly #lanes: number;

  private constructor(ctx: GpuContext, kernel: Kernel<typeof FIELDS>, lanes: number) {
    this.#ctx = ctx;
    this.#kernel = kernel;
    this.#lanes = lanes;
  }

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup */
  static async create(ctx: GpuContext, lanes = 32): Promise<TokenLogProbs> {
    return new TokenLogProbs(ctx, await ctx.kernel(tokenLogProbsSpec(lanes)), lanes);
  }

  /** Makes the result for some choices. */
  alloc(choices: GpuTensor<"u32">): GpuTensor<"f32"> {
    return this.#ctx.alloc("token log probs", [choices.shape[0], ROW_VALUES], "f32");
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    logits: GpuTensor<"f32">,
    choices: GpuTensor<"u32">,
    result: GpuTensor<"f32">,
  ): void {
    const rows = validate(logits, choices, result);
    this.#kernel.dispatch(encoder, {
      tensors: [logits, choices, result],
      params: { rows },
      grid: planGrid(Math.ceil(rows / this.#lanes), this.#ctx.limits),
    });
  }
}
