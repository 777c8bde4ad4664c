/** The residual stream of sequences at any places of the model. */
import type { Tensor } from "../backend/types.ts";
import type { Esm2, RunResult } from "./model.ts";
import type { PlannedBatch } from "./plan.ts";
import type { TokenBatch } from "./tokenize.ts";
import type { StreamPlace, Visitor } from "./visitor.ts";

/** Goes along with one batch, and sees more of it than its stream. */
export interface BatchWatch extends AsyncDisposable {
  /** Sees attention on the way. */
  readonly visitor?: Pick<Visitor, "attention" | "wantsAttention" | "reduction">;
  /** Blocks that must run for it. @default as many as the places need */
  readonly depth?: number;
  /** Whether it wants logits. @default false */
  readonly logits?: boolean;
  /** Hears that the batch has run; logits f32[B·T, 33] are valid until it returns. */
  end?(result: { logits?: Tensor }): Promise<void>;
}

/** How a batch runs. */
export interface StreamOptions {
  /** Whether token dropout's factor scales the embeddings. @default as the model was opened */
  tokenDropout?: boolean;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** How sequences run. */
export interface VisitOptions extends StreamOptions {
  /** Tokens that run together, padding included. @default 1024 or, in parts, 2048 on the CPU, 8192 on a GPU */
  tokenBudget?: number;
  /** Hears after each batch how many tokens are done, without padding. */
  onProgress?(tokens: number): void;
  /** Is asked before each batch for what goes along with it. */
  watch?(batch: PlannedBatch): BatchWatch | Promise<BatchWatch>;
}

/** The stream of a batch at one place. */
export interface Stream<Batch extends TokenBatch = TokenBatch> {
  /** Which place. */
  readonly place: StreamPlace;
  /** f32[B·T, D]; valid until the visitor returns. Rows of `<pad>` hold values without meaning. */
  readonly hidden: Tensor;
  /** What ran. */
  readonly batch: Batch;
}

/**
 * Runs sequences to the deepest of some places and hands out the stream at each, batch by batch: places
 * of one batch in the model's order, sequences by length. Each sequence's values are its own, whatever
 * stands beside it, to the rounding of products of another size.
 *
 * @param rows token ids of each sequence; `batch.members` tells which of them a batch has
 */
export async function visitStreams(
  esm: Esm2,
  rows: readonly Int32Array[],
  places: readonly StreamPlace[],
  visit: (stream: Stream<PlannedBatch>) => void | Promise<void>,
  { tokenBudget, onProgress, watch, ...options }: VisitOptions = {},
): Promise<void> {
  let done = 0, ending = Promise.resolve();
  const end = async (
    batch: PlannedBatch,
    owned: AsyncDisposableStack,
    rest: () => Promise<void>,
  ) => {
    const before = ending;
    await using _ = owned;
    await before;
    await rest();
    done += batch.lengths.reduce((sum, length) => sum + length, 0);
    onProgress?.(done);
  };
  try {
    for (const batch of esm.planBatches(rows, tokenBudget)) {
      options.signal?.throwIfAborted();
      await using stack = new AsyncDisposableStack();
      const watching = await watch?.(batch);
      if (watching) stack.use(watching);
      const result = stack.use(await runBatch(esm, batch, places, visit, options, watching));
      const before = ending;
      ending = end(batch, stack.move(), async () => await watching?.end?.(result));
      ending.catch(() => {});
      // On a GPU what is read at the end comes while the next batch runs; ends follow one another.
      await (esm.backend.gpu ? before : ending);
    }
    await ending;
  } finally {
    await ending.catch(() => {});
  }
}

/** The same of one batch as it is. */
export async function visitBatch<Batch extends TokenBatch>(
  esm: Esm2,
  batch: Batch,
  places: readonly StreamPlace[],
  visit: (stream: Stream<Batch>) => void | Promise<void>,
  options: StreamOptions = {},
): Promise<void> {
  using _ = await runBatch(esm, batch, places, visit, options);
}

/** Runs a batch up to where its watch hears that it has run; gives what that is told. */
async function runBatch<Batch extends TokenBatch>(
  esm: Esm2,
  batch: Batch,
  places: readonly StreamPlace[],
  visit: (stream: Stream<Batch>) => void | Promise<void>,
  { tokenDropout, signal }: StreamOptions,
  watch?: BatchWatch,
): Promise<RunResult> {
  checkPlaces(places, esm.config.layers);
  const last = places.includes("last"), head = watch?.logits === true;
  using start = tokenDropout === undefined ? undefined : await esm.embed(batch, { tokenDropout });
  const depth = Math.max(0, ...places.filter((place) => place !== "last"));
  const isWhole = head || last;
  const result = await esm.run(batch, {
    ...(start && { from: { depth: 0, hidden: start } }),
    until: isWhole ? undefined : Math.max(watch?.depth ?? 0, depth),
    attentionLast: !isWhole && (watch?.depth ?? 0) > depth,
    head,
    signal,
    visitor: {
      ...watch?.visitor,
      wantsHidden: (depth) => places.includes(depth),
      async hidden({ depth, hidden }) {
        if (places.includes(depth)) await visit({ place: depth, hidden, batch });
      },
    },
  });
  if (!last) return result;
  try {
    using own = head ? undefined : await esm.normalise(result.hidden);
    await visit({ place: "last", hidden: own ?? result.normalised!, batch });
    return result;
  } catch (error) {
    result[Symbol.dispose]();
    throw error;
  }
}

/** Tensors f32[B·T, D] of a batch by place; the caller disposes of them. */
export async function readStreams(
  esm: Esm2,
  batch: TokenBatch,
  places: readonly StreamPlace[],
  options: StreamOptions = {},
): Promise<ReadonlyMap<StreamPlace, Tensor>> {
  using owned = new DisposableStack();
  const found = new Map<StreamPlace, Tensor>();
  await visitBatch(esm, batch, places, ({ place, hidden }) => {
    found.set(place, owned.use(hidden.keep()));
  }, options);
  owned.move();
  return found;
}

/** The values f32[n, D] of each sequence of a batch, in its order. */
export async function streamRows(
  { hidden, batch }: Stream,
  { specials = true }: {
    /** Whether `<cls>` and `<eos>` are rows too. @default true */
    specials?: boolean;
  } = {},
): Promise<Float32Array[]> {
  const all = await hidden.read(), width = hidden.shape[1], edge = specials ? 0 : 1;
  return batch.lengths.map((length, b) =>
    all.subarray((b * batch.width + edge) * width, (b * batch.width + length - edge) * width)
  );
}

/**
 * Logits f32[B·T, 33], or of some rows, of the model run on from a stream; the caller disposes of them.
 *
 * @param hidden f32[B·T, D] at `place`, stays the caller's
 */
export async function logitsFrom(
  esm: Esm2,
  batch: TokenBatch,
  { place, hidden }: Pick<Stream, "place" | "hidden">,
  { rows, signal }: { rows?: ArrayLike<number>; signal?: AbortSignal } = {},
): Promise<Tensor> {
  if (place === "last") return (await esm.logits(hidden, { rows, normalised: true })).logits;
  const result = await esm.run(batch, {
    from: { depth: place, hidden },
    head: rows ? { rows } : true,
    signal,
  });
  result.hidden[Symbol.dispose]();
  result.normalised![Symbol.dispose]();
  return result.logits!;
}

function checkPlaces(places: readonly StreamPlace[], layers: number): void {
  const wrong = places.find((place) =>
    place !== "last" && !(Number.isInteger(place) && place >= 0 && place <= layers)
  );
  if (wrong !== undefined || places.length === 0) {
    throw new RangeError(
      `Cannot read the residual stream as places must be "last" or whole numbers in 0..${layers}: ` +
        `current value is ${wrong ?? "none"}`,
    );
  }
}
