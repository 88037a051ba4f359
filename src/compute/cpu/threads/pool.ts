import { Worker } from "node:worker_threads";
import { DeviceError } from "../../errors.ts";
import { type Arena, blockSize } from "../arena.ts";
import type { KernelCache, Kernels } from "../wasm/kernels.ts";
import { JobTooLong, JobWriter, KernelTable, SCRATCH } from "./job.ts";
import { CONTROL, SPINS, takeTasks, threadMain, type ThreadStart } from "./worker_main.ts";

const CONTROL_WORDS = 1 << 21;
const CODE_BYTES = 1 << 25;
/** Threads beyond this many find too little to do in a layer. */
const MAX_THREADS = 256;
/** Milliseconds that the main thread waits for a task of another thread before it looks again. */
const WAIT_MS = 50;

/** Work that falls into units 0 .. units, which may be done in any order by any thread. */
export interface ParallelWork {
  readonly units: number;
  /** Units in each task; the last one may have fewer. */
  readonly grain: number;
  /** Bytes that a thread needs while it works. */
  readonly scratchBytes: number;
  /** Makes the calls for units first <= u < end, with kernels of `kernels` alone. */
  run(kernels: Kernels, scratch: number, first: number, end: number): void;
}

/**
 * Threads over one arena. The calling thread writes a job down, takes part in it, and returns when it is done; whatever
 * the other threads do not get to, it does itself. Threads start with the first job that needs them, sleep between jobs,
 * never keep the process alive and end with it, or at {@link ThreadPool.close}.
 */
export class ThreadPool implements Disposable {
  /** Threads, the calling one included. */
  readonly size: number;
  readonly #arena: Arena;
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  readonly #code = new Uint8Array(new SharedArrayBuffer(CODE_BYTES));
  readonly #table: KernelTable = new KernelTable(this.#control, this.#code);
  #failure: unknown;
  #started = false;
  #closed = false;

  /** @param size threads, the calling one included, at most 256 */
  constructor(arena: Arena, size: number) {
    this.#arena = arena;
    this.size = Math.min(size, MAX_THREADS);
    abandoned.register(this, this.#control, this);
  }

  /**
   * Does all of `work`.
   *
   * @throws {DeviceError} when a thread cannot start, or a kernel failed
   * @throws {OutOfMemoryError} when the arena has no room for the threads' scratch memory
   */
  run(cache: KernelCache, work: ParallelWork): void {
    if (this.#closed) throw new DeviceError("Cannot compute: the cpu device was closed");
    if (this.#failure !== undefined) this.#fail(this.#failure);
    const bytes = blockSize(work.scratchBytes);
    this.#arena.borrow(
      bytes * this.size,
      (scratch) => this.#runRange(cache, work, scratch, bytes, 0, work.units),
    );
  }

  /** Ends the threads. */
  close(): void {
    this.#closed = true;
    abandoned.unregister(this);
    end(this.#control);
  }

  /** Same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #runRange(
    cache: KernelCache,
    work: ParallelWork,
    scratch: number,
    bytes: number,
    first: number,
    last: number,
  ): void {
    const job = new JobWriter(this.#control, cache, this.#table);
    const grain = Math.max(work.grain, Math.ceil((last - first) / (CONTROL.calls - CONTROL.offsets)));
    try {
      for (let unit = first; unit < last; unit += grain) {
        job.beginTask();
        work.run(job, SCRATCH, unit, Math.min(unit + grain, last));
      }
    } catch (error) {
      if (!(error instanceof JobTooLong)) throw error;
      if (last - first < 2) return work.run(cache, scratch, first, last);
      const middle = first + Math.ceil((last - first) / 2 / grain) * grain;
      const half = middle < last ? middle : first + Math.floor((last - first) / 2);
      this.#runRange(cache, work, scratch, bytes, first, half);
      return this.#runRange(cache, work, scratch, bytes, half, last);
    }
    this.#start();
    this.#execute(job.tasks, scratch, bytes);
  }

  #execute(tasks: number, scratch: number, bytes: number): void {
    const control = this.#control;
    control[CONTROL.tasks] = tasks;
    control[CONTROL.scratch] = scratch;
    control[CONTROL.scratchBytes] = bytes;
    Atomics.store(control, CONTROL.failed, 0);
    Atomics.store(control, CONTROL.done, 0);
    Atomics.store(control, CONTROL.open, tasks);
    Atomics.add(control, CONTROL.job, 1);
    Atomics.notify(control, CONTROL.job);
    takeTasks(CONTROL, control, 0, (id) => this.#table.run(id));
    for (let i = 0; Atomics.load(control, CONTROL.done) < tasks; i++) {
      const done = Atomics.load(control, CONTROL.done);
      if (i > SPINS && done < tasks) Atomics.wait(control, CONTROL.done, done, WAIT_MS);
    }
    if (Atomics.load(control, CONTROL.failed) !== 0) {
      const length = control[CONTROL.message];
      const codes = control.subarray(CONTROL.message + 1, CONTROL.message + 1 + length);
      throw new DeviceError(
        `Cannot compute: a thread of the cpu device failed: ${String.fromCharCode(...codes)}`,
      );
    }
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const source = `(${threadMain})(require("node:worker_threads").workerData, ${takeTasks});`;
    for (let index = 1; index < this.size; index++) {
      const workerData: ThreadStart = {
        index,
        control: this.#control.buffer,
        code: this.#code.buffer,
        memory: this.#arena.memory,
        words: CONTROL,
        spins: SPINS,
      };
      try {
        const worker = new Worker(source, { eval: true, workerData });
        worker.on("error", (error) => this.#failure = error);
        worker.unref();
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #fail(cause: unknown): never {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DeviceError(
      `Cannot start ${this.size} threads of the cpu device: ${reason}; DEEPINV_THREADS=1 computes without them`,
      { cause },
    );
  }
}

/** Ends the threads of pools that were dropped without being closed. */
const abandoned = new FinalizationRegistry<Int32Array>(end);

function end(control: Int32Array): void {
  Atomics.store(control, CONTROL.job, -1);
  Atomics.notify(control, CONTROL.job);
}
