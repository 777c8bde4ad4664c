/** What is trained: a head alone, or a model with it; gradients of examples, and what it says of them. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2, PlannedBatch, WeightGradients } from "../esm2/mod.ts";
import { adapterDropout } from "../train/dropout.ts";
import type { Parameters } from "../train/parameters.ts";
import { labelledResidues } from "./data.ts";
import { type HeadInput, HeadRunner, headShapes } from "./head.ts";
import { lossInPlace, type LossSpec } from "./loss.ts";
import type { Example, HeadSpec } from "./types.ts";

/** A batch with what is asked of it. */
export interface Asked {
  readonly batch: PlannedBatch;
  /** Number of each sequence of the batch among all examples. */
  readonly numbers: readonly number[];
  /** Rows of [B·T] that are read, of heads of residues. */
  readonly residues?: readonly number[];
  /** Class or number of each row; of several classes at once 0 or 1 for each. */
  readonly targets: Float64Array;
}

/** What a batch of examples asks. @param planned numbers of the sequences that the batch was planned of */
export function askedOf(
  examples: readonly Example[],
  planned: readonly number[],
  batch: PlannedBatch,
  per: HeadSpec["per"],
): Asked {
  const numbers = batch.members.map((member) => planned[member]);
  if (per === "protein") {
    const targets = numbers.flatMap((number) => [...examples[number].targets]);
    return { batch, numbers, targets: Float64Array.from(targets) };
  }
  const residues: number[] = [], targets: number[] = [];
  numbers.forEach((number, b) => {
    for (const i of labelledResidues(examples[number])) {
      residues.push(b * batch.width + 1 + i);
      targets.push(examples[number].targets[i]);
    }
  });
  return { batch, numbers, residues, targets: Float64Array.from(targets) };
}

/** What a learner is made of; all of it stays the caller's. */
export interface LearnerParts {
  /** The model as it stands at every step. */
  readonly esm: Esm2;
  readonly spec: HeadSpec;
  readonly loss: LossSpec;
  /** What is trained, the head's weights among them. */
  readonly parameters: Parameters;
}

/** How a training is prepared. */
export interface PrepareOptions {
  /** Tokens that run together. */
  readonly tokenBudget: number;
  readonly signal?: AbortSignal;
  /** Hears how many examples are done. */
  onProgress?(examples: number): void;
}

/** Learns from batches of examples: with a model whose weights are trained too, or with one that stays. */
export abstract class Learner implements AsyncDisposable {
  readonly parameters: Parameters;
  protected readonly runner: HeadRunner;
  readonly #names: readonly string[];

  constructor(readonly parts: LearnerParts) {
    this.parameters = parts.parameters;
    this.runner = new HeadRunner(parts.spec, parts.esm.backend);
    this.#names = [...headShapes(parts.spec).keys()];
  }

  /**
   * Adds the gradient of scale · Σ loss over the rows of a batch, and gives Σ loss.
   *
   * @param draw which batch of the training, by which is drawn what is dropped
   */
  abstract learn(asked: Asked, scale: number, draw: number): Promise<number>;

  /** Computes what stays the same for the whole training. */
  prepare(_options: PrepareOptions): Promise<void> {
    return Promise.resolve();
  }

  /** What the head reads of a batch; the caller disposes of its tensor. */
  protected abstract input(asked: Asked): Promise<HeadInput>;

  /** Logits f32[R, outputs] of the rows of a batch. */
  async logits(asked: Asked): Promise<Float32Array> {
    const input = await this.input(asked);
    using _ = input.x;
    return await this.#logits(input);
  }

  protected get backend(): Backend {
    return this.parts.esm.backend;
  }

  async #logits(input: HeadInput): Promise<Float32Array> {
    using logits = await this.runner.run(input, this.#weights());
    return await logits.read();
  }

  #weights(): Record<string, Tensor> {
    return Object.fromEntries(this.#names.map((name) => [name, this.parameters.tensor(name)]));
  }

  /** Adds the head's gradient; gives Σ loss and, where it is wanted, dS/dx. */
  protected async learnHead(
    input: HeadInput,
    targets: Float64Array,
    scale: number,
    wantsStates: boolean,
  ): Promise<{ loss: number; x?: Tensor }> {
    const { loss: spec } = this.parts, slopes = await this.#logits(input);
    const loss = lossInPlace(spec, slopes, targets, scale);
    const shape = [slopes.length / spec.outputs, spec.outputs];
    using cotangent = this.backend.upload("slopes", shape, slopes);
    const { x, ...gradients } = await this.runner.backward(
      input,
      this.#weights(),
      cotangent,
      wantsStates,
    );
    await this.parameters.add(gradients);
    for (const tensor of Object.values(gradients)) tensor[Symbol.dispose]();
    return { loss, x };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
  }
}

