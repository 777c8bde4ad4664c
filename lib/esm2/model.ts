/** ESM-2 on a backend, run block by block. */
import type { Backend, Tensor } from "../backend/types.ts";
import { showAs } from "../display.ts";
import { UserError } from "../errors.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import { configText } from "../checkpoint/config.ts";
import { EmbeddingRunner } from "./embedding.ts";
import {
  computeGradient,
  computeStateGradient,
  type GradientOptions,
  type GradientResult,
  type StateGradientOptions,
  type StateGradientResult,
} from "./gradient.ts";
import {
  type HeadOptions,
  type HeadResult,
  HeadRunner,
  rowNumbers,
  type Translator,
} from "./head_runner.ts";
import { RotaryCache } from "./inputs.ts";
import { type Engine, Pass, wantsOf } from "./pass.ts";
import { HeadAttentionRunner, type HeadOfSequence } from "./head_attention.ts";
import { defaultTokenBudget, planBatches, type PlannedBatch } from "./plan.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { Graph } from "../onnx/graph.ts";
import { type Precision, requireBackend, requireF32 } from "./precision.ts";
import { type GraphProgram, ProgramCache } from "./programs.ts";
import type { Visitor } from "./visitor.ts";
import { Within } from "./within.ts";
import { type PrepackOptions, Segments, WORTH_PREPACKING } from "./segments.ts";
import type { Segment } from "./segment_graph.ts";
import { loadOnDemand, loadResident, streamWeights, type WeightSource } from "./weights.ts";

/** How many times larger tensors of a batch may be thought to be that is cut into parts. */
const LARGER_IN_PARTS = 8;

/** How a model is opened. */
export interface ModelOptions {
  /** Read each block's weights from the checkpoint every time instead of keeping all in memory. */
  lowMemory?: boolean;
  /**
   * Whether embeddings are scaled by token dropout's factor (0.88 without masks).
   * @default as the checkpoint says, which is yes for every ESM-2
   */
  tokenDropout?: boolean;
  /**
   * Makes many runs faster on the `cpu` backend, by up to a third where they are short: blocks between places
   * that are looked at run as one, with weights laid out for products once. What is looked at elsewhere runs
   * block by block, rounded differently. Opening such blocks takes as long as a few runs, and with
   * `lowMemory` none are opened. @default no
   */
  prepack?: PrepackOptions;
  /**
   * In what linear maps of blocks compute: `int8` rounds weights and what they read to bytes, on the cpu backend;
   * `f16` rounds weights to half precision, on the webgpu backend. Both are for runs that neither replace states
   * nor differentiate. @default "f32"
   */
  precision?: Precision;
  /** Hears the bytes of weights loaded so far. */
  onProgress?: (bytes: number) => void;
}

/** How far a batch runs, and what is read on the way. */
export interface RunOptions {
  /** Sees states and attention on the way, and may replace states. */
  visitor?: Visitor;
  /** Starts after `depth` blocks from this f32[B·T, D] instead of the embedding; stays the caller's. */
  from?: { depth: number; hidden: Tensor };
  /** Blocks that run at most, from the embedding on. @default all */
  until?: number;
  /**
   * Whether to compute logits and the normalised state when the last block has run: of every token,
   * or of the rows of [B·T, D] that are named, in that order. Where these are `alone`, all that is wanted of
   * the last block, it computes nothing else, and the result's stream too is of these rows. @default false
   */
  head?: boolean | { rows: ArrayLike<number>; alone?: boolean };
  /**
   * Whether the last block that runs ends with its attention, when nothing else of it is wanted; the result's
   * stream is what entered it. @default false
   */
  attentionLast?: boolean;
  /** Read the stream on its way as the head reads its end. @default none */
  lenses?: readonly StreamLens[];
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Final LayerNorm and head, applied after any number of blocks. */
export interface StreamLens {
  /** Whether it reads after so many blocks. @default after any, none included */
  wants?(depth: number): boolean;
  /** Rows of [B·T, D], in this order. @default all */
  rows?: ArrayLike<number>;
  /** What a state goes through before; tensors stay the caller's. @default nothing */
  translator?(depth: number): Translator | undefined;
  /** Sees f32[R, 33], valid until it returns; after all blocks without translator the model's own. */
  visit(depth: number, logits: Tensor): void | Promise<void>;
}

/** What a run leaves; disposing it frees its tensors. */
export interface RunResult extends Disposable {
  /** Blocks that have run. */
  readonly depth: number;
  /**
   * f32[B·T, D], the residual stream after the last block that ran, before the final LayerNorm; f32[R, D]
   * where rows were wanted alone.
   */
  readonly hidden: Tensor;
  /** f32[B·T, 33], or f32[R, 33] of R chosen rows. */
  readonly logits?: Tensor;
  /** f32[B·T, D] after the final LayerNorm, or f32[R, D]. */
  readonly normalised?: Tensor;
}

/** ESM-2 on a backend: runs batches block by block, and differentiates its answer. */
export class Esm2 implements AsyncDisposable {
  static {
    showAs<Esm2>(this.prototype, {
      text: ({ config, backend }) =>
        `Esm2: ${configText(config)}, on ${backend.name} (${backend.detail})`,
    });
  }

