/** How a metric changes with the residual stream, for many edited copies of a sequence at once. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { TokenBatch } from "../esm2/mod.ts";
import type { LatentSpace } from "./latent_space.ts";
import { type Metric, metricGradient, metricValue } from "./metric.ts";
import { type Job, StateBatch } from "./state_batch.ts";
import type { Capture } from "./types.ts";

const VOCABULARY = 33;

/** The blocks after an autoencoder and the head, differentiated. */
export interface TailGradient {
  /**
   * @param hidden f32[B·T, D] where the autoencoder reads
   * @param rows whose logits the metrics read
   * @param cotangent from their logits f32[R, 33] to d metric / d logits, of the same shape
   * @returns d metric / d hidden, f32[B·T, D]; the caller disposes of it
   */
  run(
    batch: TokenBatch,
    hidden: Tensor,
    rows: readonly number[],
    cotangent: (logits: Float32Array) => Float32Array,
  ): Promise<Tensor>;
}

/** One place at which a gradient is wanted. */
export interface GradientJob extends Job {
  metric: Metric;
  /** Takes the gradient f32[T, D], valid during the call, and the metric there. */
  take(gradient: Float32Array, value: number): void;
}

export interface GradientOptions {
  /** Most tokens that run together. */
  tokenBudget: number;
  signal?: AbortSignal;
  backend: Backend;
}

/** Differentiates at every job of one sequence, in batches of nearly equal size. */
export async function takeGradients(
  tail: TailGradient,
  space: LatentSpace,
  capture: Capture,
  jobs: readonly GradientJob[],
  { tokenBudget, signal, backend }: GradientOptions,
): Promise<void> {
  const width = capture.ids.length;
  const most = Math.max(1, Math.floor(tokenBudget / width));
  const batches = Math.ceil(jobs.length / most);
  using owned = new DisposableStack();
  const bySize = new Map<number, StateBatch>();
  for (let i = 0; i < batches; i++) {
    signal?.throwIfAborted();
    const some = jobs.slice(
      Math.floor(i * jobs.length / batches),
      Math.floor((i + 1) * jobs.length / batches),
    );
    const states = bySize.get(some.length) ??
      owned.use(new StateBatch(capture, space, backend, some.length));
    bySize.set(some.length, states);
    const { batch, hidden } = states;
    const rows = some.flatMap(({ metric }, b) => metric.map(({ token }) => b * width + token));
    const values: number[] = [];
    await states.edited(some, async () => {
      using found = await tail.run(batch, hidden, rows, (logits) => {
        const cotangent = new Float32Array(logits.length);
        let read = 0;
        for (const { metric } of some) {
          const own = logits.subarray(read * VOCABULARY, (read + metric.length) * VOCABULARY);
          values.push(metricValue(metric, own));
          cotangent.set(metricGradient(metric, own), read * VOCABULARY);
          read += metric.length;
        }
        return cotangent;
      });
      const gradient = found.data ?? await found.read();
      const size = width * space.dModel;
      some.forEach(({ take }, b) => take(gradient.subarray(b * size, (b + 1) * size), values[b]));
    });
  }
}
