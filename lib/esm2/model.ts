/** ESM-2 on a backend, run block by block. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import type { BlockVariant } from "./block.ts";
import { BlockRunner, type BlockStep, type Inputs } from "./block_runner.ts";
import { TOKENS } from "./alphabet.ts";
import { headGraph } from "./head.ts";
import { embed, paddingBias, rotaryTables } from "./inputs.ts";
import { headGroups } from "./plan.ts";
import type { TokenBatch } from "./tokenize.ts";
import { ProgramCache } from "./programs.ts";
import type { Visitor } from "./visitor.ts";
import { loadResident, streamWeights, type WeightSource } from "./weights.ts";

export interface ModelOptions {
  /** Read each block's weights from the checkpoint every time instead of keeping all in memory. */
  lowMemory?: boolean;
  /**
   * Whether embeddings are scaled by token dropout's factor (0.88 without masks).
   * @default as the checkpoint says, which is yes for every ESM-2
   */
  tokenDropout?: boolean;
  /** Hears the bytes of weights loaded so far. */
  onProgress?: (bytes: number) => void;
}

export interface RunOptions {
  visitor?: Visitor;
  /** Starts after `depth` blocks from this f32[B·T, D] instead of the embedding; stays the caller's. */
  from?: { depth: number; hidden: Tensor };
  /**
   * Whether to compute logits and the normalised state when the last block has run: of every token,
   * or of the rows of [B·T, D] that are named, in that order. @default false
   */
  head?: boolean | { rows: ArrayLike<number> };
  signal?: AbortSignal;
}

/** What a run leaves; disposing it frees its tensors. */
export interface RunResult extends Disposable {
  /** Blocks that have run. */
  readonly depth: number;
  /** f32[B·T, D], the residual stream after the last block that ran, before the final LayerNorm. */
  readonly hidden: Tensor;
  /** f32[B·T, 33], or f32[R, 33] of R chosen rows. */
  readonly logits?: Tensor;
  /** f32[B·T, D] after the final LayerNorm, or f32[R, D]. */
  readonly normalised?: Tensor;
}

