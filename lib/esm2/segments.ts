/** A model's blocks in segments that hold their weights, for runs that look at nothing between. */
import type { LaneProgram, Lanes } from "../backend/lanes.ts";
import type { Backend, Program, Tensor } from "../backend/types.ts";
import type { Checkpoint, Esm2Config } from "../checkpoint/mod.ts";
import type { Graph } from "../onnx/graph.ts";
import { evenGroups, groupsOfAtMost } from "../stats/even_groups.ts";
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
 * What runs segments, parts of a batch beside each other where there are threads. Their graphs are compiled
 * when a batch needs them, and keep the weights as onnxruntime's products read them. Of a large model each
 * segment has one graph at a time: for plain batches, and from the first padded one on for all, with the same
 * numbers.
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
    const parts = partsOf(batch), inputs = { ...shared, x };
    const { hidden, normalised, logits } = parts.length > 1
      ? await this.#inParts(segment, batch, parts, inputs, segment.head ? rows?.peek() : undefined)
      : await this.#together(segment, isPadded(batch), { ...inputs, ...(rows && { rows }) });
    return { hidden, ...(segment.head && { head: { normalised, logits } }) };
  }

  /** Columns of what a segment gives. */
  #columns({ head }: Segment): Readonly<Record<string, number>> {
    const hidden = this.checkpoint.config.dModel;
    return { hidden, ...(head && { normalised: hidden, logits: TOKENS.length }) };
  }

  /**
   * Runs sequences together, on all threads.
   *
   * @param inputs x, rotary tables, and the bias and the rows where these are not what every graph takes them for
   */
  async #together(
    segment: Segment,
    padded: boolean,
    { bias, rows, ...others }: Inputs,
  ): Promise<Record<string, Tensor>> {
    const { program, plain } = await this.#program(segment, padded);
    using owned = new DisposableStack();
    const upload = (name: string, shape: number[], data: Float32Array) =>
      owned.use(this.backend.upload(name, shape, data));
    const inputs: Inputs = others, all = others.x.shape[0];
    const [size, width] = others.key_cos.shape;
    if (!plain) inputs.bias = bias ?? upload("bias", [size, 1, 1, width], new Float32Array(all));
    if (segment.head) {
      inputs.rows = rows ?? upload("rows", [all], Float32Array.from({ length: all }, (_, i) => i));
    }
    const count = inputs.rows?.shape[0] ?? all;
    return await program.run(
      inputs,
      mapValues(this.#columns(segment), (columns) => [count, columns]),
    );
  }

  /** Runs parts of a batch and puts together what they give, of all rows or those that are wanted. */
  async #inParts(
    segment: Segment,
    batch: TokenBatch,
    parts: readonly Part[],
    given: Inputs,
    wanted: Float32Array | undefined,
  ): Promise<Record<string, Tensor>> {
    const { size, width } = batch, columns = this.#columns(segment);
    const compute = await this.#computer(segment, isPadded(batch));
    const count = wanted?.length ?? size * width;
    const results = mapValues(columns, (n, name) => this.backend.output(name, [count, n]));
    // All have ended before a failure is told: none writes into what has been released.
    const ended = await Promise.allSettled(parts.map(async (part) => {
      const first = part.begin * width, own = wanted && placesOf(part, width, wanted);
      if (own?.length === 0) return;
      const inputs = partInputs(part, batch, given);
      const length = own?.length ?? (part.end - part.begin) * width;
      if (segment.head) {
        const data = Float32Array.from({ length }, (_, i) => own ? wanted![own[i]] - first : i);
        inputs.rows = { shape: [length], data };
      }
      const found = await compute(inputs, mapValues(columns, (n) => [length, n]));
      for (const [name, n] of Object.entries(columns)) {
        const to = results[name].peek()!, from = found[name];
        if (!own) to.set(from, first * n);
        else own.forEach((place, i) => to.set(from.subarray(i * n, (i + 1) * n), place * n));
      }
    }));
    const failed = ended.find(({ status }) => status === "rejected");
    if (!failed) return results;
    Object.values(results).forEach((tensor) => tensor[Symbol.dispose]());
    throw (failed as PromiseRejectedResult).reason;
  }

  /** What runs parts: lanes where there are some, else one after another here. */
  async #computer(segment: Segment, padded: boolean): Promise<Computer> {
    const lanes = await this.#inLanes(segment);
    if (lanes) {
      return (inputs, shapes) =>
        lanes.run(
          mapValues(inputs, ({ shape, data }) => ({ shape, data: new Float32Array(data) })),
          shapes,
        );
    }
    const run: Computer = async (inputs) => {
      using owned = new DisposableStack();
      const outputs = await this.#together(
        segment,
        padded,
        mapValues(
          inputs,
          ({ shape, data }, name) => owned.use(this.backend.upload(name, shape, data)),
        ),
      );
      for (const tensor of Object.values(outputs)) owned.use(tensor);
      const read = Object.entries(outputs).map(async ([name, tensor]) =>
        [name, await tensor.read()] as const
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
  return evenGroups(size, count).map(([begin, end]) => ({ begin, end }));
}

/** Which of the wanted rows of a batch lie in a part: their places among those that are wanted. */
function placesOf({ begin, end }: Part, width: number, wanted: Float32Array): number[] {
  const first = begin * width, past = end * width;
  return [...wanted.keys()].filter((i) => wanted[i] >= first && wanted[i] < past);
}

/** What a part reads: views of what the batch reads, and the bias even where it hides nothing. */
function partInputs(
  { begin, end }: Part,
  { size, width }: TokenBatch,
  given: Inputs,
): Record<string, PartTensor> {
  const count = end - begin;
  return {
    bias: { shape: [count, 1, 1, width], data: new Float32Array(count * width) },
    ...mapValues(given, (tensor) => {
      const values = tensor.peek()!, { shape: [rows, ...others] } = tensor;
      const [from, to] = [begin, end].map((n) => n * values.length / size);
      return { shape: [count * rows / size, ...others], data: values.subarray(from, to) };
    }),
  };
}

/** The same names with other values. */
const mapValues = <A, B>(
  record: Readonly<Record<string, A>>,
  of: (value: A, name: string) => B,
): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(value, name)]));

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
    for (const [from, to] of groupsOfAtMost(end - begin, most)) {
      const last = begin + to;
      segments.push({ begin: begin + from, end: last, head: head && last === layers });
    }
    begin = end;
  }
  return segments;
}
