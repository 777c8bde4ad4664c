import type { Backend, Program, Tensor } from "../backend/types.ts";
import { gradientOf, vjpGraph } from "../onnx/gradient.ts";
import type { Graph } from "../onnx/graph.ts";

/** A compiled graph that picks what it reads. */
export interface GraphProgram {
  /**
   * Runs once.
   *
   * @param values at least one tensor per graph input; those it has no input for are not fed, which
   *   would cost time on a GPU
   * @param outputs the shape of each graph output
   * @returns one tensor per output, owned by the caller
   */
  run(
    values: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>>;
}

/** A compiled vector–Jacobian product. */
export interface GradientProgram {
  /** Runs once. @returns dS/dw of each w of `wrt`, with which it was made; owned by the caller */
  gradients<W extends string>(
    values: Readonly<Record<string, Tensor>>,
    wrt: readonly W[],
  ): Promise<Record<W, Tensor>>;
}

/**
 * Batch sizes whose graphs are kept. A graph is compiled for each, and keeps the memory of its largest run:
 * 40 sizes of 66 tokens held 1.26 GB at 8M, at no gain.
 */
const MOST_SIZES = 3;

/** Compiled graphs by what they are made from; those of the batch sizes used last are kept. */
export class ProgramCache implements AsyncDisposable {
  readonly #compiled = new Map<string, { program: Promise<Compiled>; size: number }>();
  /** Least recently used first. */
  readonly #sizes = new Set<number>();
  /** Number of each function among the arguments. */
  readonly #functions = new Map<unknown, number>();
  #size = 0;
  #freed: Promise<unknown> = Promise.resolve();

  constructor(readonly backend: Backend, readonly most = MOST_SIZES) {}

  /** Programs compiled or being compiled. */
  get count(): number {
    return this.#compiled.size;
  }

  /** Says how many sequences the programs taken from now on are for; frees those of sizes long unused. */
  use(size: number): void {
    this.#size = size;
    this.#sizes.delete(size);
    this.#sizes.add(size);
    if (this.#sizes.size <= this.most) return;
    const [oldest] = this.#sizes;
    this.#sizes.delete(oldest);
    for (const [key, { size }] of this.#compiled) if (size === oldest) this.#free(key);
  }

  /**
   * The program of the graph that `build` makes of `args`, compiled the first time.
   *
   * Programs are told apart by all arguments: by their values, functions (which must be the same ones each
   * time) by identity, and what has a `key` by that.
   */
  get<A extends unknown[]>(build: (...args: A) => Graph, ...args: A): Promise<GraphProgram> {
    return this.#get(build, ...args);
  }

  #get<A extends unknown[]>(build: (...args: A) => Graph, ...args: A): Promise<Compiled> {
    const key = this.#keyOf([build, args]);
    const known = this.#compiled.get(key);
    if (known) {
      known.size = this.#size;
      return known.program;
    }
    const program = this.#compile(build(...args));
    this.#compiled.set(key, { program, size: this.#size });
    // A failed compilation is not remembered.
    program.catch(() => this.#compiled.delete(key));
    return program;
  }

  /** The program of the vector–Jacobian product of such a graph, see {@linkcode vjpGraph}. */
  vjp<A extends unknown[]>(
    build: (...args: A) => Graph,
    args: A,
    outputs: readonly string[],
    wrt: readonly string[],
    kept: readonly string[] = [],
  ): Promise<GradientProgram> {
    return this.#get(productOf<A>, build, args, outputs, wrt, kept);
  }

  #keyOf(args: unknown): string {
    return JSON.stringify(args, (_, value) => {
      if (typeof value !== "function") return value?.key ?? value;
      if (!this.#functions.has(value)) this.#functions.set(value, this.#functions.size);
      return `function ${this.#functions.get(value)}`;
    });
  }

  async #compile(graph: Graph): Promise<Compiled> {
    const names = graph.inputs.map((input) => input.name);
    return new Compiled(await this.backend.compile(graph), names);
  }

  #free(key: string): void {
    const { program } = this.#compiled.get(key)!;
    this.#compiled.delete(key);
    const freed = program.then((compiled) => compiled.program[Symbol.asyncDispose](), () => {});
    this.#freed = Promise.all([this.#freed, freed]);
    // Whoever disposes of the cache hears of it.
    this.#freed.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const key of [...this.#compiled.keys()]) this.#free(key);
    await this.#freed;
  }
}

const productOf = <A extends unknown[]>(
  build: (...args: A) => Graph,
  args: A,
  outputs: readonly string[],
  wrt: readonly string[],
  kept: readonly string[],
) => vjpGraph(build(...args), outputs, wrt, kept);

class Compiled implements GraphProgram, GradientProgram {
  constructor(readonly program: Program, readonly inputs: readonly string[]) {}

  run(
    values: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>> {
    const fed = Object.fromEntries(this.inputs.map((name) => [name, values[name]]));
    return this.program.run(fed, outputs);
  }

  async gradients<W extends string>(
    values: Readonly<Record<string, Tensor>>,
    wrt: readonly W[],
  ): Promise<Record<W, Tensor>> {
    const shapes = wrt.map((name) => [gradientOf(name), values[name].shape]);
    const found = await this.run(values, Object.fromEntries(shapes));
    return Object.fromEntries(wrt.map((name) => [name, found[gradientOf(name)]])) as Record<
      W,
      Tensor
    >;
  }
}
