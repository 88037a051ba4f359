/**
 * The core that this rank runs on, which it gives away while it waits.
 *
 * A rank whose gifts are taken shares its core with somebody, often with the rank that it waits for. If no more threads
 * want to run on the host than it has cores, another core is idle then, which the scheduler takes up to tens of
 * milliseconds to notice: the rank moves there at once. It is not bound to it: its affinity is changed and restored.
 */

import type { Clock } from "./clock.ts";
import { type Libc, readText } from "./libc.ts";

/** A core given away for longer than this was taken by somebody, in ms; if nobody wants it, that takes 0.0005. */
const TAKEN_MS = 0.002;
/** Gifts in a row that are taken before the rank looks for another core. */
const TAKEN_TIMES = 3;
/** Gifts that nobody takes before the core counts as this rank's own again. */
const FREE_TIMES = 100;
/** Between two looks for another core, in ms: each takes some 0.02. */
const LOOK_EVERY_MS = 1;
/** Bytes of a set of cores: 1024 of them. */
const SET_BYTES = 128;

/** See the file's description. */
export class Core {
  readonly #libc: Libc;
  readonly #clock: Clock;
  readonly #mayMove: boolean;
  #taken = 0;
  #untilFree = 0;
  #lastLook = 0;

  /**
   * @param libc the C library
   * @param clock tells the time
   * @param isFirst whether this rank stays where it is: of two ranks on one core only one should move
   * @param isCrowded whether there are more ranks than cores, so that none is idle
   */
  constructor(libc: Libc, clock: Clock, isFirst: boolean, isCrowded: boolean) {
    this.#libc = libc;
    this.#clock = clock;
    this.#mayMove = !isFirst && !isCrowded;
  }

  /** Whether somebody took the core not long ago when it was given away. */
  get isShared(): boolean {
    return this.#untilFree > 0;
  }

  /** Gives the core away, and moves to another one if others keep taking it while there is an idle one; returns the time. */
  give(): number {
    const before = this.#clock.now();
    this.#libc.sched_yield();
    const now = this.#clock.now();
    if (now - before < TAKEN_MS) {
      this.#taken = 0;
      if (this.#untilFree > 0) this.#untilFree--;
      return now;
    }
    this.#untilFree = FREE_TIMES;
    if (++this.#taken >= TAKEN_TIMES && this.#mayMove && now - this.#lastLook > LOOK_EVERY_MS) {
      this.#lastLook = now;
      if (this.#isOneIdle()) this.#move();
    }
    return now;
  }

  /** Whether no more threads want to run than there are cores for this process. */
  #isOneIdle(): boolean {
    const running = /^\S+ \S+ \S+ (\d+)\//.exec(readText(this.#libc, "/proc/loadavg"))?.[1];
    return running !== undefined && Number(running) <= navigator.hardwareConcurrency;
  }

  /** Moves to another core that this process may use, if there is one; where the system forbids it the rank stays. */
  #move(): void {
    const libc = this.#libc;
    const size = BigInt(SET_BYTES);
    const allowed = new Uint8Array(SET_BYTES);
    const core = libc.sched_getcpu();
    if (core < 0 || libc.sched_getaffinity(0, size, allowed) !== 0) return;
    const others = allowed.slice();
    others[core >> 3] &= ~(1 << (core & 7));
    if (others.every((byte) => byte === 0)) return;
    libc.sched_setaffinity(0, size, others);
    libc.sched_setaffinity(0, size, allowed);
  }
}