  readonly #programs: ProgramCache;
  readonly #engine: Engine;
  readonly #head: HeadRunner;
  readonly #segments?: Segments;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #work = new Within();

  private constructor(
    readonly config: Esm2Config,
    readonly backend: Backend,
    /** f32[33, D]; without elements where the weights have one of their own. */
    readonly embedding: Float32Array,
    readonly invFreq: Float32Array,
    /** @ignore */
    readonly weights: WeightSource,
    segments?: Segments,
    /** In what its linear maps compute. */
    readonly precision: Precision = "f32",
  ) {
    this.#segments = segments;
    this.#programs = new ProgramCache(backend);
    this.#engine = {
      ...{ config, backend, embedding, invFreq, weights, precision },
      rotary: new RotaryCache(invFreq, backend),
      programs: this.#programs,
    };
    this.#head = new HeadRunner(this.#engine);
  }

  /**
   * Opens a model. The checkpoint and the backend stay the caller's.
   *
   * @throws {UserError} if weights are damaged, or the backend has no such precision
   */
  static async open(
    checkpoint: Checkpoint,
    backend: Backend,
    { lowMemory = false, tokenDropout, prepack, precision = "f32", onProgress }: ModelOptions = {},
  ): Promise<Esm2> {
    requireBackend(precision, backend);
    const isWorthIt = prepack && (prepack.tokens ?? Infinity) >= WORTH_PREPACKING;
    const segments = isWorthIt && !lowMemory && backend.name === "cpu"
      ? new Segments(checkpoint, backend, prepack, precision)
      : undefined;
    const weights = lowMemory
      ? streamWeights(checkpoint, backend, precision)
      : segments
      ? loadOnDemand(checkpoint, backend, precision)
      : await loadResident(checkpoint, backend, onProgress, precision);
    const embedding = await checkpoint.read("embed_tokens.weight");
    const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
    const config = tokenDropout === undefined
      ? checkpoint.config
      : { ...checkpoint.config, tokenDropout };
    return new Esm2(config, backend, embedding, invFreq, weights, segments, precision);
  }

  /**
   * Opens a model of weights that change between runs; these and the backend stay the caller's.
   *
   * @param given its embedding f32[33, D], where the weights have none
   */
  static ofWeights(
    weights: WeightSource,
    { config, backend, invFreq, embedding }: {
      config: Esm2Config;
      backend: Backend;
      invFreq: Float32Array;
      embedding?: Float32Array;
    },
  ): Esm2 {
    if (!embedding && !weights.embedding) {
      throw new Error(
        "Cannot open a model of weights as there must be an embedding: none is given",
      );
    }
    return new Esm2(config, backend, embedding ?? new Float32Array(), invFreq, weights);
  }

  /**
   * Runs a batch; runs of one model follow one another, since sessions do not run concurrently.
   *
   * @throws {Error} inside a visitor of the same model, whose run this one would wait for
   * @throws {UserError} if the residual stream or a logit is no finite number
   */
  run(batch: TokenBatch, options: RunOptions = {}): Promise<RunResult> {
    return this.#enqueue(() => this.#run(batch, options));
  }

  /**
   * Logits of a residual stream that has been through all blocks; queued as runs are.
   *
   * @param hidden f32[N, D], stays the caller's
   * @throws {RangeError} if a row of the options does not exist
   */
  logits(hidden: Tensor, options: HeadOptions = {}): Promise<HeadResult> {
    return this.#enqueue(() => this.#head.run(hidden, options));
  }

  /** The residual stream f32[N, D] after the final LayerNorm; queued as runs are, the caller's. */
  normalise(hidden: Tensor): Promise<Tensor> {
    return this.#enqueue(() => this.#head.normalise(hidden));
  }

