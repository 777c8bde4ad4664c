/** What `sae latents` had counted, kept so that a killed run does not start over. */
import type { UnitStore } from "../../run/unit_store.ts";
import type { DetectorCounts } from "./detectors.ts";

/**
 * The counts after each window of proteins. Only the last are kept: they are written whole beside
 * those before them, which go once the window is noted as done.
 */
export class CountsProgress {
  readonly #progress: UnitStore;
  #windows = 0;

  constructor(progress: UnitStore) {
    this.#progress = progress;
  }

  /** Windows that need not be counted again. */
  get windows(): number {
    return this.#windows;
  }

  /** Gives new counts what an earlier run had counted. */
  load(counts: DetectorCounts): void {
    const { finished } = this.#progress;
    if (finished === 0) return;
    using last = this.#progress.part(finished - 1);
    const state = last.get(0);
    if (!state) return this.#progress.remove();
    counts.restore(state);
    this.#windows = finished;
  }

  /** Remembers the counts with one more window. */
  save(counts: DetectorCounts): void {
    const window = this.#windows++;
    {
      using part = this.#progress.part(window);
      // A run that was killed before it noted the window has left the same here.
      if (!part.get(0)) part.put(0, counts.state());
    }
    this.#progress.put(window, new Float64Array(0));
    if (window === 0) return;
    using before = this.#progress.part(window - 1);
    before.remove();
  }
}
