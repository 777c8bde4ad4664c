/**
 * The optimiser Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose matrix is
 * replaced by the nearest with singular values near 1, by five Newton–Schulz steps.
 */
import { muonMomentum, type MuonNumbers, muonNumbers, muonTurn } from "../../kernels/muon/mod.ts";
import type { Backend, Program, Tensor } from "../backend/types.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { type Arrays, zerosLike } from "./arrays.ts";
import type { Step } from "./adamw.ts";

/** Of x ↦ a x + b x³ + c x⁵, iterated on the singular values. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;
/** Keeps a matrix of zeros from being divided by nothing. */
const EPSILON = 1e-7;

/** Matrices of a shape are turned together, up to so many bytes. */
const BATCH_BYTES = 32 * 2 ** 20;

export interface MuonOptions {
  /** Share of the momentum that stays in a step. @default 0.95 */
  momentum?: number;
  /** Share of a weight that decays, times the learning rate. @default 0 */
  decay?: number;
}

/** Shape of each matrix, [rows, columns]. */
export type MatrixShapes = ReadonlyMap<string, readonly number[]>;

/** Matrices of one shape that are turned together. */
export interface MatrixGroup {
  readonly shape: readonly [rows: number, columns: number];
  readonly names: readonly string[];
}

/** Groups of matrices that fit the device together, in the order of their names. */
export function matrixGroups(shapes: MatrixShapes, mostBytes: number): MatrixGroup[] {
  const groups: { shape: readonly [number, number]; names: string[] }[] = [];
  for (const [name, [rows, columns]] of shapes) {
    const most = Math.max(1, Math.floor(Math.min(mostBytes, BATCH_BYTES) / (4 * rows * columns)));
    const isOpen = ({ shape, names }: MatrixGroup) =>
      shape[0] === rows && shape[1] === columns && names.length < most;
    const open = groups.find(isOpen);
    if (open) open.names.push(name);
    else groups.push({ shape: [rows, columns], names: [name] });
  }
  return groups;
}

/** The numbers of a step. */
export const numbersOf = (
  { momentum = 0.95, decay = 0 }: MuonOptions,
  rate: number,
  shape: readonly number[],
): MuonNumbers => muonNumbers({ momentum, decay }, rate, shape);

/** Turns matrices to the nearest with singular values near 1, on a backend. */
export class NewtonSchulz implements AsyncDisposable {
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(readonly backend: Backend) {}

  /** The program for so many matrices of a shape, compiled the first time. */
  async prepare(shape: readonly number[]): Promise<Program> {
    const key = shape.join();
    let program = this.#programs.get(key);
    if (!program) {
      const [count, rows, columns] = shape;
      program = this.backend.compile(newtonSchulzGraph(count, rows, columns));
      this.#programs.set(key, program);
    }
    return await program;
  }

  /** @param x f32[M, rows, columns], stays the caller's @returns the same shape, the caller's too */
  async turn(x: Tensor): Promise<Tensor> {
    const program = await this.prepare(x.shape);
    return (await program.run({ x }, { turned: x.shape })).turned;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await (await program)[Symbol.asyncDispose]();
  }
}

/**
 * Moves matrices against gradients. Their products run on a backend; the memory is one array of each
 * matrix's size.
 *
 *   m ← μ m + g;  u = NS₅(g + μ m) · √max(1, rows ÷ columns);  w ← (1 − lr · decay) w − lr · u
 */
export class Muon implements AsyncDisposable {
  readonly #newtonSchulz: NewtonSchulz;
  readonly #groups: readonly MatrixGroup[];

  constructor(
    readonly shapes: MatrixShapes,
    readonly backend: Backend,
    readonly options: MuonOptions = {},
  ) {
    this.#newtonSchulz = new NewtonSchulz(backend);
    this.#groups = matrixGroups(shapes, backend.tensorLimit.bytes);
  }

  /** The memory before the first step. */
  init<A extends Arrays>(matrices: A): A {
    return zerosLike(matrices);
  }

  /**
   * One step, in place. Matrices that have no gradient stay as they are.
   *
   * @param factor of the gradients, which are clipped by it
   */
  async update(
    matrices: Readonly<Record<string, Float32Array>>,
    gradients: Readonly<Record<string, Float32Array>>,
    state: Readonly<Record<string, Float32Array>>,
    { learningRate }: Step,
    factor = 1,
  ): Promise<void> {
    for (const { shape, names } of this.#groups) {
      const moved = names.filter((name) => gradients[name]), each = shape[0] * shape[1];
      if (moved.length === 0) continue;
      const numbers = numbersOf(this.options, learningRate, shape);
      // As many as the graph is for, the rest zeros: one graph serves every step.
      const ahead = new Float32Array(names.length * each);
      const partOf = (array: Float32Array, i: number) => array.subarray(i * each, (i + 1) * each);
      moved.forEach((name, i) =>
        muonMomentum(gradients[name], state[name], partOf(ahead, i), numbers, factor)
      );
      using x = this.backend.upload("momentum", [names.length, ...shape], ahead);
      using turned = await this.#newtonSchulz.turn(x);
      const values = turned.peek() ?? await turned.read();
      moved.forEach((name, i) => muonTurn(matrices[name], partOf(values, i), numbers));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#newtonSchulz[Symbol.asyncDispose]();
  }
}

/**
 * x f32[M, rows, columns] → turned, of each matrix over its length; the smaller side is that of the square
 * products.
 */
function newtonSchulzGraph(count: number, rows: number, columns: number): Graph {
  const g = new Graph("newton_schulz");
  const input = g.input("x", "float32", [count, rows, columns]), isTall = rows > columns;
  const flip = (value: Value) => op.transpose(g, value, [0, 2, 1], "flip");
  const times = (value: Value, factor: number) => op.mul(g, value, g.scalar(factor), "times");
  const length = op.sqrt(g, op.reduceSum(g, op.mul(g, input, input), [1, 2]), "length");
  const scale = op.reciprocal(g, op.add(g, length, g.scalar(EPSILON)));
  const scaled = op.mul(g, input, scale, "scaled");
  let x = isTall ? flip(scaled) : scaled;
  for (let step = 0; step < STEPS; step++) {
    const gram = op.matmul(g, x, flip(x), "gram");
    const even = op.add(g, times(gram, B), times(op.matmul(g, gram, gram, "square"), C), "even");
    x = op.add(g, times(x, A), op.matmul(g, even, x, "odd"), "step");
  }
  g.output("turned", isTall ? flip(x) : x);
  return g;
}
