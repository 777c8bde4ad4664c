/** Timing variants of one thing in turn, so that a change of the machine's mood meets all of them. */

export interface Variant {
  name: string;
  /** @returns milliseconds where it measures them itself, as another process does; else they are measured */
  run(round: number): void | number | Promise<void | number>;
}

export interface InterleaveOptions {
  /** Untimed runs of each variant. @default 1 */
  warmup?: number;
  /** Further untimed runs until a variant's have taken this long: just-in-time compilation. @default 0 */
  warmupMs?: number;
  /** Stops after the round in which this time is over, once there are `least` rounds. */
  budgetMs: number;
  /** @default 3 */
  least?: number;
  /** @default 25 */
  most?: number;
  /** Rest before each run, so that the threads of the run before have gone to sleep. @default 0 */
  pauseMs?: number;
  signal?: AbortSignal;
  /** Milliseconds on any clock that only goes forward. */
  now?(): number;
}

/**
 * Runs A B C A B C … and gives each variant's milliseconds, one per round.
 *
 * @throws {DOMException} when the signal fires between two runs
 */
export async function interleave(
  variants: readonly Variant[],
  options: InterleaveOptions,
): Promise<Record<string, number[]>> {
  const { warmup = 1, warmupMs = 0, budgetMs } = options;
  const { least = 3, most = 25, pauseMs = 0, signal } = options;
  const now = options.now ?? (() => performance.now());
  const times: Record<string, number[]> = {};
  for (const { name } of variants) times[name] = [];
  for (const { run } of variants) {
    const start = now();
    for (let i = 0; i < warmup || now() - start < warmupMs; i++) {
      signal?.throwIfAborted();
      await run(i);
    }
  }
  const begin = now();
  for (let round = 0; round < most && (round < least || now() - begin < budgetMs); round++) {
    for (const { name, run } of variants) {
      signal?.throwIfAborted();
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const start = now();
      const own = await run(warmup + round);
      times[name].push(own ?? now() - start);
    }
  }
  return times;
}
