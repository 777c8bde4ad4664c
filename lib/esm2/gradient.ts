/** Gradients of a scalar of the logits with respect to the residual stream between blocks. */
import type { Tensor } from "../backend/types.ts";
import { TOKENS } from "./alphabet.ts";
import { type Engine, Pass } from "./pass.ts";
import type { TokenBatch } from "./tokenize.ts";

/** What is differentiated, and from where. */
export interface GradientOptions {
  /** Starts after `depth` blocks from this f32[B·T, D] instead of the embedding; stays the caller's. */
  from?: { depth: number; hidden: Tensor };
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
   */
  wrt: number | readonly number[];
  /** Whether to keep the residual stream at the depths of `wrt` too. @default false */
  keepHidden?: boolean;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What {@link Esm2.gradient} gives; disposing it frees its tensors. */
export interface GradientResult extends Disposable {
  /** f32[R, 33] */
  readonly logits: Tensor;
  /** dS/d(residual stream) f32[B·T, D] by depth; rows of `<pad>` are zero if `rows` has none. */
  readonly gradients: ReadonlyMap<number, Tensor>;
  /** f32[B·T, D] by depth with `keepHidden`, else empty; the caller's own tensor where it gave one. */
  readonly hidden: ReadonlyMap<number, Tensor>;
}

/** Forward keeping the blocks' inputs, then block by block backward. */
export async function computeGradient(
  engine: Engine,
  batch: TokenBatch,
  { from, rows, cotangent, wrt, keepHidden = false, signal }: GradientOptions,
): Promise<GradientResult> {
  const { config: { layers, dModel } } = engine;
  const depths = new Set(typeof wrt === "number" ? [wrt] : wrt);
  const start = from?.depth ?? 0;
  checkDepths(depths, start, layers);
  checkShape("hidden state", from?.hidden, [batch.size * batch.width, dModel]);
  const lowest = Math.min(...depths);

  using owned = new DisposableStack();
  using pass = new Pass(engine, batch);
  /** The residual stream by depth, as far as it is still needed. */
  const hidden = new Held(from ? [from.hidden] : []);
  const gradients = new Held([]);
  owned.use(hidden);
  owned.use(gradients);
  const isWanted = (depth: number) => depths.has(depth);
  const isKept = (depth: number) => keepHidden && isWanted(depth);

  hidden.set(start, from?.hidden ?? pass.embed());
  for (let depth = start; depth < layers; depth++) {
    signal?.throwIfAborted();
    hidden.set(depth + 1, await pass.block(depth, hidden.get(depth)));
    if (depth < lowest) hidden.free(depth);
  }
  const head = await pass.head(hidden.get(layers), rows);
  head.normalised[Symbol.dispose]();
  const logits = owned.use(head.logits);
  gradients.set(layers, await headGradient(pass, hidden.get(layers), rows, logits, cotangent));
  if (!isKept(layers)) hidden.free(layers);
  for (let depth = layers; depth-- > lowest;) {
    signal?.throwIfAborted();
    const after = gradients.get(depth + 1);
    gradients.set(depth, await pass.blockBackward(depth, hidden.get(depth), after));
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

async function headGradient(
  pass: Pass,
  hidden: Tensor,
  rows: ArrayLike<number> | undefined,
  logits: Tensor,
  cotangent: GradientOptions["cotangent"],
): Promise<Tensor> {
  using owned = new DisposableStack();
  const made = typeof cotangent === "function" ? owned.use(await cotangent(logits)) : cotangent;
  checkShape("cotangent of the logits", made, [logits.shape[0], TOKENS.length]);
  return await pass.headBackward(hidden, rows, made);
}

/** Tensors by depth, freed together; those of the caller are not. */
class Held implements Disposable {
  readonly tensors = new Map<number, Tensor>();

  constructor(readonly callers: readonly Tensor[]) {}

  get(depth: number): Tensor {
    return this.tensors.get(depth)!;
  }

  set(depth: number, tensor: Tensor): void {
    this.tensors.set(depth, tensor);
  }

  free(depth: number): void {
    const tensor = this.get(depth);
    if (!this.callers.includes(tensor)) tensor[Symbol.dispose]();
    this.tensors.delete(depth);
  }

  [Symbol.dispose](): void {
    for (const depth of [...this.tensors.keys()]) this.free(depth);
  }
}

function checkDepths(depths: ReadonlySet<number>, start: number, layers: number): void {
  const wrong = [...depths].find((d) => !Number.isInteger(d) || d < start || d > layers);
  if (wrong !== undefined || depths.size === 0) {
    throw new RangeError(
      `Cannot differentiate as depths must be whole numbers in ${start}..${layers}: ` +
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
