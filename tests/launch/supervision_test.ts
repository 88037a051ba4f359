import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { childrenOf, fixture, launch, Launcher, survivors } from "./launcher.ts";

const FAIL = fixture("fail.ts");

Deno.test("supervision: the rank that fails is named with its code, and the others are ended", async () => {
  await using launcher = new Launcher(["-n", "3", FAIL, "1:50:exit=7"]);
  const pids = await launcher.pids(3);
  const { code, stderr, seconds } = await launcher.finished();
  strictEqual(code, 7);
  match(stderr, /^deepinv-run: rank 1 failed: exit code 7$/m);
  match(
    stderr,
    /^first observed failure\n {2}rank +1\n {2}host +\S+\n {2}pid +\d+\n {2}ended by +exit code 7\n/m,
  );
  match(stderr, /^ {2}rank 0 +signal SIGTERM .*\(ended by the launcher\)$/m);
  match(stderr, /^ {2}rank 2 +signal SIGTERM .*\(ended by the launcher\)$/m);
  ok(seconds < 6, `${seconds} s`);
  deepStrictEqual(await survivors(pids), []);
});

Deno.test("supervision: a signal and an uncaught error are named as such", async () => {
  const [killed, thrown] = await Promise.all([
    launch(["-n", "2", FAIL, "0:0:ok", "1:0:signal=SIGKILL"]),
    launch(["-n", "2", FAIL, "0:0:throw=Error", "1:0:ok"]),
  ]);
  strictEqual(killed.code, 137);
  match(killed.stderr, /^deepinv-run: rank 1 failed: signal SIGKILL$/m);
  strictEqual(thrown.code, 1);
  match(thrown.stderr, /^deepinv-run: rank 0 failed: exit code 1: Error: rank 0 gives up$/m);
  match(thrown.stderr, /^\[0\] error: Uncaught/m);
  match(thrown.stderr, /^ {4}\| and explains$/m);
});

Deno.test("supervision: survivors have time to say what they saw, and the cause is named although it ended later", async () => {
  const [early, late] = await Promise.all([
    launch(["-n", "3", FAIL, "0:0:throw=RankFailedError", "1:800:exit=9", "2:0:exit=76"]),
    launch([
      "-n",
      "3",
      FAIL,
      "0:800:throw=CollectiveTimeoutError",
      "1:0:signal=SIGABRT",
      "2:1500:throw=RankFailedError",
    ]),
  ]);
  strictEqual(early.code, 9);
  match(early.stderr, /^deepinv-run: rank 1 failed: exit code 9$/m);
  match(early.stderr, /^ {2}rank 0 +exit code 1 .*\(because another rank failed\)$/m);
  match(early.stderr, /^ {2}rank 2 +exit code 76 .*\(because another rank failed\)$/m);
  strictEqual(late.code, 134);
  match(late.stderr, /^deepinv-run: rank 1 failed: signal SIGABRT$/m);
  match(late.stderr, /^\[2\] error: Uncaught .*RankFailedError: rank 2 gives up$/m);
});

Deno.test("supervision: where ranks only report one that hangs, the earliest report stands", async () => {
  const { code, stderr } = await launch([
    ...[
      "-n",
      "3",
      FAIL,
      "0:700:throw=CollectiveTimeoutError",
      "2:0:throw=CollectiveTimeoutError",
      "1:0:stubborn",
    ],
  ]);
  strictEqual(code, 1);
  match(stderr, /^deepinv-run: rank 2 failed: exit code 1: CollectiveTimeoutError: rank 2 gives up$/m);
  match(stderr, /^ {2}rank 1 +signal SIGKILL .*\(ended by the launcher\)$/m);
});

Deno.test("supervision: SIGINT, SIGTERM and SIGHUP end every rank", async () => {
  await Promise.all(
    ([["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const).map(async ([signal, expected]) => {
      await using launcher = new Launcher(["-n", "2", FAIL]);
      const pids = await launcher.pids(2);
      launcher.kill(signal);
      const { code, stderr } = await launcher.finished();
      strictEqual(code, expected);
      strictEqual(stderr, `deepinv-run: ended the job on ${signal}\n`);
      deepStrictEqual(await survivors(pids, 0), []);
    }),
  );
});

Deno.test("supervision: a second Ctrl-C does not wait for a rank that ignores the first", async () => {
  await using launcher = new Launcher(["-n", "1", FAIL, "0:0:stubborn"]);
  const pids = await launcher.pids(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  launcher.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 300));
  deepStrictEqual(await survivors(pids, 0), pids);
  const second = performance.now();
  launcher.kill("SIGINT");
  const { code, stdout } = await launcher.finished();
  strictEqual(code, 130);
  match(stdout, /ignores SIGTERM/);
  ok(performance.now() - second < 3000);
  deepStrictEqual(await survivors(pids, 0), []);
});

