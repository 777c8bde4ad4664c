/** Values that are kept because they may be wanted again, no more than so many. */
export class Recent<K, V> implements Disposable {
  /** Least recently used first. */
  readonly #values = new Map<K, V>();

  /** @param release what becomes of a value that others have pushed out, or that is left at the end */
  constructor(readonly most: number, readonly release: (value: V) => void = () => {}) {}

  /** How many are kept. */
  get count(): number {
    return this.#values.size;
  }

  values(): Iterable<V> {
    return this.#values.values();
  }

  /** A value as it is, which does not count as a use. */
  get(key: K): V | undefined {
    return this.#values.get(key);
  }

  /** The value of a key, made the first time; it is now the one used last. */
  of(key: K, make: () => V): V {
    const known = this.#values.get(key);
    return this.keep(key, known === undefined ? make() : known);
  }

  /** Keeps a value as the one used last; one that the key had before is the caller's again. */
  keep(key: K, value: V): V {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.most) {
      const [[oldest, old]] = this.#values;
      this.#values.delete(oldest);
      this.release(old);
    }
    return value;
  }

  [Symbol.dispose](): void {
    for (const value of this.#values.values()) this.release(value);
    this.#values.clear();
  }
}
