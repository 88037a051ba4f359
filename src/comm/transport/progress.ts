/**
 * Waits for messages without burning a core and without starving the event loop, in three stages: spin a little,
 * giving way to other processes; block for at most 1 ms at a time between turns of the event loop; then let a thread
 * of the runtime block, so that the event loop is entirely free.
 */

import { setImmediate } from "node:timers";
import type { Libzmq } from "../libzmq.ts";

/** How long to look at the socket again and again before blocking, in ms; longer would keep libzmq's thread waiting. */
const SPIN_MS = 0.05;
/** Turns of the microtask queue after which those whose messages arrived have gone on, and before which nobody blocks. */
const HOPS = 32;
const HOPS_IDLE = 4;
/** A core given away for longer than this is wanted by others, who may well be those that are waited for. */
const CROWDED_MS = 2;
/** Blocking slices of {@link SLICE_MS} before handing the wait to a thread. */
const SLICES = 20;
const SLICE_MS = 1;
/** Longest wait in a thread; a wake-up ends it earlier. */
const THREAD_WAIT_MS = 500;
/** The event loop gets a turn at least this often while messages keep coming. */
const TURN_EVERY_MS = 4;
/** Period of the look at the socket while nothing is awaited. */
const IDLE_MS = 20;
const POLLIN = 1;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Is told of this rank's sleep where messages also arrive in other ways than through the descriptors. */
export interface Sleeper {
  /** Before this rank sleeps; false if it must not. */
  sleep(): boolean;
  /** After it slept. */
  wake(): void;
}

/** Drives a socket for as long as somebody waits for it, and now and then while nobody does. */
export class Progress {
  /** See {@link Sleeper}. */
  sleeper: Sleeper | undefined;
  readonly #zmq: Libzmq;
  readonly #drain: () => boolean;
  readonly #pollItems: Int32Array<ArrayBuffer>;
  readonly #pipe = new Int32Array(2);
  readonly #byte = new Uint8Array(64);
  readonly #idleTimer: ReturnType<typeof setInterval>;
  #waiters = 0;
  #running = false;
  #stopped: Promise<void> | undefined;
  #inThread = false;
  #closed = false;

  /**
   * @param zmq the C functions
   * @param descriptors file descriptors to watch
   * @param drain handles what has arrived without waiting; true if there was something
   */
  constructor(zmq: Libzmq, descriptors: readonly number[], drain: () => boolean) {
    this.#zmq = zmq;
    this.#drain = drain;
    if (zmq.pipe(this.#pipe) !== 0) throw new Error("Cannot wait for messages: no pipe could be opened");
    const watched = [...descriptors, this.#pipe[0]];
    this.#pollItems = new Int32Array(2 * watched.length);
    watched.forEach((descriptor, index) => this.#pollItems.set([descriptor, POLLIN], 2 * index));
    this.#idleTimer = setInterval(() => this.#running || drain(), IDLE_MS);
    this.#idleTimer.unref();
  }

  /** Watches until the matching {@link release}. */
  acquire(): void {
    this.#waiters++;
    if (!this.#running) {
      this.#running = true;
      this.#stopped = this.#run();
    } else if (this.#inThread) {
      this.wake();
    }
  }

  /** Ends one {@link acquire}. */
  release(): void {
    this.#waiters--;
    if (this.#waiters === 0 && this.#inThread) this.wake();
  }

  /** Ends a wait in a thread now. */
  wake(): void {
    this.#zmq.write(this.#pipe[1], this.#byte, 1n);
  }

  /** Stops and releases the wake-up pipe. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#idleTimer);
    if (this.#inThread) this.wake();
    await this.#stopped;
    this.#zmq.close(this.#pipe[0]);
    this.#zmq.close(this.#pipe[1]);
  }

  async #run(): Promise<void> {
    let slices = 0;
    let lastTurn = performance.now();
    // Whoever called acquire() first finishes what it was doing.
    await null;
    while (this.#waiters > 0 && !this.#closed) {
      if (await this.#spin() || this.sleeper?.sleep() === false) slices = 0;
      else if (slices < SLICES) {
        const ready = this.#zmq.poll(this.#pollItems, this.#count, SLICE_MS);
        this.sleeper?.wake();
        if (ready === 0) {
          slices++;
          lastTurn = 0;
        }
      } else {
        await this.#waitInThread();
        continue;
      }
      if (performance.now() - lastTurn > TURN_EVERY_MS) {
        await turn();
        lastTurn = performance.now();
      }
    }
    this.#running = false;
  }

  async #spin(): Promise<boolean> {
    const until = performance.now() + SPIN_MS;
    for (let now = 0; now < until;) {
      const progressed = this.#drain();
      // Those whose messages arrived run now and may wait for others.
      const hops = progressed ? HOPS : HOPS_IDLE;
      for (let hop = 0; hop < hops && this.#waiters > 0; hop++) await null;
      if (progressed || this.#waiters === 0) return true;
      const before = performance.now();
      this.#zmq.sched_yield();
      now = performance.now();
      if (now - before > CROWDED_MS) return false;
    }
    return false;
  }

  async #waitInThread(): Promise<void> {
    this.#inThread = true;
    await this.#zmq.poll_async(this.#pollItems, this.#count, THREAD_WAIT_MS);
    this.#inThread = false;
    this.sleeper?.wake();
    const wakeUp = this.#pollItems[this.#pollItems.length - 1] >>> 16;
    if (wakeUp & POLLIN) this.#zmq.read(this.#pipe[0], this.#byte, BigInt(this.#byte.length));
  }

  get #count(): bigint {
    return BigInt(this.#pollItems.length / 2);
  }
}
