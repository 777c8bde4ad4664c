/** ESM-2 on a backend, run block by block. */
import type { Backend, Program, Tensor } from "../backend/types.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import type { Graph } from "../onnx/graph.ts";
import {
  attendGraph,
  blockGraph,
  type BlockVariant,
  type BlockWeight,
  finishGraph,
  projectGraph,
} from "./block.ts";
import { TOKENS } from "./alphabet.ts";
import { headGraph } from "./head.ts";
import { embed, paddingBias, rotaryTables } from "./inputs.ts";
import { headGroups } from "./plan.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { Visitor } from "./visitor.ts";
import { loadResident, streamWeights, type WeightSource } from "./weights.ts";

export interface ModelOptions {
  /** Read each block's weights from the checkpoint every time instead of keeping all in memory. */
  lowMemory?: boolean;
  /** Hears the bytes of weights loaded so far. */
  onProgress?: (bytes: number) => void;
}

export interface RunOptions {
  visitor?: Visitor;
  /** Starts after `depth` blocks from this f32[B·T, D] instead of the embedding; stays the caller's. */
  from?: { depth: number; hidden: Tensor };
  /** Whether to compute logits and the normalised state when the last block has run. @default false */
  head?: boolean;
  signal?: AbortSignal;
}

/** What a run leaves; disposing it frees its tensors. */
export interface RunResult extends Disposable {
  /** Blocks that have run. */
  readonly depth: number;
  /** f32[B·T, D], the residual stream after the last block that ran, before the final LayerNorm. */
  readonly hidden: Tensor;
  /** f32[B·T, 33] */
  readonly logits?: Tensor;
  /** f32[B·T, D] after the final LayerNorm. */
  readonly normalised?: Tensor;
}

/** Constant inputs of every block for one batch shape. */
type SharedInputs = Record<string, Tensor>;

