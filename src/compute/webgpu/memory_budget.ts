import { OutOfMemoryError } from "../errors.ts";
import type { MemoryReport } from "../device.ts";

/** Something that holds released memory for reuse and can give it back. */
export interface Trimmable {
  /** Destroys pooled memory until `bytes` are freed or nothing is left. */
  trim(bytes: number): void;
}

/**
 * Counts a device's memory against its budget. WebGPU does not report exhausted memory, so the count is the only guard.
 *
 * live: handed out. pooled: released, kept for reuse, and destroyed as soon as the budget needs the room.
 */
export class MemoryBudget {
  #live = 0;
  #pooled = 0;
  #peak = 0;
  readonly #pools: Trimmable[] = [];

  /**
   * @param deviceName for error messages
   * @param budget bytes that live + pooled may reach
   */
  constructor(readonly deviceName: string, readonly budget: number) {}

  /** Registers a pool that is trimmed under pressure. */
  register(pool: Trimmable): void {
    this.#pools.push(pool);
  }

  /**
   * Counts `bytes` of new memory as live, trimming pools to make room.
   *
   * @throws {OutOfMemoryError} when live memory alone leaves no room
   */
  claim(bytes: number): void {
    if (this.#live + bytes > this.budget) {
      throw new OutOfMemoryError(this.deviceName, bytes, this.#live, this.budget);
    }
    for (const pool of this.#pools) {
      const excess = this.#live + this.#pooled + bytes - this.budget;
      if (excess > 0) pool.trim(excess);
    }
    this.#setLive(this.#live + bytes);
  }

  /** Pooled memory is handed out again. */
  reuse(bytes: number): void {
    this.#pooled -= bytes;
    this.#setLive(this.#live + bytes);
  }

  /** Live memory goes to a pool. */
  retire(bytes: number): void {
    this.#live -= bytes;
    this.#pooled += bytes;
  }

  /** Live memory is destroyed. */
  free(bytes: number): void {
    this.#live -= bytes;
  }

  /** Pooled memory is destroyed. */
  freePooled(bytes: number): void {
    this.#pooled -= bytes;
  }

  /** The counters. */
  report(): MemoryReport {
    return { live: this.#live, pooled: this.#pooled, peak: this.#peak, budget: this.budget };
  }

  #setLive(bytes: number): void {
    this.#live = bytes;
    this.#peak = Math.max(this.#peak, bytes);
  }
}