  /**
   * Differentiates a scalar of the logits with respect to the residual stream; queued as runs are.
   *
   * Only the inputs of the blocks are kept on the way up; each block is computed again on the way down.
   *
   * @throws {RangeError} if a depth, row or shape of the options does not fit the batch
   */
  gradient(batch: TokenBatch, options: GradientOptions): Promise<GradientResult> {
    requireF32(this.precision, "differentiate");
    return this.#enqueue(() => computeGradient(this.#engine, this.#head, batch, options));
  }

  /**
   * The same of a scalar of the final state, which other heads than the model's own read; the scalar's
   * gradient is the caller's.
   */
  stateGradient(batch: TokenBatch, options: StateGradientOptions): Promise<StateGradientResult> {
    requireF32(this.precision, "differentiate");
    return this.#enqueue(() => computeStateGradient(this.#engine, this.#head, batch, options));
  }

  /** The residual stream f32[B·T, D] before the first block; queued as runs are, the caller disposes of it. */
  embed(batch: TokenBatch, { tokenDropout }: { tokenDropout?: boolean } = {}): Promise<Tensor> {
    return this.#enqueue(() => new EmbeddingRunner(this.#engine).run(batch, tokenDropout));
  }

  /**
   * Attention f32[1, 1, T, T] of one head of one sequence without padding, from the state f32[B·T, D] before
   * the head's block, which stays the caller's: a small part of the block's work. Queued as runs are, the
   * caller disposes of it.
   *
   * @throws {RangeError} if adapters beside the weights take part in the block
   */
  headAttention(batch: TokenBatch, hidden: Tensor, head: HeadOfSequence): Promise<Tensor> {
    return this.#enqueue(() => new HeadAttentionRunner(this.#engine).run(batch, hidden, head));
  }

  /** Whether {@linkcode headAttention} can be asked of a block. */
  hasHeadAttention(layer: number): boolean {
    return this.precision === "f32" && this.weights.adapters?.(layer) === undefined;
  }

  /**
   * The program of a graph of one's own, compiled the first time and freed with the model; what tells graphs
   * apart is as in {@linkcode ProgramCache.get}.
   */
  compiled<A extends unknown[]>(build: (...args: A) => Graph, ...args: A): Promise<GraphProgram> {
    return this.#programs.get(build, ...args);
  }

  /**
   * Whether runs that look at nothing between cut their batches into parts, some for every thread: batches may
   * then be larger than what computes best at a time.
   */
  get inParts(): boolean {
    return this.#segments !== undefined;
  }

