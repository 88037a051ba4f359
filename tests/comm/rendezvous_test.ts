import assert from "node:assert/strict";
import { freePort, runRanks, spawnRanks } from "./spawn_ranks.ts";

Deno.test("200 start-barrier-end cycles leave nobody behind", async () => {
  // Each process starts and leaves 100 groups one after the other; only the first is also a process start.
  for (const ranks of [2, 3]) await runRanks("cycles_worker.ts", ranks, { args: ["100"] });
});

Deno.test("ranks that leave right after a collective do not strand slower ones", async () => {
  await Promise.all([0, 1].map(() => runRanks("cycles_worker.ts", 2, { args: ["1"] })));
});

Deno.test("a start without all ranks names the missing ones, on every rank", async () => {
  const results = await spawnRanks("cycles_worker.ts", 4, { only: [0, 2], args: ["1", "1500"] }).finish();
  for (const { code, stderr } of results) {
    assert.notEqual(code, 0);
    assert.match(stderr, /CollectiveTimeoutError: Cannot complete rendezvous #0: ranks 1, 3 did not show up/);
  }
});

Deno.test("a start without rank 0 says so", async () => {
  const [result] = await spawnRanks("cycles_worker.ts", 2, { only: [1], args: ["1", "300"] }).finish();
  assert.match(result.stderr, /rank 0 did not show up at 127\.0\.0\.1:\d+ within 300 ms/);
});

Deno.test("a stranger with another token is refused and the job goes on", async () => {
  const port = freePort();
  const stranger = spawnRanks("cycles_worker.ts", 2, {
    ...{ only: [1], port, args: ["1", "1500"], env: { DEEPINV_JOB_TOKEN: "another" } },
  });
  const job = spawnRanks("cycles_worker.ts", 2, { port, args: ["3"], env: { START_LATE: "400" } });
  const results = await job.finish();
  assert.deepEqual(results.map(({ code }) => code), [0, 0], results.map(({ stderr }) => stderr).join("\n"));
  const [refused] = await stranger.finish();
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /rank 0 did not show up/);
});

Deno.test("garbage at the port is ignored", async () => {
  const port = freePort();
  const job = spawnRanks("cycles_worker.ts", 2, { port, args: ["1"], env: { START_LATE: "500" } });
  let attempts = 0;
  const until = performance.now() + 450;
  const garbage = [
    crypto.getRandomValues(new Uint8Array(5000)),
    new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    // A ZMTP greeting with the NULL mechanism, then a READY command, then a message frame of 2^62 bytes.
    greetingThen([4, 41, 5, ...new TextEncoder().encode("READY"), 2, 64, 0, 0, 0, 0, 0, 0, 0]),
  ];
  while (performance.now() < until) {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(garbage[attempts++ % garbage.length]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const results = await job.finish();
  assert.ok(attempts > 3, "the garbage must have reached the port");
  assert.deepEqual(results.map(({ code }) => code), [0, 0], results.map(({ stderr }) => stderr).join("\n"));
});

function greetingThen(bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  const greeting = new Uint8Array(64 + bytes.length);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, ...new TextEncoder().encode("NULL")]);
  greeting.set(bytes, 64);
  return greeting;
}

Deno.test("a taken port is a clear error", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [result] = await spawnRanks("cycles_worker.ts", 2, { only: [0], port, args: ["1", "300"] }).finish();
  assert.match(result.stderr, /Cannot listen at tcp:\/\/127\.0\.0\.1:\d+: Address already in use/);
});
