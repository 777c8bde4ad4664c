/** Runs ESMFold's trunk block by block, pairs a few rows at a time. */
import type { Backend, Tensor } from "../backend/types.ts";
import { ProgramCache } from "../esm2/programs.ts";
import { evenGroups } from "../stats/even_groups.ts";
import type { ChunkPlan } from "./chunks.ts";
import type { FoldConfig } from "./config.ts";
import { TrunkPass } from "./trunk_block.ts";
import { affineGraph } from "./trunk_graphs.ts";

/** Weights of one block by their names within it, as tensors of a backend. */
export interface BlockWeights extends Disposable {
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Where blocks' weights come from. */
export interface TrunkWeights extends Disposable {
  block(index: number): Promise<BlockWeights>;
}

/** States of a protein: single f32[L, S] and pair f32[L, L, P]. */
export interface TrunkState {
  single: Float32Array;
  pair: Float32Array;
}

/** A trunk on a backend. */
export class Trunk implements AsyncDisposable {
  readonly #programs: ProgramCache;

  constructor(
    readonly config: FoldConfig,
    readonly backend: Backend,
    readonly weights: TrunkWeights,
  ) {
    this.#programs = new ProgramCache(backend);
  }

  /** Runs all blocks over a state, whose arrays are replaced. */
  async run(
    state: TrunkState,
    length: number,
    { chunks, signal, onBlock }: {
      chunks: ChunkPlan;
      signal?: AbortSignal;
      /** A block has run. @param read gives the states after it */
      onBlock?: (index: number, read: () => Promise<TrunkState>) => void | Promise<void>;
    },
  ): Promise<void> {
    this.#programs.use(length);
    using pass = new TrunkPass(this.#programs, this.config, length, chunks);
    pass.upload(this.backend, state.single, state.pair);
    // They would be there a second time.
    state.pair = new Float32Array(0);
    for (let index = 0; index < this.config.blocks; index++) {
      signal?.throwIfAborted();
      using weights = await this.weights.block(index);
      await pass.run(weights.tensors, signal);
      await onBlock?.(index, () => pass.read());
    }
    Object.assign(state, await pass.read());
  }

  /** x f32[N, in] → x Wᵀ + b, about so many rows at a time. */
  async affine(
    x: Float32Array,
    { weight, bias }: { weight: Float32Array; bias: Float32Array },
    most = x.length,
  ): Promise<Float32Array> {
    const outputs = bias.length, inputs = weight.length / outputs, count = x.length / inputs;
    const all = new Float32Array(count * outputs);
    using w = this.backend.upload("weight", [outputs, inputs], weight);
    using b = this.backend.upload("bias", [outputs], bias);
    for (const [begin, end] of evenGroups(count, Math.max(1, Math.round(count / most)))) {
      const rows = end - begin, own = x.subarray(begin * inputs, end * inputs);
      const program = await this.#programs.get(affineGraph, rows, inputs, outputs);
      using part = this.backend.upload("x", [rows, inputs], own);
      const { out } = await program.run({ x: part, weight: w, bias: b }, { out: [rows, outputs] });
      using _ = out;
      all.set(out.peek() ?? await out.read(), begin * outputs);
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs[Symbol.asyncDispose]();
    this.weights[Symbol.dispose]();
  }
}