Deno.test("supervision: kill -9 of the launcher leaves nothing, not even what the ranks have started", async () => {
  await using launcher = new Launcher(["-n", "2", fixture("grandchild.ts"), "wait"]);
  const pids = await launcher.pids(4);
  launcher.kill("SIGKILL");
  deepStrictEqual(await survivors(pids, 5), []);
});

Deno.test({
  name: "supervision: the kernel alone ends even a busy or stopped rank with its launcher",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using launcher = new Launcher(["-n", "3", FAIL, "1:0:busy", "2:0:signal=SIGSTOP"]);
    const pids = await launcher.pids(3);
    const watchers = childrenOf(launcher.pid).filter((pid) => !pids.includes(pid));
    strictEqual(watchers.length, 1);
    Deno.kill(watchers[0], "SIGKILL");
    deepStrictEqual(await survivors(watchers), []);
    launcher.kill("SIGKILL");
    deepStrictEqual(await survivors(pids, 5), []);
  },
});

Deno.test("supervision: a rank's child that holds its output open does not hold up the end, and ends with it", async () => {
  await using launcher = new Launcher(["-n", "2", fixture("grandchild.ts")]);
  const pids = await launcher.pids(4);
  const { code, seconds } = await launcher.finished();
  strictEqual(code, 0);
  ok(seconds < 10, `${seconds} s`);
  deepStrictEqual(await survivors(pids), []);
});

Deno.test("supervision: --timeout ends the job with exit code 124", async () => {
  await using launcher = new Launcher(["-n", "2", "--timeout", "1s", FAIL]);
  const pids = await launcher.pids(2);
  const { code, stderr } = await launcher.finished();
  strictEqual(code, 124);
  strictEqual(stderr, "deepinv-run: ended the job because it ran longer than 1 s (--timeout)\n");
  deepStrictEqual(await survivors(pids), []);
});

Deno.test("supervision: --max-restarts starts all ranks again and tells them how often", async () => {
  const [enough, tooFew] = await Promise.all([
    launch(["-n", "2", "--max-restarts", "2", fixture("restart.ts")]),
    launch(["-n", "2", "--max-restarts", "1", fixture("restart.ts")]),
  ]);
  strictEqual(enough.code, 0);
  deepStrictEqual(enough.stdout.split("\n").filter((line) => line.startsWith("[0]")), [
    ...["[0] start 0", "[0] start 1", "[0] start 2"],
  ]);
  match(enough.stderr, /starting all ranks again \(2 of 2\)/);
  strictEqual(tooFew.code, 5);
});

Deno.test("supervision: a reader that leaves ends the job", async () => {
  await using launcher = new Launcher(["-n", "2", "--timeout", "30s", fixture("flood.ts"), "100000"], {
    closeOutputAfter: 1000,
  });
  const { code } = await launcher.finished();
  strictEqual(code, 141);
});

Deno.test("supervision: a reader that sleeps stops the ranks' output, but not the end of the job", async () => {
  await using launcher = new Launcher(["-n", "2", fixture("flood.ts"), "100000"], { pauseOutput: true });
  await new Promise((resolve) => setTimeout(resolve, 700));
  const processes = childrenOf(launcher.pid);
  strictEqual(processes.length, 3);
  const asked = performance.now();
  launcher.kill("SIGTERM");
  const { code } = await launcher.finished();
  strictEqual(code, 143);
  ok(performance.now() - asked < 6000);
  deepStrictEqual(await survivors(processes), []);
});

Deno.test("supervision: a clean end is silent", async () => {
  const { code, stderr } = await launch(["-n", "3", FAIL, "0:0:ok", "1:100:ok", "2:50:ok"]);
  strictEqual(code, 0);
  strictEqual(stderr, "");
});
