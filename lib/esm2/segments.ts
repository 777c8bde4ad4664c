/** A model's blocks in segments that hold their weights, for runs that look at nothing between. */
import type { Backend, Program, Tensor } from "../backend/types.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import { TOKENS } from "./alphabet.ts";
import { BLOCK_WEIGHTS, blockWeightShape } from "./block.ts";
import type { Inputs } from "./block_runner.ts";
import type { HeadResult } from "./head_runner.ts";
import type { Precision } from "./precision.ts";
import { type Segment, segmentGraph } from "./segment_graph.ts";
import type { TokenBatch } from "./tokenize.ts";
import { WeightConstants } from "./weights.ts";

/** Which runs a model is to be fast at. */
export interface PrepackOptions {
  /** Depths at which the residual stream is looked at. @default none */
  depths?: readonly number[];
  /** Whether the head is read. @default true */
  head?: boolean;
  /**
   * Tokens that will run so, if that is known: few are not worth the opening. Whoever resumes or shares out
   * work names those of all of it, since what is laid out for products is rounded differently.
   *
   * @default many
   */
  tokens?: number;
}

/**
 * Tokens that are worth it at any size, since opening and what it saves of a batch both grow with the weights:
 * the result of 8M at T = 66 is there as soon after 60 runs, that of 35M at T = 258 after 35.
 */
export const WORTH_PREPACKING = 16_384;

/** Weights of a segment: when it is opened of weights that no file holds as they are, they are there four times. */
const SEGMENT_BYTES = 256 * 2 ** 20;

/** Models up to this size keep graphs for plain batches besides those for all: 8M and 35M. */
const SMALL_MODEL_BYTES = 192 * 2 ** 20;

/**
 * What runs segments. Their graphs are compiled when a batch needs them, and keep the weights as
 * onnxruntime's products read them. Of a large model each segment has one graph at a time: for plain batches,
 * and from the first padded one on for all, with the same numbers.
 */
export class Segments implements AsyncDisposable {
  readonly all: readonly Segment[];
  readonly #programs = new Map<string, Promise<Program>>();
  readonly #keepsBoth: boolean;
  /** Whether a padded batch has run. */
  #sawPadding = false;

  /** @param precision in what linear maps compute; their sums in bytes are exact, laid out or not */
  constructor(
    readonly checkpoint: Checkpoint,
    readonly backend: Backend,
    options: PrepackOptions,
    readonly precision: Precision = "f32",
    smallModelBytes = SMALL_MODEL_BYTES,
  ) {
    const { config } = checkpoint, bytes = blockBytes(config);
    const most = Math.max(1, Math.floor(SEGMENT_BYTES / bytes));
    // Whoever reads a head that is not there hears of it from the head's own program.
    const head = (options.head ?? true) && checkpoint.tensors.has("lm_head.dense.weight");
    this.all = cutSegments(config.layers, most, { ...options, head });
    this.#keepsBoth = config.layers * bytes <= smallModelBytes;
  }

  /** The segment that begins at a depth. */
  from(depth: number): Segment | undefined {
    return this.all.find(({ begin }) => begin === depth);
  }

  /**
   * Runs one.
   *
   * @param shared rotary tables, and the bias of a padded batch
   * @param rows f32[R] of the last block that the head reads, where it belongs to the segment; all by default
   */
  async run(
    segment: Segment,
    { size, width, lengths }: TokenBatch,
    x: Tensor,
    shared: Inputs,
    rows?: Tensor,
  ): Promise<{ hidden: Tensor; head?: HeadResult }> {
    const { backend, checkpoint: { config } } = this;
    const padded = lengths.some((length) => length !== width);
    this.#sawPadding ||= padded;
    const plain = !padded && (this.#keepsBoth || !this.#sawPadding);
    const program = await this.#program(segment, plain);
    using owned = new DisposableStack();
    const upload = (name: string, shape: number[], data: Float32Array) =>
      owned.use(backend.upload(name, shape, data));
    const { query_cos, query_sin, key_cos, key_sin } = shared;
    const inputs: Inputs = { x, query_cos, query_sin, key_cos, key_sin };
    if (!plain) {
      inputs.bias = shared.bias ??
        upload("bias", [size, 1, 1, width], new Float32Array(size * width));
    }
    if (!segment.head) {
      return { hidden: (await program.run(inputs, { hidden: [...x.shape] })).hidden };
    }
    const all = x.shape[0];
    inputs.rows = rows ?? upload("rows", [all], Float32Array.from({ length: all }, (_, i) => i));
    const [count] = inputs.rows.shape, states = [count, config.dModel];
    const { hidden, normalised, logits } = await program.run(inputs, {
      hidden: states,
      normalised: states,
      logits: [count, TOKENS.length],
    });
    return { hidden, head: { normalised, logits } };
  }

  async #program(segment: Segment, plain: boolean): Promise<Program> {
    const { backend, checkpoint } = this, key = `${segment.begin} ${plain}`;
    const known = this.#programs.get(key);
    if (known) return await known;
    // Two graphs would hold the weights twice.
    if (!plain && !this.#keepsBoth) await this.#release(`${segment.begin} true`);
    const weights = new WeightConstants(checkpoint, this.precision);
    const fastBytes = backend.tensorLimit.fastAttentionBytes;
    const precision = this.precision === "int8" ? this.precision : undefined;
    const program = segmentGraph(
      ...[checkpoint.config, segment, weights, { plain, fastBytes, precision }] as const,
    )
      .then((graph) => backend.compile(graph));
    this.#programs.set(key, program);
    // A failed compilation is not remembered.
    program.catch(() => this.#programs.delete(key));
    return await program;
  }

  async #release(key: string): Promise<void> {
    const program = this.#programs.get(key);
    this.#programs.delete(key);
    await program?.then((compiled) => compiled[Symbol.asyncDispose](), () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const key of [...this.#programs.keys()]) await this.#release(key);
  }
}

/** Bytes of one block's weights. */
function blockBytes(config: Esm2Config): number {
  const counts = BLOCK_WEIGHTS.map((name) =>
    blockWeightShape(name, config).reduce((product, extent) => product * extent, 1)
  );
  return Float32Array.BYTES_PER_ELEMENT * counts.reduce((sum, count) => sum + count, 0);
}

/** Segments of at most so many blocks that end wherever the stream is looked at; none beyond the last look. */
export function cutSegments(
  layers: number,
  most: number,
  { depths = [], head = true }: PrepackOptions,
): Segment[] {
  const ends = [...depths, ...(head ? [layers] : [])].filter((depth) => depth > 0);
  const segments: Segment[] = [];
  let begin = 0;
  for (const end of [...new Set(ends)].sort((a, b) => a - b)) {
    const pieces = Math.ceil((end - begin) / most), blocks = end - begin;
    for (let i = 0; i < pieces; i++) {
      const [from, to] = [i, i + 1].map((n) => begin + Math.floor(n * blocks / pieces));
      segments.push({ begin: from, end: to, head: head && to === layers });
    }
    begin = end;
  }
  return segments;
}
