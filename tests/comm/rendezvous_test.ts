import assert from "node:assert/strict";
import { runRanks, spawnRanks } from "./spawn_ranks.ts";

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

Deno.test("a taken port is a clear error", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [result] = await spawnRanks("cycles_worker.ts", 2, { only: [0], port, args: ["1", "300"] }).finish();
  assert.match(result.stderr, /Cannot listen at tcp:\/\/127\.0\.0\.1:\d+: Address already in use/);
});

Deno.test("ranks that were told different world sizes say so at once", async () => {
  const started = performance.now();
  const envOf = (rank: number) => rank === 2 ? { RANK: "4", WORLD_SIZE: "6" } : {} as Record<string, string>;
  const results = await spawnRanks("cycles_worker.ts", 4, { only: [0, 1, 2], envOf, args: ["1", "20000"] })
    .finish();
  for (const { code, stderr } of results) {
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      /rank 4 on \S+ was told of 6 ranks, rank 0 of 4; start the same number on every host/,
    );
  }
  assert.ok(performance.now() - started < 15_000, "long before the deadline");
});

Deno.test("two processes that say they are the same rank are told so at once", async () => {
  const envOf = (rank: number) => rank === 2 ? { RANK: "1" } : {} as Record<string, string>;
  const results = await spawnRanks("cycles_worker.ts", 4, { only: [0, 1, 2], envOf, args: ["1", "20000"] })
    .finish();
  for (const { code, stderr } of results) {
    assert.notEqual(code, 0);
    assert.match(stderr, /both say that they are rank 1; give every host its own number/);
  }
});

Deno.test("a rank that dies before all have met is named, long before the deadline", async () => {
  const ranks = spawnRanks("cycles_worker.ts", 3, { only: [0, 1], args: ["1", "20000"] });
  const [zero] = ranks.children;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  ranks.children[1].kill("SIGKILL");
  const [result] = await ranks.finish();
  assert.match(
    result.stderr,
    /RankFailedError: .*rank 1 \(host \S+, pid \d+\) left before all ranks had met/,
  );
  assert.equal((await zero.status).code, 76);
});
