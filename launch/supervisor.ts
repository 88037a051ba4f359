/**
 * Watches the ranks of a job.
 *
 * 1. Start all ranks.
 * 2. Wait until all have ended, one has failed, a signal asks to end, or the time is up.
 * 3. After a failure, give the others a moment to notice it and say so themselves.
 * 4. TERM to the process groups of those that are left; after a moment, KILL.
 */
import type { Interrupts, InterruptSignal } from "./interrupts.ts";
import { OrphanWatcher } from "./orphan_watcher.ts";
import type { JobOutput } from "./output.ts";
import type { JobPlan } from "./plan.ts";
import { type RankEnd, RankProcess } from "./rank_process.ts";

/** How a job ended. */
export interface JobResult {
  reason: "finished" | "failure" | "timeout" | InterruptSignal;
  /** The ranks in the order in which they ended. */
  ends: RankEnd[];
}

/** After a failure: time for the other ranks to raise their own error. */
const FAILURE_GRACE_MS = 2500;
/** Between TERM and KILL after a failure. */
const FAILURE_TERM_MS = 1000;
/** Between TERM and KILL when the user or the clock ends the job. */
const STOP_TERM_MS = 5000;
/** After KILL: time for the kernel to end a process, and for the last output of an interrupted job. */
const KILL_MS = 1500;

/** Resolves with `value` after a time; does not keep the program running. */
export function after<T>(ms: number, value: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  Deno.unrefTimer(setTimeout(resolve, ms, value));
  return promise;
}

function startRanks(plan: JobPlan, output: JobOutput, watcher: OrphanWatcher | null): RankProcess[] {
  const startedAt = performance.now();
  const ranks: RankProcess[] = [];
  try {
    for (const rankPlan of plan.ranks) {
      const rank = new RankProcess(plan, rankPlan, output, startedAt);
      ranks.push(rank);
      watcher?.watch(rank.pid);
    }
    return ranks;
  } catch (error) {
    for (const rank of ranks) rank.stop("SIGKILL");
    throw error;
  }
}

/**
 * Runs a job to its end. When this returns, no process of the job is left.
 *
 * @param plan the ranks to start
 * @param output where their output goes
 * @param interrupts the signals that end the job
 * @param timeoutMs limit for the whole job, or null
 * @throws what spawning a rank or writing its output throws; the ranks have been killed by then
 */
export async function superviseJob(
  plan: JobPlan,
  output: JobOutput,
  interrupts: Interrupts,
  timeoutMs: number | null,
): Promise<JobResult> {
  await using watcher = OrphanWatcher.start();
  const ranks = startRanks(plan, output, watcher);
  const stopAll = (signal: "SIGTERM" | "SIGKILL") => ranks.forEach((rank) => rank.stop(signal));
  const allFinished = Promise.all(ranks.map((rank) => rank.finished.then(() => watcher?.release(rank.pid))));
  const allExited = Promise.all(ranks.map((rank) => rank.exited));
  const failure = new Promise<"failure">((resolve) => {
    for (const rank of ranks) void rank.exited.then(({ code }) => code === 0 || resolve("failure"));
  });

  try {
    const reason = await Promise.race([
      failure,
      allFinished.then(() => "finished" as const),
      interrupts.first,
      ...(timeoutMs === null ? [] : [after(timeoutMs, "timeout" as const)]),
    ]);
    if (reason === "failure") {
      await Promise.race([allExited, interrupts.first, after(FAILURE_GRACE_MS, null)]);
    }
    if (reason !== "finished") {
      stopAll("SIGTERM");
      const patience = reason === "failure" ? FAILURE_TERM_MS : STOP_TERM_MS;
      await Promise.race([allExited, interrupts.second, after(patience, null)]);
      stopAll("SIGKILL");
      await Promise.race([allExited, after(KILL_MS, null)]);
      // Output waits for a slow reader, but not once the user or the clock has ended the job.
      const patienceEnds = reason === "failure" ? interrupts.first : Promise.resolve();
      await Promise.race([allFinished, patienceEnds.then(() => after(KILL_MS, null))]);
    }
    const ends = ranks.map((rank) => rank.end).filter((end) => end !== null);
    return { reason, ends: ends.toSorted((a, b) => a.atMs - b.atMs) };
  } catch (error) {
    stopAll("SIGKILL");
    await Promise.race([allExited, after(KILL_MS, null)]);
    throw error;
  }
}
