/** Heads of fine-tuned models: states after the final LayerNorm → logits, as graphs that are differentiated. */
import type { Backend, Tensor } from "../backend/types.ts";
import { ProgramCache } from "../esm2/programs.ts";
import type { TokenBatch } from "../esm2/mod.ts";
import { cotangentOf } from "../onnx/gradient.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { gaussians } from "../train/random.ts";
import type { HeadSpec } from "./types.ts";

/**
 * Names and shapes of a head's weights, as checkpoints have them behind `classifier.`: Hugging Face's of
 * `cls` and `token`; `mean` is called as `token` is, and `mlp` as torch calls a list of layers.
 */
export function headShapes({ kind, width, outputs }: HeadSpec): Map<string, readonly number[]> {
  const linear = (name: string, out: number, from: number): [string, readonly number[]][] => [
    [`classifier${name}.weight`, [out, from]],
    [`classifier${name}.bias`, [out]],
  ];
  const half = Math.max(1, Math.floor(width / 2));
  return new Map(
    {
      cls: [...linear(".dense", width, width), ...linear(".out_proj", outputs, width)],
      mean: linear("", outputs, width),
      token: linear("", outputs, width),
      attention: [...linear(".score", 1, width), ...linear(".out", outputs, width)],
      mlp: [...linear(".0", half, width), ...linear(".3", outputs, half)],
    }[kind],
  );
}

/** The last layer of a head, whose outputs are the logits. */
export const lastLayer = ({ kind }: Pick<HeadSpec, "kind">): string =>
  `classifier${{ cls: ".out_proj", mean: "", token: "", attention: ".out", mlp: ".3" }[kind]}`;

/** Stream of random numbers. */
const HEAD_WEIGHTS = 111;

/**
 * Weights before any training: normal numbers, of the last layer of deviation 0.02 as Hugging Face's, of
 * others 1 ÷ √inputs; biases 0.
 */
export function initialHead(spec: HeadSpec, seed: number): Record<string, Float32Array> {
  const weights: Record<string, Float32Array> = {};
  let stream = HEAD_WEIGHTS;
  for (const [name, shape] of headShapes(spec)) {
    const array = weights[name] = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) continue;
    gaussians(array, seed, stream++);
    const scale = name.startsWith(`${lastLayer(spec)}.`) ? 0.02 : 1 / Math.sqrt(shape[1]);
    for (let i = 0; i < array.length; i++) array[i] *= scale;
  }
  return weights;
}

/** A score that no other can lose to. */
const HIDDEN_SCORE = -1e30;

/** Whether rows of the states are picked; otherwise all of a protein are pooled. */
const isPicking = ({ kind, per }: Pick<HeadSpec, "kind" | "per">) =>
  kind === "cls" || per === "residue";

/** Where states become rows that the layers read. */
export type Pooling = "states" | "rows";

/**
 * x f32[N, D] → logits f32[R, outputs].
 *
 * Rows are picked by number (`rows`), averaged (`pool` f32[R, N], the weight of each state), or weighed by
 * a softmax of scores (`hidden` f32[R, N], 0 for a protein's own residues and very low elsewhere). Batches
 * of proteins side by side need nothing else, whatever their lengths.
 *
 * @param from `rows` if x has been pooled before
 */
export function headGraph(spec: HeadSpec, from: Pooling): Graph {
  const g = new Graph("head"), { width } = spec, shapes = headShapes(spec);
  const weight = (name: string) => g.input(name, "float32", shapes.get(name)!);
  const linear = (x: Value, name: string) =>
    op.gemm(g, x, weight(`${name}.weight`), weight(`${name}.bias`), name);
  const x = g.input("x", "float32", ["N", width]);
  const y = from === "rows" ? x : pooled(g, x, spec, linear);
  const layers: Record<HeadSpec["kind"], () => Value> = {
    cls: () => op.tanh(g, linear(y, "classifier.dense")),
    mean: () => y,
    token: () => y,
    attention: () => y,
    mlp: () => op.relu(g, linear(y, "classifier.0")),
  };
  g.output("logits", linear(layers[spec.kind](), lastLayer(spec)));
  return g;
}

/** x f32[N, D] → rows f32[R, D] that the layers read, of heads whose pooling learns nothing. */
export function poolGraph(spec: HeadSpec): Graph {
  const g = new Graph("pool"), x = g.input("x", "float32", ["N", spec.width]);
  g.output("pooled", pooled(g, x, spec));
  return g;
}

