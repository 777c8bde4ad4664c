/** How a metric changes with the residual stream, for many edited copies of a sequence at once. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { TokenBatch } from "../esm2/mod.ts";
import { groupsOfAtMost } from "../stats/even_groups.ts";
import type { LatentSpace } from "./latent_space.ts";
import { isLinear, type Metric, metricGradient } from "./metric.ts";
import { type Job, StateBatch } from "./state_batch.ts";
import type { Tail } from "./tail.ts";
import type { Capture } from "./types.ts";

const VOCABULARY = 33;

/** d metric / d logits f32[R, 33], or how it follows from them where it does depend on them. */
export type Cotangent = Float32Array | ((logits: Float32Array) => Float32Array);

/** The blocks after an autoencoder and the head, differentiated. */
export interface TailGradient {
  /**
   * Logits and, for each sequence, the gradient with respect to the states.
   *
   * @param hidden f32[B·T, D] where the autoencoder reads
   * @param rows whose logits the metrics read
   * @param cotangent d metric / d logits of these rows
   * @returns d metric / d hidden, f32[B·T, D]; the caller disposes of it
   */
  run(
    batch: TokenBatch,
    hidden: Tensor,
    rows: readonly number[],
    cotangent: Cotangent,
  ): Promise<Tensor>;
}

/** Gradients of a {@link Tail}. */
export class EngineGradient implements TailGradient {
  /** Differentiates a tail. @param tail whose blocks are differentiated */
  constructor(readonly tail: Tail) {}

  /** Gradients of the tail's logits, see {@linkcode TailGradient}. */
  async run(
    batch: TokenBatch,
    hidden: Tensor,
    rows: readonly number[],
    cotangent: Cotangent,
  ): Promise<Tensor> {
    const { esm, place, options: { signal } } = this.tail;
    this.tail.passes += batch.size;
    const upload = (slopes: Float32Array) =>
      esm.backend.upload("cotangent", [rows.length, VOCABULARY], slopes);
    const result = await esm.gradient(batch, {
      from: { depth: place, hidden },
      rows,
      wrt: place,
      cotangent: async (logits) =>
        upload(typeof cotangent === "function" ? cotangent(await logits.read()) : cotangent),
      signal,
    });
    result.logits[Symbol.dispose]();
    return result.gradients.get(place)!;
  }
}

/** One place at which a gradient is wanted. */
export interface GradientJob extends Job {
  metric: Metric;
  /** Takes the gradient f32[T, D], valid during the call. */
  take(gradient: Float32Array): void;
}

/** How gradients are taken. */
export interface GradientOptions {
  /** Most tokens that run together. */
  tokenBudget: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Where states are made. */
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
  using owned = new DisposableStack();
  const bySize = new Map<number, StateBatch>();
  for (const [begin, end] of groupsOfAtMost(jobs.length, Math.floor(tokenBudget / width))) {
    signal?.throwIfAborted();
    const some = jobs.slice(begin, end);
    const states = bySize.get(some.length) ??
      owned.use(new StateBatch(capture, space, backend, some.length));
    bySize.set(some.length, states);
    const { batch, hidden } = states;
    const asked = ask(some.map(({ metric }) => metric), width);
    await states.edited(some, async () => {
      using found = await tail.run(batch, hidden, asked.rows, asked.cotangent);
      const gradient = found.peek() ?? await found.read();
      const size = width * space.dModel;
      some.forEach(({ take }, b) => take(gradient.subarray(b * size, (b + 1) * size)));
    });
  }
}

/** The rows that the metrics of a batch read, one metric per sequence, and what their logits send back. */
export function ask(
  metrics: readonly Metric[],
  width: number,
): { rows: number[]; cotangent: Cotangent } {
  const rows = metrics.flatMap((metric, b) => metric.map(({ token }) => b * width + token));
  const cotangent = (logits: Float32Array) => {
    const slopes = new Float32Array(logits.length);
    let at = 0;
    for (const metric of metrics) {
      const end = at + metric.length * VOCABULARY;
      slopes.set(metricGradient(metric, logits.subarray(at, end)), at);
      at = end;
    }
    return slopes;
  };
  // Logits that nothing depends on need not be read back, which a device would have to wait for.
  return {
    rows,
    cotangent: metrics.every(isLinear)
      ? cotangent(new Float32Array(rows.length * VOCABULARY))
      : cotangent,
  };
}
