/** Gradients of a scalar of the logits with respect to the residual stream between blocks. */
import type { Tensor } from "../backend/types.ts";
import { TOKENS } from "./alphabet.ts";
import type { AdapterDropout } from "./adapter_weights.ts";
import type { AdapterWeight, BlockLinear, HeadLinear } from "./adapters.ts";
import type { BlockWeight } from "./block.ts";
import type { HeadWeight } from "./head.ts";
import type { HeadRunner } from "./head_runner.ts";
import { type Engine, Pass } from "./pass.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { StreamPlace } from "./visitor.ts";

/** What is differentiated, and from where. */
export interface GradientOptions {
  /**
   * Starts after `depth` blocks, or (`last`) after the final LayerNorm, from this f32[B·T, D] instead of
   * the embedding; stays the caller's.
   */
  from?: { depth: StreamPlace; hidden: Tensor };
  /** Rows of [B·T, D] whose logits the scalar S is made of, repetition allowed. @default all */
  rows?: ArrayLike<number>;
  /**
   * dS/d(logits) f32[R, 33] of the R rows; or what makes it of the logits. A given tensor stays the
   * caller's; what the function makes is disposed of, and the logits are the result's. The function
   * must not wait for another run of this model, which is queued behind this one.
   */
  cotangent: Tensor | ((logits: Tensor) => Tensor | Promise<Tensor>);
  /**
   * Where gradients are wanted: numbers of blocks that have run, from `from.depth` or 0 (the embedding)
   * to `layers` (before the final LayerNorm). They are total derivatives: all that follows is recomputed.
   * `last`, and nothing else, where the run starts there.
   */
  wrt: StreamPlace | readonly StreamPlace[];
  /** Gradients of weights too, with the block's pass on the way down. */
  weights?: WeightGradients;
  /** What adapters do not read, in training; it is asked on both ways. @default they read all */
  dropout?: AdapterDropout;
  /** Whether to keep the residual stream at the depths of `wrt` too. @default false */
  keepHidden?: boolean;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Which gradients of weights are wanted, and who sees them. */
export interface WeightGradients {
  /**
   * Names of weights as fair-esm has them: of a block without `layers.i.`, of the head whole; and of
   * adapters (`self_attn.q_proj.lora_A`), where the weights have any.
   */
  wants(layer: number): readonly (BlockWeight | AdapterWeight<BlockLinear>)[];
  /** The same of the head; `lm_head.weight` is the decoder's part of the tied embedding. */
  wantsHead?(): readonly (HeadWeight | AdapterWeight<HeadLinear>)[];
  /** Sees those of the head, then of each block from the last; valid until it returns. */
  visit(
    layer: number | "head",
    gradients: Readonly<Record<string, Tensor>>,
  ): void | Promise<void>;
}

/** What {@link Esm2.gradient} gives; disposing it frees its tensors. */
export interface GradientResult extends Disposable {
  /** f32[R, 33] */
  readonly logits: Tensor;
  /** dS/d(residual stream) f32[B·T, D] by depth; rows of `<pad>` are zero if `rows` has none. */
  readonly gradients: ReadonlyMap<StreamPlace, Tensor>;
  /** f32[B·T, D] by depth with `keepHidden`, else empty; the caller's own tensor where it gave one. */
  readonly hidden: ReadonlyMap<StreamPlace, Tensor>;
}

/** Forward keeping the blocks' inputs, then block by block backward. */
export async function computeGradient(
  engine: Engine,
  runner: HeadRunner,
  batch: TokenBatch,
  { from, rows, cotangent, wrt, weights, dropout, keepHidden = false, signal }: GradientOptions,
): Promise<GradientResult> {
  const { config: { layers, dModel } } = engine;
  const depths = new Set(typeof wrt === "object" ? wrt : [wrt]);
  const start = from?.depth ?? 0, normalised = start === "last";
  /** Where the head reads; behind the final LayerNorm no block is left. */
  const end = normalised ? start : layers;
  const firstBlock = normalised ? layers : start;
  const trained = Array.from({ length: layers }, (_, layer) => weights?.wants(layer) ?? []);
  const trainedHead = weights?.wantsHead?.() ?? [];
  const lowestTrained = trained.findIndex((names, layer) =>
    layer >= firstBlock && names.length > 0
  );
  checkDepths(depths, start, layers, lowestTrained >= 0 || trainedHead.length > 0);
  checkShape("hidden state", from?.hidden, [batch.size * batch.width, dModel]);
  const lowest = Math.min(
    lowestTrained < 0 ? layers : lowestTrained,
    ...[...depths].filter((place) => typeof place === "number"),
  );

  using owned = new DisposableStack();
  using pass = new Pass(engine, batch, dropout);
  /** The residual stream by depth, as far as it is still needed. */
  const hidden = new Held(from ? [from.hidden] : []);
  const gradients = new Held([]);
  owned.use(hidden);
  owned.use(gradients);
  const isWanted = (depth: StreamPlace) => depths.has(depth);
  const isKept = (depth: StreamPlace) => keepHidden && isWanted(depth);

  hidden.set(start, from?.hidden ?? pass.embed());
  const show = async (layer: number | "head", found: Readonly<Record<string, Tensor>>) => {
    using shown = new DisposableStack();
    Object.values(found).forEach((tensor) => shown.use(tensor));
    if (Object.keys(found).length > 0) await weights!.visit(layer, found);
  };
  for (let depth = firstBlock; depth < layers; depth++) {
    signal?.throwIfAborted();
    hidden.set(depth + 1, await pass.block(depth, hidden.get(depth)));
    if (depth < lowest) hidden.free(depth);
  }
  const head = await runner.run(hidden.get(end), { rows, normalised, dropout });
  head.normalised?.[Symbol.dispose]();
  const logits = owned.use(head.logits);
  {
    using own = new DisposableStack();
    const made = typeof cotangent === "function" ? own.use(await cotangent(logits)) : cotangent;
    checkShape("cotangent of the logits", made, [logits.shape[0], TOKENS.length]);
    const read = { rows, normalised, dropout };
    const { x, ...found } = await runner.backward(hidden.get(end), read, made, [
      ...(isWanted(end) || lowest < layers ? ["x" as const] : []),
      ...trainedHead,
    ]);
    if (x) gradients.set(end, x);
    await show("head", found);
  }
  if (!isKept(end)) hidden.free(end);
  for (let depth = layers; depth-- > lowest;) {
    signal?.throwIfAborted();
    const after = gradients.get(depth + 1);
    const { x, ...found } = await pass.blockBackward(depth, hidden.get(depth), after, [
      ...(isWanted(depth) || lowest < depth ? ["x" as const] : []),
      ...trained[depth],
    ]);
    if (x) gradients.set(depth, x);
    await show(depth, found);
    if (!isWanted(depth + 1)) gradients.free(depth + 1);
    if (!isKept(depth)) hidden.free(depth);
  }
  const result = owned.move();
  return {
    logits,
    gradients: gradients.tensors,
    hidden: hidden.tensors,
    [Symbol.dispose]: () => result.dispose(),
  };
}

/** Tensors by depth, freed together; those of the caller are not. */
class Held implements Disposable {
  readonly tensors = new Map<StreamPlace, Tensor>();

