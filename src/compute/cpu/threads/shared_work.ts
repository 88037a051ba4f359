import type { Arena } from "../arena.ts";
import type { KernelCache } from "../wasm/kernels.ts";
import type { ParallelWork, ThreadPool } from "./pool.ts";

/** Tasks for each thread: several, as threads start at different times and other programs disturb some of them. */
const TASKS_PER_THREAD = 4;

/** Does all of `work`: on the threads, or on the calling one alone where there are none. The result is the same. */
export function doWork(
  arena: Arena,
  kernels: KernelCache,
  threads: ThreadPool | undefined,
  work: ParallelWork,
): void {
  if (threads) return threads.run(kernels, work);
  arena.borrow(work.scratchBytes, (scratch) => work.run(kernels, scratch, 0, work.units));
}

/** Units in a task such that every thread finds several. */
export function grainOf(units: number, threads: ThreadPool | undefined): number {
  return Math.max(1, Math.ceil(units / (TASKS_PER_THREAD * (threads?.size ?? 1))));
}
