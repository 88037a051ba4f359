/**
 * Which rank failed first, and how: the cause among several failures, and the table that names it.
 *
 * A rank that ended because another had failed (it raised `RankFailedError` or `CollectiveTimeoutError`, or left with the
 * peer-failure exit code) is a consequence. The cause is the earliest failure that is not one, even where a consequence
 * ended earlier. If all are consequences, it is the rank that their errors name: one that stood still until the launcher
 * ended it, or that left with exit code 0; and where they name none of this host's, the earliest of them.
 */
import { PEER_FAILURE_EXIT_CODE } from "../src/cluster/exit_codes.ts";
import type { RankEnd } from "./rank_process.ts";

const CONSEQUENCE =
  /^(?:error: (?:Uncaught (?:\(.*?\) )?)?|Caused by: |\s+)(?:RankFailedError|CollectiveTimeoutError)\b/m;
const ACCUSATION =
  /\b((?:RankFailedError|CollectiveTimeoutError): Cannot complete \S+ #\d+: ranks? (\d+(?:, \d+)*) .*)/;
const TAIL_LINES = 12;

/** Which rank to blame. */
export interface Verdict {
  /** How the rank to blame ended. */
  cause: RankEnd;
  /** Where it did not fail by itself: the first rank that noticed, and its error. */
  accuser: { end: RankEnd; error: string } | null;
}

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
 * @returns null if no rank failed
 */
export function findCause(ends: readonly RankEnd[]): Verdict | null {
  const failures = ends.filter((end) => end.code !== 0 && !end.stopped);
  if (failures.length === 0) return null;
  const own = failures.find((end) => !isConsequence(end));
  if (own !== undefined) return { cause: own, accuser: null };
  for (const end of failures) {
    const [, error, ranks] = ACCUSATION.exec(uncaughtError(end)) ?? [];
    const accused = ranks?.split(", ").map(Number) ?? [];
    const cause = ends.find((other) => accused.includes(other.rank) && !failures.includes(other));
    if (cause !== undefined) return { cause, accuser: { end, error } };
  }
  return { cause: failures[0], accuser: null };
}

/** The launcher's exit code: that of the first rank that failed. */
export function exitCodeOfJob({ cause, accuser }: Verdict): number {
  return accuser === null ? cause.code : accuser.end.code;
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

/** How the rank to blame ended, in the words of the report's first line. */
function headline({ cause, accuser }: Verdict): string {
  if (accuser !== null) {
    const how = cause.stopped ? "it did not answer" : "exit code 0 while other ranks still communicated";
    return `${how}: ${accuser.error}`;
  }
  const error = errorLine(cause);
  return `${ending(cause)}${error ? `: ${error}` : ""}`;
}

/**
 * The table "first observed failure", followed by how the other ranks ended.
 *
 * @param verdict the failure to blame, from {@linkcode findCause}
 * @param ends all ranks in the order in which they ended
 * @param host name of this host
 * @param nodes number of hosts of the job: with several, a consequence here means a cause elsewhere
 */
export function failureReport(
  verdict: Verdict,
  ends: readonly RankEnd[],
  host: string,
  nodes: number,
): string {
  const { cause, accuser } = verdict;
  const error = errorLine(cause);
  const tail = cause.stderrTail.trimEnd().split("\n").slice(-TAIL_LINES);
  const lines = [
    `deepinv-run: rank ${cause.rank} failed: ${headline(verdict)}`,
    ...(nodes > 1 && accuser === null && isConsequence(cause)
      ? ["deepinv-run: the cause is on another host, or is a rank that does not answer"]
      : []),
    `first observed failure${nodes > 1 ? " on this host" : ""}`,
    `  rank       ${cause.rank}`,
    `  host       ${host}`,
    `  pid        ${cause.pid}`,
    `  ended by   ${ending(cause)}${remark(cause)}`,
    `  after      ${seconds(cause.atMs)}`,
    ...(accuser ? [`  noticed    by rank ${accuser.end.rank}: ${accuser.error}`] : []),
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
