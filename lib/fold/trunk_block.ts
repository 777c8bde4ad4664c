/** A block of ESMFold's trunk on states that stay where the backend has them, pairs in groups of rows. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { ProgramCache } from "../esm2/programs.ts";
import type { Graph } from "../onnx/graph.ts";
import type { ChunkPlan } from "./chunks.ts";
import type { FoldConfig } from "./config.ts";
import {
  addToPairsGraph,
  attendSequenceGraph,
  attendTriangleGraph,
  finishSequenceGraph,
  finishTriangleGraph,
  joinBiasGraph,
  multiplyTriangleGraph,
  projectSequenceGraph,
  projectToPairsGraph,
  projectTriangleGraph,
  residualMlpGraph,
  triangleBiasGraph,
  turnRowsGraph,
} from "./trunk_graphs.ts";

/** Weights of a block by their names within it. */
export type Weights = Readonly<Record<string, Tensor>>;

type Shape = readonly number[];

/** Tensors that are freed together; one that takes another's place frees it. */
export class Parts implements Disposable {
  readonly all: Tensor[] = [];

  /** As inputs `name0`, `name1` … of a graph. */
  named(name: string): Record<string, Tensor> {
    return Object.fromEntries(this.all.map((tensor, n) => [`${name}${n}`, tensor]));
  }

  set(n: number, tensor: Tensor): void {
    this.all[n]?.[Symbol.dispose]();
    this.all[n] = tensor;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.all.splice(0)) tensor[Symbol.dispose]();
  }
}

/** States of a protein on their way through the trunk. */
export class TrunkPass implements Disposable {
  /** f32[L, S] */
  readonly single = new Parts();
  /** f32[R·L, P] of each group of rows. */
  readonly pairs = new Parts();

  constructor(
    readonly programs: ProgramCache,
    readonly config: FoldConfig,
    readonly length: number,
    readonly chunks: ChunkPlan,
  ) {}

  /** Takes states to the backend. The arrays may be written to after. */
  upload(backend: Backend, single: Float32Array, pair: Float32Array): void {
    const { length, config } = this;
    this.single.set(0, backend.upload("single", [length, config.single], single.slice()));
    let begin = 0;
    for (const [n, shape] of this.#shapes.entries()) {
      const end = begin + shape[0] * shape[1];
      this.pairs.set(n, backend.upload(`pairs ${n}`, shape, pair.slice(begin, end)));
      begin = end;
    }
  }

  /** The states as they are now. */
  async read(): Promise<{ single: Float32Array; pair: Float32Array }> {
    const { length, config } = this, pair = new Float32Array(length ** 2 * config.pair);
    let begin = 0;
    for (const part of this.pairs.all) {
      const values = part.peek() ?? await part.read();
      pair.set(values, begin);
      begin += values.length;
    }
    return { single: await this.single.all[0].read(), pair };
  }

  /** Runs a block. */
  async run(weights: Weights, signal?: AbortSignal): Promise<void> {
    await this.attendSequence(weights);
    await this.feedSequence(weights);
    await this.addToPairs(weights);
    for (const direction of ["out", "in"] as const) {
      signal?.throwIfAborted();
      await this.multiply(direction, weights);
    }
    for (const side of ["start", "end"] as const) {
      signal?.throwIfAborted();
      await this.attend(side, weights);
    }
    await this.feedPairs(weights);
  }

