/** Opens what is to be trained in each mode. */
import type { Backend } from "../backend/types.ts";
import type { Checkpoint, EsmTensorName } from "../checkpoint/mod.ts";
import { BLOCK_WEIGHTS, Esm2 } from "../esm2/mod.ts";
import { NORM_WEIGHTS } from "../esm2/head.ts";
import { EMBEDDING, LiveWeights, UploadedWeights, weightShapes } from "../esm2/trainable.ts";
import { openParameters, type OptimiserSettings, type Parameters } from "../train/parameters.ts";
import type { Lesson } from "./data.ts";
import { headShapes, initialHead } from "./head.ts";
import { FrozenLearner, type Learner, ModelLearner, type TrainedWeights } from "./learner.ts";
import type { HeadSpec } from "./types.ts";

/** A learner and what it trains. */
export interface OpenedLearner extends AsyncDisposable {
  readonly learner: Learner;
  /** The model as it stands. */
  readonly esm: Esm2;
  readonly parameters: Parameters;
  /** Numbers that are trained. */
  readonly count: number;
}

/** What every mode needs. */
export interface OpenOptions {
  readonly checkpoint: Checkpoint;
  readonly backend: Backend;
  readonly spec: HeadSpec;
  readonly lesson: Lesson;
  readonly optimiser: OptimiserSettings;
  readonly seed: number;
}

const countOf = (shapes: ReadonlyMap<string, readonly number[]>): number =>
  shapes.values().reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** Trains the head alone. @param esm stays the caller's */
export async function openFrozen(
  { backend, spec, lesson, optimiser, seed }: OpenOptions,
  esm: Esm2,
): Promise<OpenedLearner> {
  await using stack = new AsyncDisposableStack();
  const shapes = headShapes(spec);
  const parameters = stack.use(
    await openParameters(backend, shapes, initialHead(spec, seed), optimiser),
  );
  const parts = { esm, spec, loss: lesson.loss, parameters };
  const learner = stack.use(new FrozenLearner(parts, lesson.examples));
  const own = stack.move();
  return {
    ...{ learner, esm, parameters, count: countOf(shapes) },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

/** Names of weights that logits of residues need and states do not. */
const isOfLanguageHead = (name: string) => name.startsWith("lm_head.");

/** All weights that the states depend on. */
const EVERYTHING: TrainedWeights = {
  wants: () => BLOCK_WEIGHTS,
  wantsHead: () => NORM_WEIGHTS,
  wantsEmbedding: () => true,
  nameOf: (layer, name) => typeof layer === "number" ? `layers.${layer}.${name}` : name,
};

/** Trains every weight of the model but its language-model head, which the states do not depend on. */
export async function openFull(
  { checkpoint, backend, spec, lesson, optimiser, seed }: OpenOptions,
): Promise<OpenedLearner> {
  await using stack = new AsyncDisposableStack();
  const { config } = checkpoint, shapes = new Map<string, readonly number[]>();
  const fixedShapes = new Map<string, readonly number[]>();
  const arrays: Record<string, Float32Array> = initialHead(spec, seed);
  for (const [name, shape] of weightShapes(config)) {
    if (!checkpoint.tensors.has(name)) continue;
    (isOfLanguageHead(name) ? fixedShapes : shapes).set(name, shape);
    arrays[name] = (await checkpoint.read(name)).slice();
  }
  for (const [name, shape] of headShapes(spec)) shapes.set(name, shape);
  const parameters = stack.use(await openParameters(backend, shapes, arrays, optimiser));
  const fixed = stack.use(new UploadedWeights(fixedShapes, arrays, backend));
  const source = new LiveWeights((name) =>
    shapes.has(name)
      ? parameters.tensor(name)
      : fixedShapes.has(name)
      ? fixed.tensor(name)
      : undefined
  );
  const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
  const esm = stack.use(Esm2.ofWeights(source, { config, backend, invFreq }));
  const learner = stack.use(
    new ModelLearner({ esm, spec, loss: lesson.loss, parameters }, EVERYTHING),
  );
  const own = stack.move();
  return {
    ...{ learner, esm, parameters, count: countOf(shapes) },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

/** What Muon moves: matrices between vectors of the stream, not the embedding and not the head. */
export const isInnerMatrix = (name: string, shape: readonly number[]): boolean =>
  shape.length === 2 && name !== EMBEDDING && !name.startsWith("classifier");

/** Whether a model can say hidden residues. */
export const saysResidues = ({ tensors }: Checkpoint): boolean =>
  tensors.has("lm_head.dense.weight" as EsmTensorName);
