/** Calls and time of one kind of work. */
export interface WorkStats {
  /** How often it was done. */
  calls: number;
  /** How long it took altogether. */
  milliseconds: number;
}

/** Calls and time by name. */
export class WorkTable {
  readonly #rows = new Map<string, WorkStats>();

  /** Adds one call. */
  add(name: string, milliseconds: number): void {
    const row = this.#rows.get(name) ?? { calls: 0, milliseconds: 0 };
    row.calls++;
    row.milliseconds += milliseconds;
    this.#rows.set(name, row);
  }

  /** A copy of what was added so far. */
  report(): Record<string, WorkStats> {
    return Object.fromEntries([...this.#rows].map(([name, row]) => [name, { ...row }]));
  }
}
