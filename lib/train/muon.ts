/**
 * The optimiser Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose matrix is
 * replaced by the nearest with singular values near 1, by five Newton–Schulz steps.
 */
import type { Backend, Program } from "../backend/types.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { type Arrays, zerosLike } from "./arrays.ts";
import type { Step } from "./adamw.ts";

/** Of x ↦ a x + b x³ + c x⁵, iterated on the singular values. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;
/** Keeps a matrix of zeros from being divided by nothing. */
const EPSILON = 1e-7;

export interface MuonOptions {
  /** Share of the momentum that stays in a step. @default 0.95 */
  momentum?: number;
  /** Share of a weight that decays, times the learning rate. @default 0 */
  decay?: number;
}

/** Shape of each matrix, [rows, columns]. */
export type MatrixShapes = ReadonlyMap<string, readonly number[]>;

/**
 * Moves matrices against gradients. Their products run on a backend; the memory is one array of each
 * matrix's size.
 *
 *   m ← μ m + g;  u = NS₅(g + μ m) · √max(1, rows ÷ columns);  w ← (1 − lr · decay) w − lr · u
 */
export class Muon implements AsyncDisposable {
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(
    readonly shapes: MatrixShapes,
    readonly backend: Backend,
    readonly options: MuonOptions = {},
  ) {}

  /** The memory before the first step. */
  init<A extends Arrays>(matrices: A): A {
    return zerosLike(matrices);
  }

  /** One step, in place. */
  async update(
    matrices: Readonly<Record<string, Float32Array>>,
    gradients: Readonly<Record<string, Float32Array>>,
    state: Readonly<Record<string, Float32Array>>,
    { learningRate }: Step,
  ): Promise<void> {
    const { momentum = 0.95, decay = 0 } = this.options;
    // A GPU answers reads that are asked for together in the time of one.
    await Promise.all(Object.entries(gradients).map(async ([name, g]) => {
      const [rows, columns] = this.shapes.get(name)!, m = state[name], w = matrices[name];
      const ahead = new Float32Array(g.length);
      let squares = 0;
      for (let i = 0; i < g.length; i++) {
        m[i] = momentum * m[i] + g[i];
        ahead[i] = g[i] + momentum * m[i];
        squares += ahead[i] * ahead[i];
      }
      const scale = 1 / (Math.sqrt(squares) + EPSILON);
      for (let i = 0; i < ahead.length; i++) ahead[i] *= scale;
      const turned = await this.#orthogonal(ahead, rows, columns);
      const kept = 1 - learningRate * decay;
      const size = learningRate * Math.sqrt(Math.max(1, rows / columns));
      for (let i = 0; i < w.length; i++) w[i] = kept * w[i] - size * turned[i];
    }));
  }

  async #orthogonal(values: Float32Array, rows: number, columns: number): Promise<Float32Array> {
    const key = `${rows},${columns}`;
    let program = this.#programs.get(key);
    if (!program) {
      program = this.backend.compile(newtonSchulzGraph(rows, columns));
      this.#programs.set(key, program);
    }
    using x = this.backend.upload("momentum", [rows, columns], values);
    const { turned } = await (await program).run({ x }, { turned: [rows, columns] });
    using _ = turned;
    return await turned.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await (await program)[Symbol.asyncDispose]();
  }
}

/** x f32[rows, columns] of norm 1 or less → turned; the smaller side is that of the square products. */
function newtonSchulzGraph(rows: number, columns: number): Graph {
  const g = new Graph("newton_schulz");
  const input = g.input("x", "float32", [rows, columns]), isTall = rows > columns;
  const flip = (value: Value) => op.transpose(g, value, [1, 0], "flip");
  const times = (value: Value, factor: number) => op.mul(g, value, g.scalar(factor), "times");
  let x = isTall ? flip(input) : input;
  for (let step = 0; step < STEPS; step++) {
    const gram = op.matmul(g, x, flip(x), "gram");
    const even = op.add(g, times(gram, B), times(op.matmul(g, gram, gram, "square"), C), "even");
    x = op.add(g, times(x, A), op.matmul(g, even, x, "odd"), "step");
  }
  g.output("turned", isTall ? flip(x) : x);
  return g;
}
