/**
 * Gradients of a scalar of the logits, or of the final state, with respect to the residual stream between
 * blocks and to weights.
 */
import type { Tensor } from "../backend/types.ts";
import type { AdapterDropout } from "./adapter_weights.ts";
import type { AdapterWeight, BlockLinear, HeadLinear } from "./adapters.ts";
import type { BlockWeight } from "./block.ts";
import type { Inputs } from "./block_runner.ts";
import type { HeadWeight } from "./head.ts";
import type { HeadInput, HeadRunner } from "./head_runner.ts";
import { type Engine, Pass } from "./pass.ts";
import type { TokenBatch } from "./tokenize.ts";
import { EMBEDDING } from "./trainable.ts";
import type { StreamPlace } from "./visitor.ts";

/** Where a gradient starts, where it is wanted, and what is done on the way. */
export interface BackwardOptions<Start extends StreamPlace> {
  /**
   * Starts after `depth` blocks, or (`last`) after the final LayerNorm, from this f32[B·T, D] instead of
   * the embedding; stays the caller's.
   */
  from?: { depth: Start; hidden: Tensor };
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

/**
 * dS/d(what the scalar is made of); or what makes it of that. A given tensor stays the caller's; what the
 * function makes is disposed of. The function must not wait for another run of this model, which is
 * queued behind this one.
 */
export type CotangentSource = Tensor | ((made: Tensor) => Tensor | Promise<Tensor>);

/** What is differentiated, and from where. */
export interface GradientOptions extends BackwardOptions<StreamPlace> {
  /** Rows of [B·T, D] whose logits the scalar S is made of, repetition allowed. @default all */
  rows?: ArrayLike<number>;
  /** dS/d(logits) f32[R, 33] of the R rows; a function gets the logits, which are the result's. */
  cotangent: CotangentSource;
}

/** What is differentiated, of a scalar of the final state. */
export interface StateGradientOptions extends BackwardOptions<number> {
  /** dS/d(final state) f32[B·T, D]; a function gets that state, which is the result's. */
  cotangent: CotangentSource;
}

/** Which gradients of weights are wanted, and who sees them. */
export interface WeightGradients {
  /**
   * Names of weights as fair-esm has them: of a block without `layers.i.`, of the head whole; and of
   * adapters (`self_attn.q_proj.lora_A`), where the weights have any.
   */
  wants(layer: number): readonly (BlockWeight | AdapterWeight<BlockLinear>)[];
  /**
   * The same of the head; `lm_head.weight` is the decoder's part of the tied embedding. Of a scalar of the
   * final state: of the final LayerNorm.
   */
  wantsHead?(): readonly (HeadWeight | AdapterWeight<HeadLinear>)[];
  /**
   * Whether the embedding's gradient is wanted, of what was looked up: `<pad>`, and `<mask>` under token
   * dropout, have none.
   */
  wantsEmbedding?(): boolean;
  /**
   * Sees those of the head, then of each block from the last, then `embed_tokens.weight` of the embedding;
   * valid until it returns.
   */
  visit(
    layer: number | "head" | "embedding",
    gradients: Readonly<Record<string, Tensor>>,
  ): void | Promise<void>;
}

/** What a gradient leaves; disposing it frees its tensors. */
export interface BackwardResult extends Disposable {
  /** dS/d(residual stream) f32[B·T, D] by depth; rows of `<pad>` are zero if the scalar has none. */
  readonly gradients: ReadonlyMap<StreamPlace, Tensor>;
  /** f32[B·T, D] by depth with `keepHidden`, else empty; the caller's own tensor where it gave one. */
  readonly hidden: ReadonlyMap<StreamPlace, Tensor>;
}

/** What {@link Esm2.gradient} gives. */
export interface GradientResult extends BackwardResult {
  /** f32[R, 33] */
  readonly logits: Tensor;
}

/** What {@link Esm2.stateGradient} gives. */
export interface StateGradientResult extends BackwardResult {
  /** f32[B·T, D] after the final LayerNorm. */
  readonly state: Tensor;
}

/** What stands on the blocks: makes what the scalar is made of, and carries the gradient back. */
interface Top {
  run(hidden: Tensor): Promise<Tensor>;
  backward<W extends HeadInput>(
    hidden: Tensor,
    cotangent: Tensor,
    wrt: readonly W[],
  ): Promise<Record<W, Tensor>>;
  /** What it makes, in words. */
  readonly made: string;
}

/** Of a scalar of the logits. */
export async function computeGradient(
  engine: Engine,
  runner: HeadRunner,
  batch: TokenBatch,
  { rows, ...options }: GradientOptions,
): Promise<GradientResult> {
  const { dropout } = options;
  const head = { rows, normalised: options.from?.depth === "last", dropout };
  const { made: logits, ...result } = await backward(engine, batch, options, {
    made: "logits",
    async run(hidden) {
      const { logits, normalised } = await runner.run(hidden, head);
      normalised?.[Symbol.dispose]();
      return logits;
    },
    backward: (hidden, cotangent, wrt) => runner.backward(hidden, head, cotangent, wrt),
  });
  return { logits, ...result };
}

/** Of a scalar of the final state. */
export async function computeStateGradient(
  engine: Engine,
  runner: HeadRunner,
  batch: TokenBatch,
  options: StateGradientOptions,
): Promise<StateGradientResult> {
  const { made: state, ...result } = await backward(engine, batch, options, {
    made: "final state",
    run: (hidden) => runner.normalise(hidden),
    backward: (hidden, cotangent, wrt) => runner.normaliseBackward(hidden, cotangent, wrt),
  });
  return { state, ...result };
}

/** Forward keeping the blocks' inputs, and more where there is room, then block by block backward. */
async function backward(
  engine: Engine,
  batch: TokenBatch,
  { from, cotangent, wrt, weights, dropout, keepHidden = false, signal }:
    & BackwardOptions<StreamPlace>
    & { cotangent: CotangentSource },
  top: Top,
): Promise<BackwardResult & { readonly made: Tensor }> {
  const { config: { layers, dModel } } = engine;
  const depths = new Set(typeof wrt === "object" ? wrt : [wrt]);
  const start = from?.depth ?? 0, normalised = start === "last";
  /** Where the head reads; behind the final LayerNorm no block is left. */
  const end = normalised ? start : layers;
  const firstBlock = normalised ? layers : start;
  const trained = Array.from({ length: layers }, (_, layer) => weights?.wants(layer) ?? []);
  const trainedHead = weights?.wantsHead?.() ?? [];
  const looksUp = weights?.wantsEmbedding?.() ?? false;
  if (looksUp && from) {
    throw new RangeError(
      "Cannot differentiate the embedding as the run must start with it: it starts " +
        (normalised ? "after the final LayerNorm" : `after ${start} blocks`),
    );
  }
  const lowestTrained = trained.findIndex((names, layer) =>
    layer >= firstBlock && names.length > 0
  );
  const trains = lowestTrained >= 0 || trainedHead.length > 0 || looksUp;
  checkDepths(depths, start, layers, trains);
  checkShape("hidden state", from?.hidden, [batch.size * batch.width, dModel]);
  const lowest = Math.min(
    lowestTrained < 0 ? layers : lowestTrained,
    looksUp ? 0 : layers,
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
  /** Whether the gradient is needed there, wanted or on its way further down. */
  const isNeeded = (depth: StreamPlace) =>
    isWanted(depth) || typeof depth === "number" && (lowest < depth || looksUp);
  const isKept = (depth: StreamPlace) => keepHidden && isWanted(depth);

  hidden.set(start, from?.hidden ?? await pass.embed());
  const show = async (
    layer: number | "head" | "embedding",
    found: Readonly<Record<string, Tensor>>,
  ) => {
    using shown = new DisposableStack();
    Object.values(found).forEach((tensor) => shown.use(tensor));
    if (Object.keys(found).length > 0) await weights!.visit(layer, found);
  };
  /** What blocks have kept for the way down. */
  const kept = owned.use(new Kept());
  // Who trains matrices has memory of several times their size; adapters are for those who have not.
  const isMatrix = (name: string) => /(proj|fc\d)\.weight$/.test(name);
  const keeps = trained.some((names) => names.some(isMatrix));
  const firstKept = keeps ? Math.max(lowest, layers - pass.blocksKept) : layers;
  for (let depth = firstBlock; depth < layers; depth++) {
    signal?.throwIfAborted();
    if (depth >= firstKept) {
      const made = await pass.blockKeeping(depth, hidden.get(depth));
      kept.set(depth, made.kept);
      hidden.set(depth + 1, made.hidden);
      continue;
    }
    hidden.set(depth + 1, await pass.block(depth, hidden.get(depth)));
    if (depth < lowest) hidden.free(depth);
  }
  const made = owned.use(await top.run(hidden.get(end)));
  {
    using own = new DisposableStack();
    const slope = typeof cotangent === "function" ? own.use(await cotangent(made)) : cotangent;
    checkShape(`cotangent of the ${top.made}`, slope, made.shape);
    const { x, ...found } = await top.backward(hidden.get(end), slope, [
      ...(isNeeded(end) ? ["x" as const] : []),
      ...trainedHead,
    ]);
    if (x) gradients.set(end, x);
    await show("head", found);
  }
  if (!isKept(end)) hidden.free(end);
  for (let depth = layers; depth-- > lowest;) {
    signal?.throwIfAborted();
    const after = gradients.get(depth + 1);
    const wanted = [...(isNeeded(depth) ? ["x" as const] : []), ...trained[depth]];
    const { x, ...found } = await pass.blockBackward(
      ...[depth, hidden.get(depth), after, wanted, kept.get(depth)] as const,
    );
    kept.free(depth);
    if (x) gradients.set(depth, x);
    await show(depth, found);
    if (!isWanted(depth + 1)) gradients.free(depth + 1);
    if (!isKept(depth)) hidden.free(depth);
  }
  if (looksUp) {
    await show("embedding", { [EMBEDDING]: await pass.embedBackward(gradients.get(0)) });
    if (!isWanted(0)) gradients.free(0);
  }
  const result = owned.move();
  return {
    made,
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

/** What blocks have kept, by block. */
class Kept implements Disposable {
  readonly #blocks = new Map<number, Inputs>();

  get(layer: number): Inputs | undefined {
    return this.#blocks.get(layer);
  }

  set(layer: number, values: Inputs): void {
    this.#blocks.set(layer, values);
  }

  free(layer: number): void {
    for (const tensor of Object.values(this.#blocks.get(layer) ?? {})) tensor[Symbol.dispose]();
    this.#blocks.delete(layer);
  }

  [Symbol.dispose](): void {
    for (const layer of [...this.#blocks.keys()]) this.free(layer);
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
