/** The blocks after an autoencoder run on single tokens. */
import type { Esm2, TokenBatch } from "../../esm2/mod.ts";
import { type Metric, metricGradient, metricValue } from "../metric.ts";

const VOCABULARY = 33;

/**
 * Each token alone: it attends to itself only, at rotary position 0. Tokens of one sequence do not see
 * each other, so only those whose logits are read need to run.
 */
export class ContextFreeTail {
  /** @param depth blocks that have run already */
  constructor(readonly esm: Esm2, readonly depth: number, readonly signal?: AbortSignal) {}

  /** @param rows f32[N, D] @returns f64[N], each row's own metric */
  async values(rows: Float32Array, metrics: readonly Metric[]): Promise<Float64Array> {
    const { esm, depth, signal } = this;
    using hidden = this.#upload(rows);
    using result = await esm.run(singles(metrics.length), {
      from: { depth, hidden },
      head: true,
      signal,
    });
    return valuesOf(await result.logits!.read(), metrics);
  }

  /** @param rows f32[N, D] @returns metrics f64[N], and their gradients f32[N, D] by the rows */
  async gradients(
    rows: Float32Array,
    metrics: readonly Metric[],
  ): Promise<{ values: Float64Array; gradients: Float32Array }> {
    const { esm, depth, signal } = this;
    using hidden = this.#upload(rows);
    let values: Float64Array = new Float64Array();
    using result = await esm.gradient(singles(metrics.length), {
      from: { depth, hidden },
      wrt: depth,
      cotangent: async (logits) => {
        values = valuesOf(await logits.read(), metrics);
        const data = new Float32Array(metrics.length * VOCABULARY);
        metrics.forEach((metric, n) =>
          data.set(metricGradient(metric, data.subarray(0, VOCABULARY)), n * VOCABULARY)
        );
        return esm.backend.upload("cotangent", [metrics.length, VOCABULARY], data);
      },
      signal,
    });
    return { values, gradients: await result.gradients.get(depth)!.read() };
  }

  #upload(rows: Float32Array) {
    const { dModel } = this.esm.config;
    return this.esm.backend.upload("single tokens", [rows.length / dModel, dModel], rows);
  }
}

/** Sequences of one token; a run that starts after the embedding does not read which. */
const singles = (size: number): TokenBatch => ({
  ids: new Int32Array(size),
  size,
  width: 1,
  lengths: Array.from({ length: size }, () => 1),
});

/** Each row's own metric, of one read. */
const valuesOf = (logits: Float32Array, metrics: readonly Metric[]): Float64Array =>
  Float64Array.from(
    metrics,
    (metric, n) => metricValue(metric, logits.subarray(n * VOCABULARY)),
  );