function pooled(
  g: Graph,
  x: Value,
  spec: HeadSpec,
  linear?: (x: Value, name: string) => Value,
): Value {
  if (isPicking(spec)) return op.gatherRows(g, x, g.input("rows", "float32", ["R"]));
  if (spec.kind !== "attention") {
    return op.matmul(g, g.input("pool", "float32", ["R", "N"]), x, "pool");
  }
  const scores = op.transpose(g, linear!(x, "classifier.score"), [1, 0], "scores");
  const own = op.add(g, scores, g.input("hidden", "float32", ["R", "N"]), "own");
  return op.matmul(g, op.softmax(g, own, "shares"), x, "pool");
}

/** What the graph reads beside states and weights, of a batch. */
interface RowInput {
  readonly name: "rows" | "pool" | "hidden";
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The rows of a batch, or how its states become rows. @param residues rows of [B·T] of residues' heads */
function rowInput(
  spec: HeadSpec,
  { size, width, lengths }: TokenBatch,
  residues: readonly number[] | undefined,
): RowInput {
  if (isPicking(spec)) {
    const rows = residues ?? Array.from({ length: size }, (_, b) => b * width);
    return { name: "rows", shape: [rows.length], data: Float32Array.from(rows) };
  }
  const all = size * width, isScored = spec.kind === "attention";
  const data = new Float32Array(size * all).fill(isScored ? HIDDEN_SCORE : 0);
  for (let b = 0; b < size; b++) {
    // Residues only, without <cls> and <eos>.
    const begin = b * all + b * width + 1, count = lengths[b] - 2;
    data.fill(isScored ? 0 : 1 / count, begin, begin + count);
  }
  return { name: isScored ? "hidden" : "pool", shape: [size, all], data };
}

/** What a head reads: states of a batch, or rows that have been pooled before. */
export interface HeadInput {
  /** f32[B·T, D] of a batch, or f32[R, D]. */
  readonly x: Tensor;
  /** Of states: what they are of, and of residues' heads the rows of [B·T] that are read. */
  readonly states?: { readonly batch: TokenBatch; readonly residues?: readonly number[] };
}

/** Runs a head and differentiates it, on the backend where the states are. */
export class HeadRunner implements AsyncDisposable {
  readonly #programs: ProgramCache;

  constructor(readonly spec: HeadSpec, readonly backend: Backend) {
    this.#programs = new ProgramCache(backend);
  }

  /** Logits f32[R, outputs], the caller's. @param weights by name; stay the caller's */
  async run(input: HeadInput, weights: Readonly<Record<string, Tensor>>): Promise<Tensor> {
    using rows = this.#rows(input);
    const program = await this.#programs.get(headGraph, this.spec, this.#pooling(input));
    const { logits } = await program.run({ ...weights, ...rows.tensors, x: input.x }, {
      logits: [rows.count, this.spec.outputs],
    });
    return logits;
  }

  /** Rows f32[R, D] that the layers read, of a head that is not `attention`; the caller's. */
  async pool(input: HeadInput): Promise<Tensor> {
    using rows = this.#rows(input);
    const program = await this.#programs.get(poolGraph, this.spec);
    const shapes = { pooled: [rows.count, this.spec.width] };
    return (await program.run({ ...rows.tensors, x: input.x }, shapes)).pooled;
  }

  /**
   * From dS/d(logits) f32[R, outputs] to dS/dw of every weight, and dS/dx where that is wanted; the
   * caller's.
   */
  async backward(
    input: HeadInput,
    weights: Readonly<Record<string, Tensor>>,
    cotangent: Tensor,
    wantsStates: boolean,
  ): Promise<Record<string, Tensor>> {
    using rows = this.#rows(input);
    const wrt = [...headShapes(this.spec).keys(), ...(wantsStates ? ["x"] : [])];
    const program = await this.#programs.vjp(
      headGraph,
      [this.spec, this.#pooling(input)],
      ["logits"],
      wrt,
    );
    return await program.gradients({
      ...{ ...weights, ...rows.tensors, x: input.x },
      [cotangentOf("logits")]: cotangent,
    }, wrt);
  }

  #pooling = ({ states }: HeadInput): Pooling => states ? "states" : "rows";

  #rows({ x, states }: HeadInput) {
    if (!states) return { count: x.shape[0], tensors: {}, [Symbol.dispose]() {} };
    const { name, shape, data } = rowInput(this.spec, states.batch, states.residues);
    const tensor = this.backend.upload(name, shape, data);
    return {
      count: shape[0],
      tensors: { [name]: tensor },
      [Symbol.dispose]: () => tensor[Symbol.dispose](),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs[Symbol.asyncDispose]();
  }
}