/** States of a batch after the final LayerNorm, f32[B·T, D]; the caller's. */
export async function finalStates(
  esm: Esm2,
  batch: PlannedBatch,
  signal?: AbortSignal,
): Promise<Tensor> {
  using result = await esm.run(batch, { signal });
  return await esm.normalise(result.hidden);
}

/** What gradients are wanted of the model, by the names of the parameters. */
export interface TrainedWeights extends Omit<WeightGradients, "visit"> {
  /** Name among the parameters. @param layer as {@linkcode WeightGradients.visit} is given it */
  nameOf(layer: number | "head" | "embedding", name: string): string;
}

/** Trains weights of the model, or adapters beside them, with the head. */
export class ModelLearner extends Learner {
  /** @param dropped share of the numbers that adapters do not read */
  constructor(
    parts: LearnerParts,
    readonly trained: TrainedWeights,
    readonly dropped: { readonly share: number; readonly seed: number } = { share: 0, seed: 0 },
  ) {
    super(parts);
  }

  async learn(
    { batch, residues, targets }: Asked,
    scale: number,
    draw: number,
  ): Promise<number> {
    const { nameOf, ...wanted } = this.trained, { esm, parameters } = this.parts;
    const { share, seed } = this.dropped;
    let sum = 0;
    using _ = await esm.stateGradient(batch, {
      wrt: [],
      ...(share > 0 && { dropout: adapterDropout(share, seed, draw) }),
      cotangent: async (state) => {
        const input = { x: state, states: { batch, residues } };
        const { loss, x } = await this.learnHead(input, targets, scale, true);
        sum = loss;
        return x!;
      },
      weights: {
        ...wanted,
        async visit(layer, gradients) {
          await parameters.add(
            Object.fromEntries(
              Object.entries(gradients).map(([name, tensor]) => [nameOf(layer, name), tensor]),
            ),
          );
        },
      },
    });
    return sum;
  }

  protected async input({ batch, residues }: Asked): Promise<HeadInput> {
    return { x: await finalStates(this.parts.esm, batch), states: { batch, residues } };
  }
}

/** Bytes of states that are kept; more are computed anew at every step. */
const HELD_BYTES = 1 << 30;

/** Trains the head alone: what it reads of each example is computed once, where memory allows. */
export class FrozenLearner extends Learner {
  readonly #held: boolean;
  /** Rows f32[r, D] that the head reads of each example. */
  readonly #rows = new Map<number, Float32Array>();

  constructor(parts: LearnerParts, readonly examples: readonly Example[]) {
    super(parts);
    const { per, width, kind } = parts.spec;
    const rows = examples.reduce(
      (sum, example) => sum + (per === "protein" ? 1 : labelledResidues(example).length),
      0,
    );
    // Attention weighs residues anew whenever it has learnt: it reads all of them.
    this.#held = kind !== "attention" && 4 * width * rows <= HELD_BYTES;
  }

  /**
   * Of all examples, in batches that depend on nothing else: rounding differs between batches of another
   * size, and a training that is continued must find the same numbers.
   */
  override async prepare({ tokenBudget, signal, onProgress }: PrepareOptions): Promise<void> {
    if (!this.#held) return;
    const { esm, spec } = this.parts, numbers = [...this.examples.keys()];
    const rows = this.examples.map(({ ids }) => ids);
    for (const batch of esm.planBatches(rows, tokenBudget)) {
      signal?.throwIfAborted();
      await this.#read(askedOf(this.examples, numbers, batch, spec.per));
      onProgress?.(this.#rows.size);
    }
  }

  async learn(asked: Asked, scale: number): Promise<number> {
    const input = await this.input(asked);
    using _ = input.x;
    return (await this.learnHead(input, asked.targets, scale, false)).loss;
  }

  protected async input(asked: Asked): Promise<HeadInput> {
    const { batch, numbers, residues } = asked, { esm, spec } = this.parts;
    if (!this.#held) return { x: await finalStates(esm, batch), states: { batch, residues } };
    const parts = numbers.map((number) => this.#rows.get(number)!);
    const rows = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      rows.set(part, at);
      at += part.length;
    }
    return { x: this.backend.upload("rows", [rows.length / spec.width, spec.width], rows) };
  }

  async #read({ batch, numbers, residues }: Asked): Promise<void> {
    const { esm, spec: { width, per } } = this.parts;
    // Residues without any label leave nothing to be read.
    if (residues?.length === 0) {
      for (const number of numbers) this.#rows.set(number, new Float32Array());
      return;
    }
    using states = await finalStates(esm, batch);
    using pooled = await this.runner.pool({ x: states, states: { batch, residues } });
    const all = await pooled.read();
    let at = 0;
    numbers.forEach((number, b) => {
      const count = per === "protein"
        ? 1
        : residues!.filter((row) => Math.floor(row / batch.width) === b).length;
      this.#rows.set(number, all.slice(at * width, (at += count) * width));
    });
  }
}
