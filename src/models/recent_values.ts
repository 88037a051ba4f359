/** How many values are kept. */
const MOST = 64;

/** Values that were made lately, by key; the one that was not asked for the longest goes first. */
export class RecentValues<T> {
  readonly #known = new Map<string, T>();

  /** The value under a key, made where it is not known. */
  get(key: string, make: () => T): T {
    const value = this.#known.get(key) ?? make();
    this.#known.delete(key);
    this.#known.set(key, value);
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value!);
    return value;
  }
}