  /** Shapes of the groups of rows of pairs. */
  get #shapes(): readonly (readonly [number, number])[] {
    return this.chunks.rows.map((count) => [count * this.length, this.config.pair] as const);
  }

  /** Attention along the sequence. */
  async attendSequence(weights: Weights): Promise<void> {
    const { config, length, chunks: { rows } } = this, { single: width } = config;
    const s = this.single.all[0], all = [1, length, width];
    using owned = new DisposableStack();
    const mixed = owned.use(new Parts());
    const projected: Record<string, Tensor> = await this.#run(
      projectSequenceGraph,
      [config, rows],
      { ...weights, s },
      { ...numbered("q", rows.map((count) => [1, count, width])), k: all, v: all },
    );
    for (const tensor of Object.values(projected)) owned.use(tensor);
    const { k, v } = projected;
    for (const [n, count] of rows.entries()) {
      const own = await this.#run(attendSequenceGraph, [config, length, count], {
        ...weights,
        z: this.pairs.all[n],
        q: projected[`q${n}`],
        k,
        v,
      }, { mixed: [count, width] });
      mixed.set(n, own.mixed);
    }
    const { out } = await this.#run(finishSequenceGraph, [config, rows], {
      ...weights,
      s,
      ...mixed.named("mixed"),
    }, { out: [length, width] });
    this.single.set(0, out);
  }

  /** The MLP of the sequence's states. */
  async feedSequence(weights: Weights): Promise<void> {
    const { config, length } = this;
    const { out } = await this.#run(residualMlpGraph, [config, "mlp_seq", length], {
      ...weights,
      s: this.single.all[0],
    }, { out: [length, config.single] });
    this.single.set(0, out);
  }

  /** What the sequence's states give to pairs. */
  async addToPairs(weights: Weights): Promise<void> {
    const { config, length, chunks: { rows } } = this, half = config.pair / 2;
    using owned = new DisposableStack();
    const given: Record<string, Tensor> = await this.#run(projectToPairsGraph, [config, rows], {
      ...weights,
      s: this.single.all[0],
    }, { columns: [length, half], ...numbered("rows", rows.map((count) => [count, half])) });
    for (const tensor of Object.values(given)) owned.use(tensor);
    await this.#overRows(
      weights,
      addToPairsGraph,
      (_, n) => [config, length, rows[n]],
      (n) => ({ columns: given.columns, rows: given[`rows${n}`] }),
    );
  }

  /** The MLP of pairs. */
  async feedPairs(weights: Weights): Promise<void> {
    await this.#overRows(weights, residualMlpGraph, ([count]) => [this.config, "mlp_pair", count]);
  }

  /** A multiplication of triangles, of outgoing or of incoming edges. */
  async multiply(direction: "out" | "in", block: Weights): Promise<void> {
    const weights = within(block, `tri_mul_${direction}.`);
    const { config, length, chunks: { rows, channels } } = this;
    using owned = new DisposableStack();
    const products: Parts[] = [];
    for (const [begin, end] of channels) {
      const count = end - begin, p = owned.use(new Parts());
      using a = new Parts();
      using b = new Parts();
      for (const [n, [own]] of this.#shapes.entries()) {
        const factors = await this.#run(projectTriangleGraph, [config, own, [begin, end]], {
          ...weights,
          z: this.pairs.all[n],
        }, { a: [count, own], b: [count, own] });
        a.set(n, factors.a);
        b.set(n, factors.b);
      }
      const found = await this.#run(multiplyTriangleGraph, [direction, rows, count], {
        ...a.named("a"),
        ...b.named("b"),
      }, numbered("p", rows.map((own) => [count, own * length])));
      for (const n of rows.keys()) p.set(n, found[`p${n}`]);
      products.push(p);
    }
    const counts = channels.map(([begin, end]) => end - begin);
    await this.#overRows(
      weights,
      finishTriangleGraph,
      ([own]) => [config, own, counts],
      (n) => Object.fromEntries(products.map((p, group) => [`p${group}`, p.all[n]])),
    );
  }

  /** An attention of triangles, along rows from the start or along columns to the end. */
  async attend(side: "start" | "end", block: Weights): Promise<void> {
    if (side === "end") await this.#turn();
    await this.#attendRows(within(block, `tri_att_${side}.`));
    if (side === "end") await this.#turn();
  }

  async #attendRows(weights: Weights): Promise<void> {
    const { config, length, chunks: { rows } } = this, heads = config.pair / config.pairHeadWidth;
    using biases = new Parts();
    for (const [n, [count]] of this.#shapes.entries()) {
      const { bias } = await this.#run(triangleBiasGraph, [config, count], {
        ...weights,
        z: this.pairs.all[n],
      }, { bias: [heads, count] });
      biases.set(n, bias);
    }
    const { all: bias } = await this.#run(joinBiasGraph, [heads, rows], biases.named("bias"), {
      all: [1, heads, length, length],
    });
    using _ = bias;
    await this.#overRows(
      weights,
      attendTriangleGraph,
      (_, n) => [config, length, rows[n]],
      () => ({ bias }),
    );
  }

  /** Exchanges the map's first two axes. */
  async #turn(): Promise<void> {
    const { config: { pair }, chunks: { rows }, pairs } = this;
    using turned = new Parts();
    let first = 0;
    for (const [n, shape] of this.#shapes.entries()) {
      const args = [pair, rows, first, rows[n]] as const;
      const { out } = await this.#run(turnRowsGraph, [...args], pairs.named("z"), { out: shape });
      turned.set(n, out);
      first += rows[n];
    }
    for (const [n, tensor] of turned.all.splice(0).entries()) pairs.set(n, tensor);
  }

  /** Gives each group of rows new states: a step reads no other rows of the map than its own. */
  async #overRows<const A extends unknown[]>(
    weights: Weights,
    build: (...args: A) => Graph,
    argsOf: (shape: readonly [number, number], n: number) => A,
    inputsOf: (n: number) => Weights = () => ({}),
  ): Promise<void> {
    for (const [n, shape] of this.#shapes.entries()) {
      const { out } = await this.#run(build, argsOf(shape, n), {
        ...weights,
        ...inputsOf(n),
        z: this.pairs.all[n],
      }, { out: shape });
      this.pairs.set(n, out);
    }
  }

  async #run<A extends unknown[], O extends string>(
    build: (...args: A) => Graph,
    args: A,
    inputs: Weights,
    outputs: Readonly<Record<O, Shape>>,
  ): Promise<Record<O, Tensor>> {
    const program = await this.programs.get(build, ...args);
    return await program.run(inputs, outputs) as Record<O, Tensor>;
  }

  [Symbol.dispose](): void {
    this.single[Symbol.dispose]();
    this.pairs[Symbol.dispose]();
  }
}

/** Weights of a part of a block, by their names within it. */
const within = (weights: Weights, prefix: string): Weights =>
  Object.fromEntries(
    Object.entries(weights).filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

const numbered = (name: string, shapes: readonly Shape[]): Record<string, Shape> =>
  Object.fromEntries(shapes.map((shape, n) => [`${name}${n}`, shape]));
