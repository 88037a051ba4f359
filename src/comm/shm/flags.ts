/**
 * Counters in shared memory that ranks post and wait for, each in a cache line of its own. A wait climbs a ladder:
 *
 * 1. look again and again, giving the core away now and then, for at most {@link SPIN_MS};
 * 2. block for at most 1 ms at a time, between turns of the event loop;
 * 3. let a thread of the runtime block for 50 ms at a time: the event loop is entirely free.
 *
 * Each round of 2 and 3 looks whether the job has failed or the rank that is waited for has left.
 */

import { setImmediate } from "node:timers";
import { type Failure, FailureSignal } from "../errors.ts";
import type { Core } from "./core.ts";
import { futexWait, futexWaitInThread, futexWake, type Libc } from "./libc.ts";

/** Bytes between counters: two cache lines, since processors fetch them in pairs. */
export const LINE_BYTES = 128;
/** Word of a line that is 1 while somebody sleeps until the counter changes. */
const SLEEPERS = 1;
/** How long to look before blocking, in ms. */
const SPIN_MS = 0.3;
/**
 * Looks (5 to 30 ns each) between two gifts of the core, where this rank has it for itself and where it does not: a rank
 * that gives it away too early makes the others wait, which then do the same.
 */
const LOOKS = 300;
const LOOKS_SHARED = 3;
/** Blocking slices before handing the wait to a thread. */
const SLICES = 20;
/** The event loop gets a turn at least this often, in ms. */
const TURN_EVERY_MS = 8;

/** What a waiting rank watches. */
export interface Watch {
  /** The first failure of the job. */
  readonly failure: Failure | undefined;
  /** Gives up. */
  fail(failure: Failure, tell: boolean): void;
  /** Why a rank does not take part any more; `undefined` while it does. */
  departed(rank: number): Failure | undefined;
}

let lastTurn = performance.now();

/** Gives the event loop a turn. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  lastTurn = performance.now();
}

/** A turn of the event loop, if it has waited for long; `now` is the time. */
export function turnIfDue(now: number = performance.now()): Promise<void> | undefined {
  return now - lastTurn > TURN_EVERY_MS ? turn() : undefined;
}

/** See the file's description. Counters are 32-bit and wrap; they are less than 2^31 apart. */
export class Flags {
  readonly #libc: Libc;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #start: bigint;
  readonly #watch: Watch;
  readonly #core: Core;
  /** Ranks that are waited for now, with the number of waits. */
  readonly #awaited = new Map<number, number>();

  /**
   * @param libc the C library
   * @param words the words of the lines
   * @param pointer the first of them for C
   * @param watch ends waits
   * @param core what this rank gives away while it waits
   */
  constructor(
    libc: Libc,
    words: Int32Array<ArrayBuffer>,
    pointer: Deno.PointerValue,
    watch: Watch,
    core: Core,
  ) {
    this.#libc = libc;
    this.#words = words;
    this.#start = Deno.UnsafePointer.value(pointer);
    this.#watch = watch;
    this.#core = core;
  }

  /** World ranks that are waited for now, ascending. */
  get awaited(): number[] {
    return [...this.#awaited.keys()].sort((a, b) => a - b);
  }

  /** Sets the counter of `line` and wakes those who sleep on it. */
  post(line: number, value: number): void {
    const at = line * (LINE_BYTES / 4);
    Atomics.store(this.#words, at, value);
    if (Atomics.load(this.#words, at + SLEEPERS) === 0) return;
    Atomics.store(this.#words, at + SLEEPERS, 0);
    futexWake(this.#libc, this.#address(at));
  }

  /** Whether the counter of `line` has reached `target`. */
  has(line: number, target: number): boolean {
    return (Atomics.load(this.#words, line * (LINE_BYTES / 4)) - target | 0) >= 0;
  }

  /**
   * Waits until the counter of `line`, which belongs to the world rank `rank`, has reached `target`. Nothing is returned
   * if that was soon.
   *
   * @throws FailureSignal once the job has failed
   */
  wait(line: number, target: number, rank: number): Promise<void> | undefined {
    if (this.has(line, target) || this.#spin(line, target)) return undefined;
    return this.#sleep(line, target, rank);
  }

  /** Waits for word of the failure that made the rank `rank` give up, and throws it. */
  async failure(rank: number): Promise<never> {
    this.#awaited.set(rank, 1);
    while (this.#watch.failure === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    throw new FailureSignal(this.#watch.failure);
  }

  #spin(line: number, target: number): boolean {
    const words = this.#words;
    const at = line * (LINE_BYTES / 4);
    for (let started = 0;;) {
      const looks = this.#core.isShared ? LOOKS_SHARED : LOOKS;
      for (let look = 0; look < looks; look++) {
        if ((Atomics.load(words, at) - target | 0) >= 0) return true;
        Atomics.pause();
      }
      const now = this.#core.give();
      if (started === 0) started = now;
      else if (now - started > SPIN_MS) return this.has(line, target);
    }
  }

  async #sleep(line: number, target: number, rank: number): Promise<void> {
    const at = line * (LINE_BYTES / 4);
    const address = this.#address(at);
    this.#awaited.set(rank, (this.#awaited.get(rank) ?? 0) + 1);
    try {
      // Others of this rank's operations may be what the other rank waits for.
      for (let hop = 0; hop < 4; hop++) await null;
      for (let round = 0;; round++) {
        const departure = this.#watch.departed(rank);
        if (this.#watch.failure === undefined && departure !== undefined && !this.has(line, target)) {
          this.#watch.fail(departure, true);
        }
        if (this.#watch.failure !== undefined) throw new FailureSignal(this.#watch.failure);
        Atomics.store(this.#words, at + SLEEPERS, 1);
        const seen = Atomics.load(this.#words, at);
        if ((seen - target | 0) >= 0) return;
        if (round < SLICES) futexWait(this.#libc, address, seen);
        else await futexWaitInThread(this.#libc, address, seen);
        if (this.has(line, target)) return;
        await (round < SLICES ? turnIfDue() : undefined);
      }
    } finally {
      const waits = this.#awaited.get(rank)! - 1;
      if (waits === 0) this.#awaited.delete(rank);
      else this.#awaited.set(rank, waits);
    }
  }

  #address(word: number): Deno.PointerValue {
    return Deno.UnsafePointer.create(this.#start + BigInt(4 * word));
  }
}
