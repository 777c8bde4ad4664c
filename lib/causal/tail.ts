/** The blocks after an autoencoder as a function of what stands before them. */
import type { Tensor } from "../backend/types.ts";
import { defaultTokenBudget, type Esm2, type StreamPlace } from "../esm2/mod.ts";
import { placeOf } from "../sae/types.ts";
import type { LatentSpace } from "./latent_space.ts";
import { type Metric, metricValue } from "./metric.ts";
import { batchSizes, type Job, StateBatch } from "./state_batch.ts";
import type { Capture, Edit } from "./types.ts";

/** How edits run. */
export interface TailOptions {
  /** Tokens that run together. @default 1024 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** An edit and what is read of its outcome. */
export interface MeasuredJob extends Job {
  /** What is read of the outcome. */
  metric: Metric;
}

/** Metrics of a measurement, f64[jobs] each. */
export interface Measured {
  /** Without the edit, from the same place of a batch of the same size. */
  baseline: Float64Array;
  /** With the edit. */
  edited: Float64Array;
}

const VOCABULARY = 33;

/** Unedited outcomes kept at a time: those of one sequence in all usual sizes, which halve. */
const MOST_KEPT = 8;

/** The outcome of a batch of unedited copies. */
interface Unedited {
  capture: Capture;
  states: StateBatch;
  /** f32[B · T, D] after the last block. */
  final: Tensor;
  /** Logits by the rows read. */
  logits: Map<string, Float32Array>;
}

/**
 * Runs many edits of a sequence together.
 *
 * An arithmetic library may round a row differently in another place or a batch of another size, so
 * every edit is compared with the unedited sequence in the very place and batch size that it had
 * itself: an edit that changes nothing changes the metric by exactly 0.
 */
export class Tail implements AsyncDisposable {
  /** Tokens that run together. */
  readonly tokenBudget: number;
  /** Where the autoencoder reads. */
  readonly place: StreamPlace;
  /** Sequences that have run so far, the unedited ones included. */
  passes = 0;
  #kept: Unedited[] = [];

  /** Builds nothing yet. @param space the autoencoder whose latents are edited */
  constructor(
    readonly esm: Esm2,
    readonly space: LatentSpace,
    readonly options: TailOptions = {},
  ) {
    this.place = placeOf(space.sae.config);
    this.tokenBudget = options.tokenBudget ?? defaultTokenBudget(esm.backend);
  }

  /** The metric of each edit of one capture, and of the unedited sequence in the same place. */
  async measure(capture: Capture, jobs: readonly MeasuredJob[]): Promise<Measured> {
    const baseline = new Float64Array(jobs.length), edited = new Float64Array(jobs.length);
    let done = 0;
    for (const size of batchSizes(this.esm, capture.ids, jobs.length, this.tokenBudget)) {
      this.options.signal?.throwIfAborted();
      const some = jobs.slice(done, done + size);
      const rows = some.flatMap(({ metric }, b) =>
        metric.map(({ token }) => b * capture.ids.length + token)
      );
      const unedited = await this.#unedited(capture, size);
      const before = await this.#uneditedLogits(unedited, rows);
      const after = await unedited.states.edited(some, async () => {
        using final = await this.#run(unedited.states);
        return await this.#read(final, rows);
      });
      let read = 0;
      some.forEach(({ metric }, b) => {
        const part = (logits: Float32Array) => logits.subarray(read * VOCABULARY);
        baseline[done + b] = metricValue(metric, part(before));
        edited[done + b] = metricValue(metric, part(after));
        read += metric.length;
      });
      done += size;
    }
    return { baseline, edited };
  }

  /** Logits of every token, f32[T, 33], without an edit and with it. */
  async logits(
    capture: Capture,
    edit: Edit,
  ): Promise<{ unedited: Float32Array; edited: Float32Array }> {
    const rows = Array.from(capture.ids, (_, token) => token);
    const before = await this.#unedited(capture, 1);
    const unedited = await this.#uneditedLogits(before, rows);
    const edited = await before.states.edited([{ edit }], async () => {
      using final = await this.#run(before.states);
      return await this.#read(final, rows);
    });
    return { unedited, edited };
  }

  /** Runs a batch as it stands to the end of the last block. */
  async #run(states: StateBatch): Promise<Tensor> {
    const { esm, place, options: { signal } } = this;
    const { batch, hidden } = states;
    this.passes += batch.size;
    // After the final LayerNorm there is no block left.
    if (place === "last") return states.snapshot();
    return (await esm.run(batch, { from: { depth: place, hidden }, signal })).hidden;
  }

  /**
   * Logits f32[R, 33] of rows of f32[N, D] after the last block. The head runs by itself, so that streams of one
   * shape take the same path through it, which bit-for-bit comparisons need.
   */
  async #read(final: Tensor, rows: readonly number[]): Promise<Float32Array> {
    const { logits, normalised } = await this.esm.logits(final, {
      rows,
      normalised: this.place === "last",
    });
    normalised?.[Symbol.dispose]();
    using _ = logits;
    return await logits.read();
  }

  async #unedited(capture: Capture, size: number): Promise<Unedited> {
    const known = this.#kept.findIndex(({ capture: of, states }) =>
      of === capture && states.batch.size === size
    );
    if (known >= 0) {
      const [found] = this.#kept.splice(known, 1);
      this.#kept.push(found);
      return found;
    }
    while (this.#kept.length >= MOST_KEPT) free(this.#kept.shift()!);
    const states = new StateBatch(capture, this.space, this.esm.backend, size);
    const final = await this.#run(states).catch((error) => {
      states[Symbol.dispose]();
      throw error;
    });
    const made = { capture, states, final, logits: new Map() };
    this.#kept.push(made);
    return made;
  }

  async #uneditedLogits({ final, logits }: Unedited, rows: number[]): Promise<Float32Array> {
    const key = rows.join();
    const known = logits.get(key);
    if (known) return known;
    const found = await this.#read(final, rows);
    if (logits.size >= 64) logits.clear();
    logits.set(key, found);
    return found;
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#kept.forEach(free);
    this.#kept = [];
    return Promise.resolve();
  }
}

function free({ states, final }: Unedited): void {
  states[Symbol.dispose]();
  final[Symbol.dispose]();
}
