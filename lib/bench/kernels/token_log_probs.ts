/** Token log probabilities: what scoring reads of the logits. */
import {
  BENCH_CASES,
  bytes,
  flops,
  type LogProbsCase,
  randomChoices,
  randomLogits,
} from "../../../kernels/token_log_probs/token_log_probs_cases.ts";
import { TokenLogProbs, tokenLogProbs } from "../../../kernels/token_log_probs/mod.ts";
import { tokenLogProbsReference } from "../../../kernels/token_log_probs/reference.ts";
import type { GpuTensor } from "../../gpu/mod.ts";
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

/** Logits of a trained model. */
const SPREAD = 12;

function logProbsBench(shape: LogProbsCase): KernelBench {
  const { name, logitRows, chosen } = shape, choices = randomChoices(shape, 1);
  return benchOf({
    ...{ kernel: "token_log_probs", shape: name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: 4 * 33 * logitRows,
    input: () => randomLogits(logitRows, 0, SPREAD),
    twin: (logits) => [tokenLogProbs(logits, choices)],
    reference: (logits) => [tokenLogProbsReference(logits, choices)],
    /** Differences near zero have no relative accuracy: a bound on the absolute one, as in the test. */
    isRight: ([found], expected) => isWithin(found, expected()[0], 2e-5),
    async device(ctx, own, { data }) {
      const kernel = await TokenLogProbs.create(ctx);
      const wanted = own(ctx.upload("choices", [chosen, 2], choices));
      const result = own(kernel.alloc(wanted));
      return {
        load: () => own(ctx.upload("logits", [logitRows, 33], data)),
        encode: (e, logits: GpuTensor<"f32">) => kernel.encode(e, logits, wanted, result),
        outputs: [result],
      };
    },
  });
}

export const logProbsBenches: readonly KernelBench[] = BENCH_CASES.map(logProbsBench);
