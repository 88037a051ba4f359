/** What one kind of operation has cost this rank so far. */
export interface OperationStats {
  /** Number of calls that succeeded. */
  calls: number;
  /** Bytes of the arrays or objects that this rank put in. */
  bytes: number;
  /** Time spent inside the calls, in milliseconds; concurrent calls count each for itself. */
  milliseconds: number;
}

/** Told of every call that succeeded, as it ends. */
export type OperationObserver = (operation: string, bytes: number, milliseconds: number) => void;

/** Counters by operation name. */
export class StatsTable {
  /** Told of every call; nobody by default. */
  observer: OperationObserver | undefined;
  readonly #rows = new Map<string, OperationStats>();

  /** Adds one call. */
  add(operation: string, bytes: number, milliseconds: number): void {
    let row = this.#rows.get(operation);
    if (row === undefined) this.#rows.set(operation, row = { calls: 0, bytes: 0, milliseconds: 0 });
    row.calls++;
    row.bytes += bytes;
    row.milliseconds += milliseconds;
    this.observer?.(operation, bytes, milliseconds);
  }

  /** A copy of the counters. */
  snapshot(): Record<string, OperationStats> {
    return Object.fromEntries([...this.#rows].map(([operation, row]) => [operation, { ...row }]));
  }
}
