/** Batches whose results are read back while the next is on its way. */
import type { Backend } from "./types.ts";

/** Results that are waited for together, on a GPU: more would only hold memory. */
const WAITING = 2;

/**
 * What `compute` makes of each item, in their order.
 *
 * On a GPU an item is begun while the last one's result is read back, which costs Deno 10 ms whatever its size.
 * Runs of a model follow one another all the same, so that results do not depend on it. On a host nothing would
 * be gained, and items are computed one by one.
 */
export async function* ahead<T, R>(
  items: Iterable<T>,
  { gpu }: Pick<Backend, "gpu">,
  compute: (item: T) => Promise<R>,
): AsyncGenerator<readonly [item: T, result: R], void> {
  const waiting: { item: T; result: Promise<R> }[] = [], most = gpu ? WAITING : 1;
  try {
    for (const item of items) {
      const result = compute(item);
      // Whoever takes it hears of a failure; until then nobody does.
      result.catch(() => {});
      waiting.push({ item, result });
      if (waiting.length === most) yield await first(waiting);
    }
    while (waiting.length > 0) yield await first(waiting);
  } finally {
    // What was begun ends before the caller goes on, and frees what it holds.
    await Promise.allSettled(waiting.map(({ result }) => result));
  }
}

async function first<T, R>(
  waiting: { item: T; result: Promise<R> }[],
): Promise<readonly [T, R]> {
  const { item, result } = waiting.shift()!;
  return [item, await result];
}
