/** A model's blocks in segments that hold their weights, for runs that look at nothing between. */
import type { LaneProgram, Lanes } from "../backend/lanes.ts";
import type { Backend, Program, Tensor } from "../backend/types.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import type { Graph } from "../onnx/graph.ts";
import { TOKENS } from "./alphabet.ts";
import { BLOCK_WEIGHTS, blockWeightShape } from "./block.ts";
import type { Inputs } from "./block_runner.ts";
import type { HeadResult } from "./head_runner.ts";
import { lowPrecision, type Precision } from "./precision.ts";
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

/** Of weights in all lanes together: so much 150M takes in two. */
const LANE_BYTES = 1.25 * 2 ** 30;

/**
 * Tokens that run at a time. More only cost cache: on one thread 8M takes 10 % longer for each of 2112 tokens than
 * of 528. Whatever the threads, so that numbers do not depend on them.
 */
export const PART_TOKENS = 512;

/** Sequences of a batch that run together. */
interface Part {
  readonly begin: number;
  readonly end: number;
}

interface PartTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Runs a part. */
type Computer = (
  inputs: Readonly<Record<string, PartTensor>>,
  outputs: Record<string, readonly number[]>,
) => Promise<Readonly<Record<string, Float32Array>>>;

/**
 * What runs segments, parts of a batch beside each other where there are threads. Their graphs are compiled when a batch needs them, and keep the weights as
 * onnxruntime's products read them. Of a large model each segment has one graph at a time: for plain batches,
 * and from the first padded one on for all, with the same numbers.
 */