export class Esm2 implements AsyncDisposable {
  readonly #programs: ProgramCache;
  readonly #blocks: BlockRunner;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly config: Esm2Config,
    readonly backend: Backend,
    readonly embedding: Float32Array,
    readonly invFreq: Float32Array,
    readonly weights: WeightSource,
  ) {
    this.#programs = new ProgramCache(backend);
    this.#blocks = new BlockRunner(config, backend, this.#programs);
  }

  static async open(
    checkpoint: Checkpoint,
    backend: Backend,
    { lowMemory = false, tokenDropout, onProgress }: ModelOptions = {},
  ): Promise<Esm2> {
    const weights = lowMemory
      ? streamWeights(checkpoint, backend)
      : await loadResident(checkpoint, backend, onProgress);
    const embedding = await checkpoint.read("embed_tokens.weight");
    const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
    const config = tokenDropout === undefined
      ? checkpoint.config
      : { ...checkpoint.config, tokenDropout };
    return new Esm2(config, backend, embedding, invFreq, weights);
  }

  /** Runs a batch; runs of one model follow one another, since sessions do not run concurrently. */
  run(batch: TokenBatch, options: RunOptions = {}): Promise<RunResult> {
    const result = this.#queue.then(() => this.#run(batch, options));
    this.#queue = result.catch(() => {});
    return result;
  }

  async #run(batch: TokenBatch, options: RunOptions): Promise<RunResult> {
    const { config, backend } = this;
    const { visitor, from, signal } = options;
    const limit = backend.tensorLimit;
    const groups = headGroups(config, batch.size, batch.width, limit);
    const fewest = (visitor?.reduction?.fewestHeads ?? 1) * batch.size * batch.width ** 2 * 4;
    const fast = Math.min(limit.bytes, Math.max(limit.fastAttentionBytes, fewest));
    const fastGroups = headGroups(config, batch.size, batch.width, limit, fast);
    using owned = new DisposableStack();
    const shared = this.#sharedInputs(batch, owned);
    const variant: BlockVariant = { config, batch: batch.size, padded: "bias" in shared };

    let depth = from?.depth ?? 0;
    let hidden = from?.hidden ?? this.#embed(batch);
    /** Whether `hidden` is ours to dispose of. */
    let ours = !from;
    let stopped = false;
    const advance = (next: Tensor) => {
      if (ours) hidden[Symbol.dispose]();
      hidden = next;
      ours = true;
    };
    const visitHidden = async () => {
      await visitor?.hidden?.({
        depth,
        hidden,
        batch,
        replace: advance,
        stop: () => stopped = true,
      });
    };
    try {
      await visitHidden();
      while (depth < config.layers && !stopped) {
        signal?.throwIfAborted();
        const step: BlockStep = {
          variant,
          layer: depth,
          batch,
          attention: visitor?.attention && (visitor.wantsAttention?.(depth) ?? true)
            ? visitor.attention.bind(visitor)
            : undefined,
          reduction: visitor?.reduction?.wants(depth) ? visitor.reduction : undefined,
        };
        using weights = await this.weights.block(depth);
        const inputs = { ...shared, ...weights.tensors };
        advance(
          groups.length > 1
            ? await this.#blocks.inPieces(
              step,
              step.attention ? groups : fastGroups,
              hidden,
              inputs,
            )
            : await this.#blocks.whole(step, step.attention ? groups : fastGroups, hidden, inputs),
        );
        depth++;
        await visitHidden();
      }
      if (!ours) hidden = await copy(backend, hidden);
      const head = options.head && depth === config.layers
        ? await this.#head(hidden, options.head === true ? undefined : options.head.rows)
        : undefined;
      const result = hidden;
      return {
        depth,
        hidden: result,
        ...head,
        [Symbol.dispose]() {
          result[Symbol.dispose]();
          head?.logits[Symbol.dispose]();
          head?.normalised[Symbol.dispose]();
        },
      };
    } catch (error) {
      if (ours) hidden[Symbol.dispose]();
      throw error;
    }
  }

  async #head(
    hidden: Tensor,
    chosen: ArrayLike<number> | undefined,
  ): Promise<{ logits: Tensor; normalised: Tensor }> {
    const [all, dModel] = hidden.shape;
    using owned = new DisposableStack();
    const rows = chosen && owned.use(this.#rowNumbers(chosen, all));
    const program = await this.#programs.get(
      rows ? "head of rows" : "head",
      () => headGraph(this.config, rows !== undefined),
    );
    using weights = await this.weights.head();
    const count = chosen?.length ?? all;
    const { logits, normalised } = await program.run(
      { ...weights.tensors, x: hidden, ...(rows && { rows }) },
      { logits: [count, TOKENS.length], normalised: [count, dModel] },
    );
    return { logits, normalised };
  }

  /** Row numbers as the graph takes them: floats, which are exact to 2^24. */
  #rowNumbers(rows: ArrayLike<number>, all: number): Tensor {
    const numbers = Float32Array.from(rows);
    const isRow = (row: number) => Number.isInteger(row) && row >= 0 && row < all;
    const wrong = numbers.findIndex((row, i) => row !== rows[i] || !isRow(row));
    if (wrong >= 0 || numbers.length === 0) {
      throw new RangeError(
        `Cannot run the head as rows must be in 0..${all - 1}: current value is ${
          rows[wrong] ?? "none"
        }`,
      );
    }
    return this.backend.upload("rows", [numbers.length], numbers);
  }

  #embed(batch: TokenBatch): Tensor {
    const { dModel, tokenDropout } = this.config;
    const data = embed(batch, this.embedding, dModel, tokenDropout);
    return this.backend.upload("embedding", [batch.size * batch.width, dModel], data);
  }

  #sharedInputs(batch: TokenBatch, owned: DisposableStack): Inputs {
    const { size, width, lengths } = batch;
    const shape = [size, width, this.invFreq.length];
    const tables = rotaryTables(this.invFreq, size, width);
    const inputs: Inputs = {};
    const add = (name: string, dims: number[], data: Float32Array) => {
      inputs[name] = owned.use(this.backend.upload(name, dims, data));
    };
    add("query_cos", shape, tables.queryCos);
    add("query_sin", shape, tables.querySin);
    add("key_cos", shape, tables.keyCos);
    add("key_sin", shape, tables.keySin);
    if (lengths.some((n) => n !== width)) add("bias", [size, 1, 1, width], paddingBias(batch));
    return inputs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#programs[Symbol.asyncDispose]();
    this.weights[Symbol.dispose]();
  }
}

async function copy(backend: Backend, tensor: Tensor): Promise<Tensor> {
  return backend.upload(tensor.label, tensor.shape, await tensor.read());
}
