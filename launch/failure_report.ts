/**
 * Which rank failed first, and how: the cause among several failures, and the table that names it.
 *
 * A rank that ended because another had failed (it raised `RankFailedError` or `CollectiveTimeoutError`, or left with the
 * peer-failure exit code) is a consequence. The cause is the earliest failure that is not one, even where a consequence
 * ended earlier; if all are consequences, the earliest of them.
 */
import { PEER_FAILURE_EXIT_CODE } from "../src/cluster/exit_codes.ts";
import type { RankEnd } from "./rank_process.ts";

const CONSEQUENCE =
  /^(?:error: Uncaught (?:\(.*?\) )?|Caused by: |\s+)(?:RankFailedError|CollectiveTimeoutError)\b/m;
const TAIL_LINES = 12;

/** The uncaught error at the end of a rank's stderr, from its first line on; empty if there is none. */
function uncaughtError(end: RankEnd): string {
  // A worker's error is followed by one that only says that there was one.
  const starts = [...end.stderrTail.matchAll(/^error: (?!.*Unhandled error in child worker)/gm)];
  return starts.length === 0 ? "" : end.stderrTail.slice(starts.at(-1)!.index);
}

/** The first line of the error that ended a rank, or null. */
export function errorLine(end: RankEnd): string | null {
  return uncaughtError(end).split("\n", 1)[0].replace(/^error: (Uncaught (\(in promise\) )?)?/, "") || null;
}

/** Whether a rank failed because another one did. */
export function isConsequence(end: RankEnd): boolean {
  return end.code === PEER_FAILURE_EXIT_CODE || CONSEQUENCE.test(uncaughtError(end));
}

/**
 * The failure to blame.
 *
 * @param ends the ranks in the order in which they ended
 * @returns null if no rank failed by itself
 */
export function findCause(ends: readonly RankEnd[]): RankEnd | null {
  const failures = ends.filter((end) => end.code !== 0 && !end.stopped);
  return failures.find((end) => !isConsequence(end)) ?? failures[0] ?? null;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function ending(end: RankEnd): string {
  return end.signal ? `signal ${end.signal}` : `exit code ${end.code}`;
}

function remark(end: RankEnd): string {
  if (end.stopped) return " (ended by the launcher)";
  return end.code !== 0 && isConsequence(end) ? " (because another rank failed)" : "";
}

/**
 * The table "first observed failure", followed by how the other ranks ended.
 *
 * @param cause the failure to blame, from {@linkcode findCause}
 * @param ends all ranks in the order in which they ended
 * @param host name of this host
 * @param nodes number of hosts of the job: with several, a consequence here means a cause elsewhere
 */
export function failureReport(cause: RankEnd, ends: readonly RankEnd[], host: string, nodes: number): string {
  const error = errorLine(cause);
  const tail = cause.stderrTail.trimEnd().split("\n").slice(-TAIL_LINES);
  const lines = [
    `deepinv-run: rank ${cause.rank} failed: ${ending(cause)}${error ? `: ${error}` : ""}`,
    ...(nodes > 1 && isConsequence(cause)
      ? ["deepinv-run: the cause is on another host, or is a rank that does not answer"]
      : []),
    `first observed failure${nodes > 1 ? " on this host" : ""}`,
    `  rank       ${cause.rank}`,
    `  host       ${host}`,
    `  pid        ${cause.pid}`,
    `  ended by   ${ending(cause)}${remark(cause)}`,
    `  after      ${seconds(cause.atMs)}`,
    ...(error ? [`  error      ${error}`] : []),
    ...(tail[0] === "" ? [] : ["  last lines of its stderr", ...tail.map((line) => `    | ${line}`)]),
  ];
  const others = ends.filter((end) => end !== cause).toSorted((a, b) => a.rank - b.rank);
  if (others.length > 0) {
    lines.push("other ranks");
    for (const end of others) {
      lines.push(
        `  rank ${String(end.rank).padEnd(5)} ${ending(end)} after ${seconds(end.atMs)}${remark(end)}`,
      );
    }
  }
  return lines.join("\n") + "\n";
}
