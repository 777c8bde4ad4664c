/** Which work the code that runs now is a part of. */
import type { AsyncLocalStorage } from "node:async_hooks";

/**
 * Tells whether a call comes from inside some work, across everything that the work awaits.
 *
 * Where the platform does not follow awaits (a browser) it never says so.
 */
export class Within {
  readonly #storage?: AsyncLocalStorage<true>;

  constructor() {
    const builtin = (globalThis as { process?: { getBuiltinModule?(name: string): unknown } })
      .process?.getBuiltinModule?.("node:async_hooks") as typeof import("node:async_hooks");
    this.#storage = builtin && new builtin.AsyncLocalStorage<true>();
  }

  /** Whether the caller is part of `run`'s work. */
  get isInside(): boolean {
    return this.#storage?.getStore() ?? false;
  }

  run<T>(work: () => T): T {
    return this.#storage ? this.#storage.run(true, work) : work();
  }
}