export class Esm2 implements AsyncDisposable {
  #programs = new Map<string, Promise<Program>>();
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly config: Esm2Config,
    readonly backend: Backend,
    readonly embedding: Float32Array,
    readonly invFreq: Float32Array,
    readonly weights: WeightSource,
  ) {}

  static async open(
    checkpoint: Checkpoint,
    backend: Backend,
    { lowMemory = false, onProgress }: ModelOptions = {},
  ): Promise<Esm2> {
    const weights = lowMemory
      ? streamWeights(checkpoint, backend)
      : await loadResident(checkpoint, backend, onProgress);
    const embedding = await checkpoint.read("embed_tokens.weight");
    const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
    return new Esm2(checkpoint.config, backend, embedding, invFreq, weights);
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
    const groups = headGroups(config, batch.size, batch.width, backend.tensorLimit);
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
        const layer = depth;
        const wanted = visitor?.attention !== undefined &&
          (visitor.wantsAttention?.(layer) ?? true);
        const visit = wanted
          ? async (begin: number, end: number, pattern: Tensor) => {
            using _ = pattern;
            await visitor.attention!({ layer, begin, end, pattern, batch });
          }
          : undefined;
        using weights = await this.weights.block(layer);
        const inputs = { ...shared, ...weights.tensors };
        advance(
          groups.length === 1
            ? await this.#wholeBlock(variant, hidden, inputs, batch, visit)
            : await this.#blockInPieces(variant, groups, hidden, inputs, batch, visit),
        );
        depth++;
        await visitHidden();
      }
      if (!ours) hidden = await copy(backend, hidden);
      const head = options.head && depth === config.layers
        ? await this.#head(hidden, batch)
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

  async #wholeBlock(
    variant: BlockVariant,
    x: Tensor,
    inputs: SharedInputs,
    { size, width }: TokenBatch,
    visit?: (begin: number, end: number, pattern: Tensor) => Promise<void>,
  ): Promise<Tensor> {
    const { heads } = this.config;
    const key = `block ${variant.batch} ${variant.padded} ${visit !== undefined}`;
    const program = await this.#program(key, () => blockGraph(variant, visit !== undefined));
    const outputs: Record<string, number[]> = { hidden: [...x.shape] };
    if (visit) outputs.attention = [size, heads, width, width];
    const { hidden, attention } = await program.run({ ...inputs, x }, outputs);
    try {
      await visit?.(0, heads, attention);
    } catch (error) {
      hidden[Symbol.dispose]();
      throw error;
    }
    return hidden;
  }

  /** The same block with attention for some heads at a time. */
  async #blockInPieces(
    variant: BlockVariant,
    groups: readonly number[],
    x: Tensor,
    inputs: SharedInputs,
    { size, width }: TokenBatch,
    visit?: (begin: number, end: number, pattern: Tensor) => Promise<void>,
  ): Promise<Tensor> {
    const { heads, headDim } = this.config;
    const key = `${variant.batch} ${variant.padded}`;
    const project = await this.#program(`project ${key}`, () => projectGraph(variant));
    const finish = await this.#program(
      `finish ${key} ${groups}`,
      () => finishGraph(variant, groups),
    );
    using owned = new DisposableStack();
    const perHead = [size, heads, width, headDim];
    const { q, k, v } = await project.run(
      { ...pick(inputs, PROJECT_INPUTS), x },
      { q: perHead, k: perHead, v: perHead },
    );
    [q, k, v].forEach((t) => owned.use(t));
    const parts: Record<string, Tensor> = {};
    for (let g = 0, begin = 0; g < groups.length; begin += groups[g++]) {
      const end = begin + groups[g], from = begin;
      const attend = await this.#program(
        `attend ${key} ${from} ${end}`,
        () => attendGraph(variant, from, end),
      );
      const out = await attend.run({ q, k, v, ...pick(inputs, ["bias"]) }, {
        attention: [size, groups[g], width, width],
        mixed: [size, groups[g], width, headDim],
      });
      parts[`mixed_${g}`] = owned.use(out.mixed);
      if (visit) await visit(begin, end, out.attention);
      else out.attention[Symbol.dispose]();
    }
    const out = await finish.run(
      { ...pick(inputs, FINISH_INPUTS), ...parts, x },
      { hidden: [...x.shape] },
    );
    return out.hidden;
  }

  async #head(hidden: Tensor, batch: TokenBatch): Promise<{ logits: Tensor; normalised: Tensor }> {
    const program = await this.#program("head", () => headGraph(this.config));
    using weights = await this.weights.head();
    const { logits, normalised } = await program.run({ ...weights.tensors, x: hidden }, {
      logits: [batch.size * batch.width, TOKENS.length],
      normalised: [...hidden.shape],
    });
    return { logits, normalised };
  }

  #embed(batch: TokenBatch): Tensor {
    const { dModel, tokenDropout } = this.config;
    const data = embed(batch, this.embedding, dModel, tokenDropout);
    return this.backend.upload("embedding", [batch.size * batch.width, dModel], data);
  }

  #sharedInputs(batch: TokenBatch, owned: DisposableStack): SharedInputs {
    const { size, width, lengths } = batch;
    const shape = [size, width, this.invFreq.length];
    const tables = rotaryTables(this.invFreq, size, width);
    const inputs: SharedInputs = {};
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

  #program(key: string, build: () => Graph): Promise<Program> {
    let program = this.#programs.get(key);
    if (!program) {
      program = this.backend.compile(build());
      this.#programs.set(key, program);
      // A failed compilation is not remembered.
      program.catch(() => this.#programs.delete(key));
    }
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    for (const program of this.#programs.values()) await (await program)[Symbol.asyncDispose]();
    this.#programs.clear();
    this.weights[Symbol.dispose]();
  }
}

const PROJECT_INPUTS: readonly (BlockWeight | string)[] = [
  "self_attn_layer_norm.weight",
  "self_attn_layer_norm.bias",
  ...["q", "k", "v"].flatMap((p) => [`self_attn.${p}_proj.weight`, `self_attn.${p}_proj.bias`]),
  "query_cos",
  "query_sin",
  "key_cos",
  "key_sin",
];

const FINISH_INPUTS: readonly BlockWeight[] = [
  "self_attn.out_proj.weight",
  "self_attn.out_proj.bias",
  "final_layer_norm.weight",
  "final_layer_norm.bias",
  "fc1.weight",
  "fc1.bias",
  "fc2.weight",
  "fc2.bias",
];

function pick(inputs: SharedInputs, names: readonly string[]): SharedInputs {
  return Object.fromEntries(names.filter((n) => n in inputs).map((n) => [n, inputs[n]]));
}

async function copy(backend: Backend, tensor: Tensor): Promise<Tensor> {
  return backend.upload(tensor.label, tensor.shape, await tensor.read());
}
