import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  errorLine,
  exitCodeOfJob,
  failureReport as reportVerdict,
  findCause,
  isConsequence,
} from "../../launch/failure_report.ts";
import type { RankEnd } from "../../launch/rank_process.ts";

function end(rank: number, fields: Partial<RankEnd>): RankEnd {
  return {
    rank,
    pid: 1000 + rank,
    code: 1,
    signal: null,
    atMs: 10 * rank,
    stopped: false,
    stderrTail: "",
    ...fields,
  };
}

const failureReport = (cause: RankEnd, ends: RankEnd[], host: string, nodes: number) =>
  reportVerdict({ cause, accuser: null }, ends, host, nodes);

const uncaught = (error: string) =>
  `earlier line\nerror: Uncaught (in promise) ${error}\n    at file:///s.ts:1:1\n`;

Deno.test("failure report: an ordinary error is a cause, a report of another's failure a consequence", () => {
  const consequences = [
    end(0, { code: 76 }),
    end(0, { stderrTail: uncaught("RankFailedError: rank 1 died") }),
    end(0, { stderrTail: uncaught("CollectiveTimeoutError: rank 1 did not come") }),
    end(0, { stderrTail: "error: Uncaught RankFailedError: rank 1 died\n" }),
    end(0, { stderrTail: "mine\nerror: RankFailedError: rank 1 died (caught by the script)\n" }),
    end(0, { stderrTail: uncaught("Error: solver\nCaused by: RankFailedError: rank 1 died") }),
    end(0, { stderrTail: uncaught("AggregateError: all rejected\n    RankFailedError: rank 1") }),
  ];
  const causes = [
    end(0, { code: 3 }),
    end(0, { code: 137, signal: "SIGKILL" }),
    end(0, { stderrTail: uncaught("TypeError: not RankFailedError") }),
    end(0, { stderrTail: "RankFailedError: caught and printed\n" + uncaught("Error: mine") }),
  ];
  ok(consequences.every(isConsequence));
  ok(!causes.some(isConsequence));
});

Deno.test("failure report: the cause is named even where a consequence ended earlier", () => {
  const consequence = end(0, { code: 76, atMs: 5 });
  const cause = end(1, { code: 3, atMs: 9 });
  const later = end(2, { code: 4, atMs: 12 });
  deepStrictEqual(findCause([consequence, cause, later]), { cause, accuser: null });
});

Deno.test("failure report: with consequences only the earliest is named, and the launcher's own victims never", () => {
  const first = end(2, { code: 76, atMs: 5 });
  const second = end(0, { stderrTail: uncaught("RankFailedError: x"), atMs: 6 });
  const stopped = end(1, { code: 143, signal: "SIGTERM", stopped: true, atMs: 2600 });
  deepStrictEqual(findCause([first, second, stopped]), { cause: first, accuser: null });
  strictEqual(findCause([end(0, { code: 0 }), stopped]), null);
});

Deno.test("failure report: where ranks only report another one, that one is named with what they said of it", () => {
  const missing =
    "CollectiveTimeoutError: Cannot complete allReduce #20: ranks 1, 3 did not show up within 3000 ms";
  const gone = "RankFailedError: Cannot complete barrier #2: rank 4 (host a, pid 5) ended without an error";
  const silent = end(2, { code: 76 });
  const timedOut = end(0, { stderrTail: uncaught(missing), atMs: 5 });
  const other = end(1, { stderrTail: uncaught(missing.replace("1, 3", "3")) });
  const stuck = end(3, { code: 143, signal: "SIGTERM", stopped: true, atMs: 2600 });
  const ends = [silent, timedOut, other, stuck];
  const verdict = findCause(ends)!;
  deepStrictEqual(verdict, { cause: stuck, accuser: { end: timedOut, error: missing } });
  strictEqual(exitCodeOfJob(verdict), 1);
  const text = reportVerdict(verdict, ends, "node7", 2);
  match(text, /^deepinv-run: rank 3 failed: it did not answer: CollectiveTimeoutError: Cannot .* ms$/m);
  match(text, /^first observed failure on this host\n {2}rank +3\n/m);
  match(text, /^ {2}ended by +signal SIGTERM \(ended by the launcher\)$/m);
  match(
    text,
    /^ {2}noticed +by rank 0: CollectiveTimeoutError: Cannot complete allReduce #20: ranks 1, 3 .*$/m,
  );
  const left = [
    end(4, { code: 0 }),
    end(0, { code: 76, stderrTail: `error: ${gone} (caught by the script)\n` }),
  ];
  const early = findCause(left)!;
  strictEqual(early.cause.rank, 4);
  strictEqual(exitCodeOfJob(early), 76);
  match(
    reportVerdict(early, left, "node7", 1),
    /^deepinv-run: rank 4 failed: exit code 0 while other ranks still communicated: RankFailedError: /m,
  );
});

Deno.test("failure report: the error's first line, without Deno's wrapping", () => {
  strictEqual(errorLine(end(0, { stderrTail: uncaught("TypeError: bad\nsecond") })), "TypeError: bad");
  strictEqual(errorLine(end(0, { stderrTail: "error: Module not found\n" })), "Module not found");
  strictEqual(errorLine(end(0, { stderrTail: "some error: not at the start\n" })), null);
  const worker =
    `error: Uncaught (in worker "") Error: inner\nerror: Uncaught (in promise) Error: Unhandled error in child worker.\n`;
  strictEqual(errorLine(end(0, { stderrTail: worker })), `(in worker "") Error: inner`);
});

Deno.test("failure report: the table holds all that is known", () => {
  const cause = end(1, { code: 3, atMs: 1234, stderrTail: uncaught("Error: boom") });
  const killed = end(0, { code: 137, signal: "SIGKILL", stopped: true, atMs: 4000 });
  const text = failureReport(cause, [cause, end(2, { code: 76, atMs: 1300 }), killed], "node7", 1);
  for (
    const line of [
      /^deepinv-run: rank 1 failed: exit code 3: Error: boom$/m,
      /^first observed failure$/m,
      /^ {2}rank +1$/m,
      /^ {2}host +node7$/m,
      /^ {2}pid +1001$/m,
      /^ {2}ended by +exit code 3$/m,
      /^ {2}after +1\.23 s$/m,
      /^ {2}error +Error: boom$/m,
      /^ {4}\| {5}at file:\/\/\/s\.ts:1:1$/m,
      /^ {2}rank 0 +signal SIGKILL after 4\.00 s \(ended by the launcher\)$/m,
      /^ {2}rank 2 +exit code 76 after 1\.30 s \(because another rank failed\)$/m,
    ]
  ) match(text, line);
});

Deno.test("failure report: with several hosts, a consequence says that its cause is elsewhere", () => {
  const consequence = end(1, { code: 76 });
  match(
    failureReport(consequence, [consequence], "node7", 2),
    /the cause is on another host[^]*failure on this host$/m,
  );
  ok(!failureReport(end(1, { code: 3 }), [], "node7", 2).includes("another host"));
  ok(!failureReport(consequence, [consequence], "node7", 1).includes("another host"));
});
