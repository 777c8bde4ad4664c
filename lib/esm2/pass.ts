/** One batch on its way through the model: what all its blocks share, and the steps. */
import { type Backend, elementCount, type Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { type AdapterDropout, adapterInputs } from "./adapter_weights.ts";
import { BackwardRunner, type BlockInput } from "./backward.ts";
import type { BlockVariant } from "./block.ts";
import { keptValues } from "./block_graphs.ts";
import { BlockRunner, type BlockStep, type Inputs, type PartHook } from "./block_runner.ts";
import { EmbeddingRunner } from "./embedding.ts";
import { paddingBias, type RotaryCache } from "./inputs.ts";
import type { HeadResult } from "./head_runner.ts";
import { headGroups } from "./plan.ts";
import { lowPrecision, type Precision, requireF32 } from "./precision.ts";
import type { ProgramCache } from "./programs.ts";
import type { Segment } from "./segment_graph.ts";
import type { Segments } from "./segments.ts";
import type { TokenBatch } from "./tokenize.ts";
import { BLOCK_PARTS, type BlockPartName, type Visitor } from "./visitor.ts";
import type { WeightSource } from "./weights.ts";

/** What passes of all batches share. */
export interface Engine {
  readonly config: Esm2Config;
  readonly backend: Backend;
  /** f32[33, D], where the weights have none of their own. */
  readonly embedding: Float32Array;
  readonly invFreq: Float32Array;
  readonly rotary: RotaryCache;
  readonly weights: WeightSource;
  readonly programs: ProgramCache;
  /** In what linear maps compute. @default single precision */
  readonly precision?: Precision;
}

/** What blocks may keep for their gradients: 2048 tokens of 8M take 34 MB a block. */
const KEPT_BYTES = 256 * 2 ** 20;

/** How many times as large as one tensor should be the attention may be, in a graph of a block that keeps values. */
const WHOLE = 4;

function partHook(
  visitor: Visitor | undefined,
  layer: number,
  precision: Precision | undefined,
): PartHook | undefined {
  if (!visitor?.part) return undefined;
  const visit: PartHook["visit"] = (part) =>
    visitor.part!({
      ...part,
      replace(other) {
        requireF32(precision, `replace ${part.name}`);
        part.replace(other);
      },
    });
  const wants = (name: BlockPartName) => visitor!.wantsPart?.(name, layer) ?? true;
  return BLOCK_PARTS.some(wants) ? { wants, visit } : undefined;
}

/** Whether a visitor wants something of the inside of a block. */
export function wantsOf(visitor: Visitor | undefined, layer: number): boolean {
  const attention = visitor?.attention && (visitor.wantsAttention?.(layer) ?? true);
  return attention || visitor?.reduction?.wants(layer) ||
    partHook(visitor, layer, undefined) !== undefined;
}

export class Pass implements Disposable {
  readonly #owned = new DisposableStack();
  readonly #shared: Inputs;
  readonly #variant: BlockVariant;
  readonly #blocks: BlockRunner;
  /** Heads that fit a tensor of the device together; one group is all of them. */
  readonly #groups: readonly number[];

  /** @param dropout what adapters do not read, in training */
  constructor(
    readonly engine: Engine,
    readonly batch: TokenBatch,
    readonly dropout?: AdapterDropout,
  ) {
    const { config, backend, programs } = engine;
    this.#groups = headGroups(config, batch.size, batch.width, backend.tensorLimit);
    programs.use(batch.size);
    this.#blocks = new BlockRunner(config, backend, programs);
    this.#shared = this.#upload();
    this.#variant = {
      ...{ config, batch: batch.size, padded: "bias" in this.#shared },
      precision: lowPrecision(engine.precision),
    };
  }

  /** f32[B·T, D] at depth 0. */
  embed(): Promise<Tensor> {
    return new EmbeddingRunner(this.engine).run(this.batch);
  }

  /** From dS/d(stream at depth 0) to dS/d(embedding) f32[33, D] of what was looked up. */
  embedBackward(slope: Tensor): Promise<Tensor> {
    return new EmbeddingRunner(this.engine).backward(this.batch, slope);
  }

  /** The residual stream after the blocks of a segment, with a head what that gives. */
  segment(
    segments: Segments,
    segment: Segment,
    hidden: Tensor,
    rows?: Tensor,
  ): Promise<{ hidden: Tensor; head?: HeadResult }> {
    return segments.run(segment, this.batch, hidden, this.#shared, rows);
  }

  /**
   * The residual stream after block `layer`, and what the visitor wants of the block.
   *
   * @param rows f32[R], those that are wanted of the stream; all by default
   */
  async block(layer: number, hidden: Tensor, visitor?: Visitor, rows?: Tensor): Promise<Tensor> {
    return (await this.#block(layer, hidden, visitor, rows))!;
  }

  /** What the visitor wants of the attention of block `layer`, of which nothing else is computed. */
  async attention(layer: number, hidden: Tensor, visitor: Visitor): Promise<void> {
    await this.#block(layer, hidden, visitor, "none");
  }

  async #block(
    layer: number,
    hidden: Tensor,
    visitor: Visitor | undefined,
    rows: Tensor | "none" | undefined,
  ): Promise<Tensor | undefined> {
    using owned = new DisposableStack();
    const { variant, inputs } = await this.#weights(layer, owned);
    const step: BlockStep = {
      variant,
      layer,
      batch: this.batch,
      rows,
      attention: visitor?.attention && (visitor.wantsAttention?.(layer) ?? true)
        ? visitor.attention.bind(visitor)
        : undefined,
      reduction: visitor?.reduction?.wants(layer) ? visitor.reduction : undefined,
      part: partHook(visitor, layer, this.engine.precision),
    };
    const groups = step.attention
      ? this.#groups
      : this.#fastGroups(visitor?.reduction?.fewestHeads);
    // Only a block in pieces has parts to show; then attention need not be cut smaller than the device asks.
    if (step.part) return await this.#blocks.inPieces(step, this.#groups, hidden, inputs);
    return this.#groups.length > 1
      ? await this.#blocks.inPieces(step, groups, hidden, inputs)
      : await this.#blocks.whole(step, groups, hidden, inputs);
  }

  /**
   * How many of the last blocks keep what their gradients need, so that it is not computed again: as many as
   * fit a fixed memory, whatever the machine, so that results are the same.
   */
  get blocksKept(): number {
    const { config } = this.engine, { width } = this.batch;
    if (!this.#fitsWhole) return 0;
    const values = Object.values(keptValues(this.#variant, this.#fastGroups(), width));
    const bytes = 4 * values.reduce((sum, shape) => sum + elementCount(shape), 0);
    return Math.min(config.layers, Math.floor(KEPT_BYTES / bytes));
  }

  /** The residual stream after block `layer`, and what its gradient needs. */
  async blockKeeping(layer: number, hidden: Tensor): Promise<{ hidden: Tensor; kept: Inputs }> {
    using owned = new DisposableStack();
    const { variant, inputs } = await this.#weights(layer, owned);
    const step = { variant, layer, batch: this.batch };
    return await this.#blocks.keeping(step, this.#fastGroups(), hidden, inputs);
  }

  /**
   * From dS/d(output of block `layer`) to dS/dw for each w of `wrt`: the block's input, its weights.
   *
   * @param hidden the block's input
   * @param kept what {@linkcode blockKeeping} gave; stays the caller's
   */
  async blockBackward<W extends BlockInput>(
    layer: number,
    hidden: Tensor,
    cotangent: Tensor,
    wrt: readonly W[],
    kept?: Inputs,
  ): Promise<Record<W, Tensor>> {
    using owned = new DisposableStack();
    const { variant, inputs: weights } = await this.#weights(layer, owned);
    const step = { variant, layer, batch: this.batch };
    const backward = new BackwardRunner(this.#blocks);
    const inputs = { ...weights, x: hidden };
    const groups = this.#fastGroups();
    return kept || this.#groups.length === 1
      ? await backward.whole(step, groups, inputs, cotangent, wrt, kept)
      : await backward.inPieces(step, groups, inputs, cotangent, wrt);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  /** Whether one graph of a block may hold the attention of all heads, as a device without a hard limit can. */
  get #fitsWhole(): boolean {
    const { config: { heads }, backend: { tensorLimit: { hard, bytes } } } = this.engine;
    const { size, width } = this.batch;
    return this.#groups.length === 1 || !hard && 4 * size * heads * width ** 2 <= WHOLE * bytes;
  }

  /** What a block reads besides its input, and what its graph is specialised to. */
  async #weights(
    layer: number,
    owned: DisposableStack,
  ): Promise<{ variant: BlockVariant; inputs: Inputs }> {
    const { engine, batch: { size, width }, dropout } = this;
    const weights = owned.use(await engine.weights.block(layer));
    const { forms, tensors } = await adapterInputs(
      ...[engine, layer, weights.tensors, size * width, dropout, owned] as const,
    );
    return {
      variant: forms ? { ...this.#variant, adapters: forms } : this.#variant,
      inputs: { ...this.#shared, ...weights.tensors, ...tensors },
    };
  }

  /** Heads at a time where nobody sees the attention. */
  #fastGroups(fewestHeads = 1): readonly number[] {
    const { config, backend: { tensorLimit: limit } } = this.engine;
    const { size, width } = this.batch;
    const fewest = fewestHeads * size * width ** 2 * 4;
    const fast = Math.min(limit.bytes, Math.max(limit.fastAttentionBytes, fewest));
    return headGroups(config, size, width, limit, fast);
  }

  #upload(): Inputs {
    const { backend, rotary } = this.engine;
    const { size, width, lengths } = this.batch;
    const inputs: Inputs = { ...rotary.of(size, width) };
    if (lengths.some((n) => n !== width)) {
      const bias = backend.upload("bias", [size, 1, 1, width], paddingBias(this.batch));
      inputs.bias = this.#owned.use(bias);
    }
    return inputs;
  }
}
