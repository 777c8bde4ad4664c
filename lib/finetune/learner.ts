/** What is trained: a head alone, or a model with it; gradients of examples, and what it says of them. */
import type { Backend, Tensor } from "../backend/types.ts";
import { type Esm2, type PlannedBatch } from "../esm2/mod.ts";
import type { Parameters } from "../train/parameters.ts";
import { labelledResidues } from "./data.ts";
import { type HeadInput, HeadRunner, headShapes } from "./head.ts";
import { lossInPlace, type LossSpec } from "./loss.ts";
import type { Example, HeadSpec } from "./types.ts";

/** Something that learns from batches of examples. */
export interface Learner extends AsyncDisposable {
  /** What is trained, the head's weights among them. */
  readonly parameters: Parameters;
  /** Adds the gradient of scale · Σ loss over the rows of a batch, and gives Σ loss. */
  learn(asked: Asked, scale: number): Promise<number>;
  /** Logits f32[R, outputs] of the rows of a batch. */
  logits(asked: Asked): Promise<Float32Array>;
}

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

/** What a batch of examples asks. @param numbers of the sequences that the batch was planned of */
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

/** A head whose weights are trained. */
class TrainedHead implements AsyncDisposable {
  readonly runner: HeadRunner;
  readonly #names: readonly string[];

  constructor(
    readonly spec: HeadSpec,
    readonly loss: LossSpec,
    readonly backend: Backend,
    readonly parameters: Parameters,
  ) {
    this.runner = new HeadRunner(spec, backend);
    this.#names = [...headShapes(spec).keys()];
  }

  weights(): Record<string, Tensor> {
    return Object.fromEntries(this.#names.map((name) => [name, this.parameters.tensor(name)]));
  }

  async logits(input: HeadInput): Promise<Float32Array> {
    using logits = await this.runner.run(input, this.weights());
    return await logits.read();
  }

  /** Adds the head's gradient; gives Σ loss and, where it is wanted, dS/dx. */
  async learn(
    input: HeadInput,
    targets: Float64Array,
    scale: number,
    wantsStates: boolean,
  ): Promise<{ loss: number; x?: Tensor }> {
    const slopes = await this.logits(input), { outputs } = this.spec;
    const loss = lossInPlace(this.loss, slopes, targets, scale);
    using cotangent = this.backend.upload("slopes", [slopes.length / outputs, outputs], slopes);
    const found = await this.runner.backward(input, this.weights(), cotangent, wantsStates);
    const { x, ...gradients } = found;
    this.parameters.add(gradients);
    for (const tensor of Object.values(gradients)) tensor[Symbol.dispose]();
    return { loss, x };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
  }
}

/** What a learner is made of. */
export interface LearnerParts {
  readonly esm: Esm2;
  readonly spec: HeadSpec;
  readonly loss: LossSpec;
  readonly parameters: Parameters;
}

/** Which weights of the model are trained, and how their gradients are called among the parameters. */
export interface TrainedWeights {
  readonly wants: NonNullable<Parameters0["weights"]>;
}
type Parameters0 = Pick<import("../esm2/mod.ts").StateGradientOptions, "weights">;