export class Segments implements AsyncDisposable {
  readonly all: readonly Segment[];
  readonly #programs = new Map<string, Promise<Program>>();
  readonly #keepsBoth: boolean;
  /** Threads that are started when a batch has parts. */
  #lanes?: Lanes;
  readonly #lanePrograms = new Map<Segment, Promise<LaneProgram | undefined>>();
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
    batch: TokenBatch,
    x: Tensor,
    shared: Inputs,
    rows?: Tensor,
  ): Promise<{ hidden: Tensor; head?: HeadResult }> {
    const parts = partsOf(batch);
    if (parts.length === 1) return await this.#whole(segment, batch, x, shared, rows);
    const { backend, checkpoint: { config: { dModel } } } = this, { size, width } = batch;
    const compute = await this.#computer(segment, isPadded(batch));
    const wanted = segment.head ? rows?.peek() : undefined;
    const count = wanted?.length ?? size * width;
    const columns: Record<string, number> = {
      hidden: dModel,
      ...(segment.head && { normalised: dModel, logits: TOKENS.length }),
    };
    const results = Object.fromEntries(
      Object.entries(columns).map(([name, n]) => [name, backend.output(name, [count, n])]),
    );
    // All have ended before a failure is told: none writes into what has been released.
    const ended = await Promise.allSettled(parts.map(async (part) => {
      const places = placesOf(part, width, wanted), first = part.begin * width;
      if (places.length === 0) return;
      const inputs = partInputs(part, batch, x, shared);
      if (segment.head) {
        const data = Float32Array.from(places, (place) => (wanted?.[place] ?? place) - first);
        inputs.rows = { shape: [data.length], data };
      }
      const shapes = Object.entries(columns).map(([name, n]) =>
        [name, [places.length, n]] as const
      );
      const found = await compute(inputs, Object.fromEntries(shapes));
      for (const [name, n] of Object.entries(columns)) {
        const to = results[name].peek()!, from = found[name];
        places.forEach((place, i) => to.set(from.subarray(i * n, (i + 1) * n), place * n));
      }
    }));
    const failed = ended.find(({ status }) => status === "rejected");
    if (failed) {
      Object.values(results).forEach((tensor) => tensor[Symbol.dispose]());
      throw (failed as PromiseRejectedResult).reason;
    }
    const { hidden, normalised, logits } = results;
    return { hidden, ...(segment.head && { head: { normalised, logits } }) };
  }

  /** What runs parts: lanes where there are some. */
  async #computer(segment: Segment, padded: boolean): Promise<Computer> {
    const lanes = await this.#inLanes(segment);
    if (lanes) {
      return (inputs, shapes) => {
        const own = Object.entries(inputs).map(([name, { shape, data }]) =>
          [name, { shape, data: new Float32Array(data) }] as const
        );
        return lanes.run(Object.fromEntries(own), shapes);
      };
    }
    const { backend } = this, { program, plain } = await this.#program(segment, padded);
    const run: Computer = async ({ bias, ...others }, shapes) => {
      using owned = new DisposableStack();
      const uploaded = Object.entries(plain ? others : { bias, ...others }).map(
        ([name, { shape, data }]) => [name, owned.use(backend.upload(name, shape, data))] as const,
      );
      const outputs = await program.run(Object.fromEntries(uploaded), shapes);
      const read = Object.entries(outputs).map(async ([name, tensor]) =>
        [name, await owned.use(tensor).read()] as const
      );
      return Object.fromEntries(await Promise.all(read));
    };
    let last: Promise<unknown> = Promise.resolve();
    return (inputs, shapes) => {
      const result = last.then(() => run(inputs, shapes));
      last = result.catch(() => {});
      return result;
    };
  }

  /** The segment in lanes; undefined where there are none, or no thread could be started. */
  #inLanes(segment: Segment): Promise<LaneProgram | undefined> {
    const known = this.#lanePrograms.get(segment);
    if (known) return known;
    const { backend, checkpoint: { config } } = this;
    const lanes = this.#lanes ??= backend.openLanes?.(
      Math.floor(LANE_BYTES / (config.layers * blockBytes(config))),
    );
    // What is wrong with the graph itself is told when it is compiled here.
    const program = lanes
      ? this.#graph(segment, false).then((graph) => lanes.compile(graph)).catch(() => undefined)
      : Promise.resolve(undefined);
    this.#lanePrograms.set(segment, program);
    return program;
  }

  async #whole(
    segment: Segment,
    batch: TokenBatch,
    x: Tensor,
    shared: Inputs,
    rows?: Tensor,
  ): Promise<{ hidden: Tensor; head?: HeadResult }> {
    const { backend, checkpoint: { config } } = this;
    const { program, plain } = await this.#program(segment, isPadded(batch));
    using owned = new DisposableStack();
    const upload = (name: string, shape: number[], data: Float32Array) =>
      owned.use(backend.upload(name, shape, data));
    const { query_cos, query_sin, key_cos, key_sin } = shared;
    const inputs: Inputs = { x, query_cos, query_sin, key_cos, key_sin };
    if (!plain) {
      const { size, width } = batch;
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

  async #program(
    segment: Segment,
    padded: boolean,
  ): Promise<{ program: Program; plain: boolean }> {
    this.#sawPadding ||= padded;
    const plain = !padded && (this.#keepsBoth || !this.#sawPadding);
    const key = `${segment.begin} ${plain}`, known = this.#programs.get(key);
    if (known) return { program: await known, plain };
    // Two graphs would hold the weights twice.
    if (!plain && !this.#keepsBoth) await this.#release(`${segment.begin} true`);
    const program = this.#graph(segment, plain).then((graph) => this.backend.compile(graph));
    this.#programs.set(key, program);
    // A failed compilation is not remembered.
    program.catch(() => this.#programs.delete(key));
    return { program: await program, plain };
  }

  #graph(segment: Segment, plain: boolean): Promise<Graph> {
    const { backend, checkpoint } = this, weights = new WeightConstants(checkpoint, this.precision);
    const fastBytes = backend.tensorLimit.fastAttentionBytes;
    const precision = lowPrecision(this.precision);
    return segmentGraph(checkpoint.config, segment, weights, { plain, fastBytes, precision });
  }

  async #release(key: string): Promise<void> {
    const program = this.#programs.get(key);
    this.#programs.delete(key);
    await program?.then((compiled) => compiled[Symbol.asyncDispose](), () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const key of [...this.#programs.keys()]) await this.#release(key);
    for (const program of this.#lanePrograms.values()) {
      await (await program)?.[Symbol.asyncDispose]();
    }
    this.#lanes?.[Symbol.dispose]();
  }
}

const isPadded = ({ width, lengths }: TokenBatch) => lengths.some((length) => length !== width);

/** Equal parts of a batch, of at most as many sequences as run best together, and an even number of them. */
export function partsOf({ size, width }: Pick<TokenBatch, "size" | "width">): Part[] {
  const pairs = Math.ceil(size / Math.max(1, Math.floor(PART_TOKENS / width)) / 2);
  const count = size * width <= PART_TOKENS ? 1 : Math.min(size, 2 * pairs);
  const cut = (n: number) => Math.floor(n * size / count);
  return Array.from({ length: count }, (_, n) => ({ begin: cut(n), end: cut(n + 1) }));
}

/** Indices of the rows that a part gives, among all of the batch or those that are wanted. */
function placesOf(
  { begin, end }: Part,
  width: number,
  wanted: Float32Array | undefined,
): number[] {
  const first = begin * width, past = end * width;
  if (!wanted) return Array.from({ length: past - first }, (_, i) => first + i);
  return [...wanted.keys()].filter((i) => wanted[i] >= first && wanted[i] < past);
}

/** What a part reads: views of what the batch reads, and the bias even where it hides nothing. */
function partInputs(
  { begin, end }: Part,
  { size, width }: TokenBatch,
  x: Tensor,
  { query_cos, query_sin, key_cos, key_sin, bias }: Inputs,
): Record<string, PartTensor> {
  const inputs: Record<string, PartTensor> = {
    bias: { shape: [end - begin, 1, 1, width], data: new Float32Array((end - begin) * width) },
  };
  const given = { x, query_cos, query_sin, key_cos, key_sin, ...(bias && { bias }) };
  for (const [name, tensor] of Object.entries(given)) {
    const values = tensor.peek()!, { shape: [rows, ...others] } = tensor;
    const [from, to] = [begin, end].map((n) => n * values.length / size);
    inputs[name] = {
      shape: [(end - begin) * rows / size, ...others],
      data: values.subarray(from, to),
    };
  }
  return inputs;
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
