/** When the state of a training is saved: soon enough that a kill costs little, not so often that saving does. */

/** So much may be lost, and no more than this share of the time goes into saving. */
const LEAST_MS = 2000, MOST_SHARE = 0.03;

/** Saves a state from time to time. */
export class SaveTimer {
  #saved: number;
  #tookMs = 0;

  /**
   * @param write writes the state
   * @param now the clock, ms
   */
  constructor(
    readonly write: () => void | Promise<void>,
    readonly now: () => number = () => performance.now(),
  ) {
    this.#saved = now();
  }

  async save(): Promise<void> {
    const begin = this.now();
    await this.write();
    this.#saved = this.now();
    this.#tookMs = this.#saved - begin;
  }

  /** Saves if so much time has passed since it last did. */
  async saveIfDue(): Promise<void> {
    const waited = this.now() - this.#saved;
    if (waited > Math.max(LEAST_MS, this.#tookMs / MOST_SHARE)) await this.save();
  }
}
