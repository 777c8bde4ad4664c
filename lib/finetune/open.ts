/** Opens what is to be trained in each mode. */
import {
  type Adapter,
  adapterArrays,
  linearAdapters,
  type NewAdapter,
  newAdapter,
} from "../adapter/mod.ts";
import type { Backend } from "../backend/types.ts";
import type { Checkpoint, EsmTensorName } from "../checkpoint/mod.ts";
import { BLOCK_WEIGHTS, Esm2 } from "../esm2/mod.ts";
import { AdapterWeights } from "../esm2/adapter_weights.ts";
import type { AdapterWeight, BlockLinear } from "../esm2/adapters.ts";
import { NORM_WEIGHTS } from "../esm2/head.ts";
import {
  EMBEDDING,
  LiveWeights,
  readWeights,
  shapesIn,
  UploadedWeights,
} from "../esm2/trainable.ts";
import {
  countOf,
  openParameters,
  type OptimiserSettings,
  type Parameters,
} from "../train/parameters.ts";
import type { Lesson } from "./data.ts";
import type { WeightSource } from "../esm2/weights.ts";
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
  const own = shapesIn(checkpoint);
  for (const [name, shape] of own) {
    (isOfLanguageHead(name) ? fixedShapes : shapes).set(name, shape);
  }
  const arrays = { ...initialHead(spec, seed), ...await readWeights(checkpoint, own.keys()) };
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
  const kept = stack.move();
  return {
    ...{ learner, esm, parameters, count: countOf(shapes) },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** How an adapter is made. */
export type LoraOptions = Pick<
  NewAdapter,
  "rank" | "alpha" | "dropout" | "rslora" | "dora" | "targets" | "baseModel"
>;

/** A learner of an adapter. */
export interface OpenedLora extends OpenedLearner {
  /** As it was before training. */
  readonly adapter: Adapter;
}

/** Task and class of the model that an adapter with such a head is trained in, as PEFT calls them. */
const PEFT_KINDS = {
  cls: { kind: "sequence", task: "SEQ_CLS", modelClass: "EsmForSequenceClassification" },
  token: { kind: "token", task: "TOKEN_CLS", modelClass: "EsmForTokenClassification" },
  // Heads without a class there: an adapter of the model alone.
  other: { kind: "base", task: "FEATURE_EXTRACTION", modelClass: "EsmModel" },
} as const;

/**
 * Trains an adapter beside the weights of a model, and the head.
 *
 * @param esm the model, whose weights it reads; stays the caller's
 * @throws {UserError} if a target matches nothing
 */
export async function openLora(
  { checkpoint, backend, spec, lesson, optimiser, seed }: OpenOptions,
  esm: Esm2,
  lora: LoraOptions,
): Promise<OpenedLora> {
  await using stack = new AsyncDisposableStack();
  const { config } = checkpoint, head = initialHead(spec, seed);
  const peft = spec.kind === "cls" || spec.kind === "token"
    ? PEFT_KINDS[spec.kind]
    : PEFT_KINDS.other;
  const adapter = await newAdapter(checkpoint, { ...lora, ...peft, name: "adapter", seed });
  const arrays: Record<string, Float32Array> = { ...head }, shapes = headShapes(spec);
  const own = new Map<string, readonly number[]>();
  for (const [name, { shape, values }] of Object.entries(adapterArrays(adapter))) {
    own.set(name, shape);
    arrays[name] = values.slice();
  }
  const all = new Map([...own, ...shapes]);
  const parameters = stack.use(await openParameters(backend, all, arrays, optimiser));
  const source = new AdapterWeights(lent(esm.weights), {
    ...{ config, backend, linears: linearAdapters(adapter) },
    tensor: (name) => parameters.tensor(name),
  });
  const { invFreq, embedding } = esm;
  const tuned = stack.use(Esm2.ofWeights(source, { config, backend, invFreq, embedding }));
  const trained: TrainedWeights = {
    wants: (layer) => source.trained(layer) as AdapterWeight<BlockLinear>[],
    nameOf: (layer, name) => `layers.${layer}.${name}`,
  };
  const learner = stack.use(
    new ModelLearner({ esm: tuned, spec, loss: lesson.loss, parameters }, trained, {
      share: lora.dropout ?? 0,
      seed,
    }),
  );
  const kept = stack.move();
  return {
    ...{ learner, esm: tuned, parameters, adapter, count: countOf(all) },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Weights that stay another's. */
const lent = (weights: WeightSource): WeightSource => ({
  block: (layer) => weights.block(layer),
  head: () => weights.head(),
  [Symbol.dispose]() {},
});

/** What Muon moves: matrices between vectors of the stream, not the embedding and not the head. */
export const isInnerMatrix = (name: string, shape: readonly number[]): boolean =>
  shape.length === 2 && name !== EMBEDDING && !name.startsWith("classifier");

/** Whether a model can say hidden residues. */
export const saysResidues = ({ tensors }: Checkpoint): boolean =>
  tensors.has("lm_head.dense.weight" as EsmTensorName);