  constructor(readonly callers: readonly Tensor[]) {}

  get(depth: StreamPlace): Tensor {
    return this.tensors.get(depth)!;
  }

  set(depth: StreamPlace, tensor: Tensor): void {
    this.tensors.set(depth, tensor);
  }

  free(depth: StreamPlace): void {
    const tensor = this.get(depth);
    if (!this.callers.includes(tensor)) tensor[Symbol.dispose]();
    this.tensors.delete(depth);
  }

  [Symbol.dispose](): void {
    for (const depth of [...this.tensors.keys()]) this.free(depth);
  }
}

function checkDepths(
  depths: ReadonlySet<StreamPlace>,
  start: StreamPlace,
  layers: number,
  mayBeNone: boolean,
): void {
  const fits = (place: StreamPlace) =>
    typeof place === "string" || typeof start === "string"
      ? place === start
      : Number.isInteger(place) && place >= start && place <= layers;
  const wrong = [...depths].find((place) => !fits(place));
  if (wrong !== undefined || (depths.size === 0 && !mayBeNone)) {
    const allowed = start === "last" ? '"last"' : `whole numbers in ${start}..${layers}`;
    throw new RangeError(
      `Cannot differentiate as depths must be ${allowed}: ` +
        `current value is ${wrong ?? "none"}`,
    );
  }
}

function checkShape(what: string, tensor: Tensor | undefined, shape: readonly number[]): void {
  if (tensor && `${tensor.shape}` !== `${shape}`) {
    throw new RangeError(
      `Cannot differentiate as the ${what} must be [${shape}]: ` +
        `current shape is [${tensor.shape}]`,
    );
  }
}
