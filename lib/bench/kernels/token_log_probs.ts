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
import { type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "token_log_probs";
/** Logits of a trained model. */
const SPREAD = 12;

/** Differences near zero have no relative accuracy: a bound on the absolute one, as in the test. */
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  actual.length === expected.length &&
  Array.from(actual).every((x, i) => Math.abs(x - expected[i]) <= 2e-5);

function logProbsBench(shape: LogProbsCase): KernelBench {
  const { name, logitRows, chosen } = shape;
  const inputs = (sets: number) =>
    Array.from({ length: sets }, (_, set) => randomLogits(logitRows, set, SPREAD));
  const choices = randomChoices(shape, 1);
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: bytes(shape),
    flops: flops(shape),
    setBytes: 4 * 33 * logitRows,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack();
      const kernel = await TokenLogProbs.create(ctx);
      const logits = inputs(sets);
      const tensors = logits.map(({ data }) =>
        owned.use(ctx.upload("logits", [logitRows, 33], data))
      );
      const wanted = owned.use(ctx.upload("choices", [chosen, 2], choices));
      const result = owned.use(kernel.alloc(wanted));
      return {
        encode: (encoder, set) => kernel.encode(encoder, tensors[set % sets], wanted, result),
        async verify() {
          mustBe(near(await ctx.read(result), tokenLogProbs(logits[0], choices)), KERNEL, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const logits = inputs(sets);
      const found = tokenLogProbs(logits[0], choices);
      mustBe(near(found, tokenLogProbsReference(logits[0], choices)), KERNEL, name);
      return { run: (set) => void tokenLogProbs(logits[set % sets], choices) };
    },
  };
}

export const logProbsBenches: readonly KernelBench[] = BENCH_CASES.map(logProbsBench);
