/** Calls and time of one kind of work. */
export interface WorkStats {
  /** How often it was done. */
  calls: number;
  /** How long it took altogether. */
  milliseconds: number;
}

/** Adds up how long named kinds of work take. */
export class WorkMeter {
  readonly #work = new Map<string, WorkStats>();

  /** Runs f and adds its time under `name`. */
  async measure<T>(name: string, f: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await f();
    } finally {
      const stats = this.#work.get(name) ?? { calls: 0, milliseconds: 0 };
      stats.calls++;
      stats.milliseconds += performance.now() - begin;
      this.#work.set(name, stats);
    }
  }

  /** What was measured so far, by name. */
  report(): Record<string, WorkStats> {
    return Object.fromEntries([...this.#work].map(([name, stats]) => [name, { ...stats }]));
  }
}
