/** Runs queries on the model; only what is read of the logits leaves the device. */
import {
  ROW_VALUES,
  TokenLogProbs,
  tokenLogProbs,
  validateChoices,
} from "../../kernels/token_log_probs/mod.ts";
import { ahead } from "../backend/ahead.ts";
import type { Backend, Tensor } from "../backend/types.ts";
import type { GpuTensor } from "../gpu/mod.ts";
import { defaultTokenBudget, type Esm2, type PlannedBatch } from "../esm2/mod.ts";
import { type Pass, planPasses, type Query } from "./queries.ts";
import type { WindowOptions } from "./windows.ts";

export interface RunnerOptions extends WindowOptions {
  /** Tokens of a batch. @default 1024 or, in parts, 2048 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  signal?: AbortSignal;
}

/** Tokens of the passes that are asked for together by default, whether the model is opened for many or not. */
export const pieceTokens = (backend: Pick<Backend, "name">): number =>
  defaultTokenBudget(backend, { inParts: true });

/** Answers queries: per query f32[reads, 22] as `tokenLogProbs` gives them. */
export class QueryRunner {
  /** Tokens of queries that are best asked together. */
  readonly tokenBudget: number;
  /** Forward passes so far. */
  passes = 0;
  #kernel?: Promise<TokenLogProbs>;

  constructor(readonly model: Esm2, readonly options: RunnerOptions) {
    this.tokenBudget = options.tokenBudget ?? pieceTokens(model.backend);
  }

  async run(queries: readonly Query[]): Promise<Float32Array[]> {
    const passes = planPasses(queries, this.options);
    const answers = queries.map(({ reads }) => new Float32Array(reads.length * ROW_VALUES));
    const weights = queries.map(({ reads }) => new Float64Array(reads.length));
    const rows = passes.map(({ ids }) => ids);
    const batches = this.model.planBatches(rows, this.options.tokenBudget);
    const membersOf = (batch: PlannedBatch) => batch.members.map((i) => passes[i]);
    const read = ahead(batches, this.model.backend, (batch) => this.#read(batch, membersOf(batch)));
    for await (const [batch, values] of read) {
      this.options.signal?.throwIfAborted();
      collect(membersOf(batch), values, answers, weights);
      this.passes += batch.size;
    }
    // Most reads have one window; dividing by its weight would only round.
    answers.forEach((answer, q) =>
      weights[q].forEach((weight, read) => {
        if (weight === 1) return;
        for (let v = 0; v < ROW_VALUES; v++) answer[read * ROW_VALUES + v] /= weight;
      })
    );
    return answers;
  }

  /** f32[choices, 22] of a batch, in the order of its members' choices. */
  async #read(batch: PlannedBatch, members: readonly Pass[]): Promise<Float32Array> {
    const rows: number[] = [], choices: number[] = [];
    members.forEach(({ choices: wanted }, b) => {
      for (const { at, reference } of wanted) {
        choices.push(rows.length, reference);
        rows.push(b * batch.width + at);
      }
    });
    const { signal } = this.options;
    using result = await this.model.run(batch, { head: { rows, alone: true }, signal });
    return await this.#logProbs(result.logits!, Uint32Array.from(choices), rows.length);
  }

  async #logProbs(logits: Tensor, choices: Uint32Array, rows: number): Promise<Float32Array> {
    const { gpu } = this.model.backend;
    if (!gpu) return tokenLogProbs({ data: logits.peek()!, rows }, choices);
    validateChoices(choices, rows);
    const kernel = await (this.#kernel ??= TokenLogProbs.create(gpu));
    using chosen = gpu.upload("choices", [rows, 2], choices);
    using result = kernel.alloc(chosen);
    await gpu.submit(
      "token log probs",
      (encoder) => kernel.encode(encoder, logits.gpu as GpuTensor<"f32">, chosen, result),
    );
    return await gpu.read(result);
  }
}

function collect(
  passes: readonly Pass[],
  values: Float32Array,
  answers: readonly Float32Array[],
  weights: readonly Float64Array[],
): void {
  let at = 0;
  for (const { choices } of passes) {
    for (const { query, read, weight } of choices) {
      const answer = answers[query], base = read * ROW_VALUES;
      for (let v = 0; v < ROW_VALUES; v++) answer[base + v] += weight * values[at + v];
      weights[query][read] += weight;
      at += ROW_VALUES;
    }
  }
}