  /**
   * Groups sequences into batches as this model runs them best, see {@linkcode planBatches}.
   *
   * @param rows token ids of each sequence
   */
  planBatches(
    rows: readonly Int32Array[],
    tokenBudget: number = defaultTokenBudget(this.backend, this),
  ): PlannedBatch[] {
    const { config, backend: { tensorLimit } } = this;
    // The attention of a part is never there whole, and of a batch less than ever.
    const bytes = tensorLimit.bytes * (this.inParts ? LARGER_IN_PARTS : 1);
    return planBatches(rows, config, { ...tensorLimit, bytes }, tokenBudget);
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.#work.isInside) {
      return Promise.reject(
        new Error(
          "Cannot run the model inside a visitor of its own run as that run must end first: keep() " +
            "what the visitor sees and run again when it is done, or open a second model",
        ),
      );
    }
    const result = this.#queue.then(() => this.#work.run(work));
    this.#queue = result.catch(() => {});
    return result;
  }

  async #run(batch: TokenBatch, options: RunOptions): Promise<RunResult> {
    const { config, backend } = this, { layers } = config;
    const { visitor, from, lenses = [], signal, attentionLast = false } = options;
    const until = Math.min(options.until ?? layers, layers);
    const wanted = options.head && until === layers && !attentionLast ? options.head : undefined;
    using pass = new Pass(this.#engine, batch);
    let depth = from?.depth ?? 0;
    let hidden = from?.hidden ?? await pass.embed();
    /** Whether `hidden` is ours to dispose of. */
    let ours = !from;
    let stopped = false;
    let head: HeadResult | undefined;
    const advance = (next: Tensor) => {
      if (ours) hidden[Symbol.dispose]();
      hidden = next;
      ours = true;
      // It was of the state that is replaced.
      disposeHead(head);
      head = undefined;
    };
    const wantsHidden = (depth: number) =>
      visitor?.hidden && (visitor.wantsHidden?.(depth) ?? true) ||
      lenses.some((lens) => lens.wants?.(depth) ?? true);
    const visitHidden = async () => {
      if (visitor?.wantsHidden?.(depth) ?? true) {
        await visitor?.hidden?.({
          depth,
          hidden,
          batch,
          replace: (next) => {
            requireF32(this.precision, "replace a state");
            advance(next);
          },
          stop: () => stopped = true,
        });
      }
      for (const lens of lenses) await this.#look(lens, depth, hidden);
    };
    const alone = typeof wanted === "object" && wanted.alone && !wantsHidden(layers);
    using rows = alone ? rowNumbers(wanted.rows, hidden.shape[0], backend) : undefined;
    /** The segment that begins here, where nothing is wanted of its inside. */
    const segmentHere = (): Segment | undefined => {
      const segment = this.#segments?.from(depth);
      if (!segment || segment.end > until || attentionLast && segment.end === until) {
        return undefined;
      }
      // One that ends without the head gives all rows.
      if (rows && segment.end === layers && !segment.head) return undefined;
      for (let layer = segment.begin; layer < segment.end; layer++) {
        if (layer > segment.begin && wantsHidden(layer) || wantsOf(visitor, layer)) {
          return undefined;
        }
      }
      return segment;
    };
    try {
      await visitHidden();
      while (depth < until && !stopped) {
        signal?.throwIfAborted();
        const segment = segmentHere();
        if (segment) {
          const own = segment.end === layers ? rows : undefined;
          const result = await pass.segment(this.#segments!, segment, hidden, own);
          advance(result.hidden);
          // Of rows that are not alone the head is asked for below.
          if (wanted === true || own) head = result.head;
          else disposeHead(result.head);
          depth = segment.end;
        } else if (attentionLast && depth === until - 1) {
          await pass.attention(depth, hidden, visitor!);
          break;
        } else {
          advance(
            await pass.block(depth, hidden, visitor, depth === layers - 1 ? rows : undefined),
          );
          depth++;
        }
        await visitHidden();
      }
      if (!ours) {
        hidden = hidden.keep();
        ours = true;
      }
      if (wanted && depth === layers) {
        head ??= await this.#head.run(hidden, wanted === true || alone ? {} : wanted);
      }
      const where = `after ${depth} of ${layers} blocks`;
      await expectFinite(backend, batch, where, hidden, head, alone ? wanted.rows : undefined);
      const result = hidden, read = head;
      return {
        depth,
        hidden: result,
        ...read,
        [Symbol.dispose]() {
          result[Symbol.dispose]();
          disposeHead(read);
        },
      };
    } catch (error) {
      if (ours) hidden[Symbol.dispose]();
      disposeHead(head);
      throw error;
    }
  }

  async #look(lens: StreamLens, depth: number, hidden: Tensor): Promise<void> {
    if (!(lens.wants?.(depth) ?? true)) return;
    const { rows } = lens, translator = lens.translator?.(depth);
    const { logits, normalised } = await this.#head.run(hidden, { rows, translator });
    using _logits = logits, _normalised = normalised;
    await lens.visit(depth, logits);
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#programs[Symbol.asyncDispose]();
    await this.#segments?.[Symbol.asyncDispose]();
    this.#engine.rotary[Symbol.dispose]();
    this.weights[Symbol.dispose]();
  }
}

const disposeHead = (head: HeadResult | undefined) => {
  head?.logits[Symbol.dispose]();
  head?.normalised?.[Symbol.dispose]();
};

/**
 * What is not finite spreads to all that follows, so that the end of a run shows it.
 *
 * @param chosen rows of the batch that `hidden` has, where it has not all
 */
async function expectFinite(
  backend: Backend,
  { width, size }: TokenBatch,
  where: string,
  hidden: Tensor,
  head?: HeadResult,
  chosen?: ArrayLike<number>,
): Promise<void> {
  const [, columns] = hidden.shape;
  const placeOf = (tensor?: Tensor, index?: number) => {
    if (index === undefined) return where;
    if (tensor !== hidden) return "in the logits";
    const at = Math.floor(index / columns), row = chosen ? chosen[at] : at;
    return `${where} at token ${row % width} of sequence ${Math.floor(row / width) + 1} of ${size}`;
  };
  await backend.expectFinite(
    head ? [hidden, head.logits] : [hidden],
    (tensor, index) =>
      new UserError(
        "Cannot go on as what the model computes must be finite numbers: " +
          `${placeOf(tensor, index)} some are NaN or infinite`,
      ),
  );
}
