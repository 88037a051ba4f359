import assert from "node:assert/strict";
import { runRanks, spawnRanks } from "./spawn_ranks.ts";

const WORKER = "long_messages_worker.ts";
const TRANSPORTS = Deno.build.os === "linux" ? ["shm", "tcp"] : ["tcp"];

for (const transport of TRANSPORTS) {
  Deno.test(`${transport}: all send first, 64 MiB between two ranks, cycles of three and five`, async () => {
    for (const [ranks, length] of [[2, 16 << 20], [3, 3_000_001], [5, 400_003]]) {
      await runRanks(WORKER, ranks, { args: ["cycle", transport, `${length}`] });
    }
  });

  Deno.test(`${transport}: long and short messages under many tags keep their order`, async () => {
    for (const ranks of [2, 3]) await runRanks(WORKER, ranks, { args: ["tags", transport] });
  });

  Deno.test(`${transport}: a receiver killed in the middle of a long message is noticed within a second`, async () => {
    const [sender] = await spawnRanks(WORKER, 2, { args: ["killed", transport] }).finish();
    const { name, ranks, ms } = JSON.parse(sender.stdout);
    assert.deepEqual([name, ranks], ["RankFailedError", [1]]);
    assert.ok(ms < 1060 + 500, `noticed after ${ms} ms`);
  });

  Deno.test(`${transport}: a third rank that ends aborts a long message between two others`, async () => {
    const results = await spawnRanks(WORKER, 3, { args: ["bystander", transport] }).finish();
    for (const { stdout } of results.slice(0, 2)) {
      const { name, ranks, ms } = JSON.parse(stdout);
      assert.deepEqual([name, ranks], ["RankFailedError", [2]]);
      assert.ok(ms < 1060 + 500, `noticed after ${ms} ms`);
    }
  });

  Deno.test(`${transport}: a receiver that gets stuck in the middle of a long message is a timeout`, async () => {
    const results = await spawnRanks(WORKER, 2, { args: ["stuck", transport] }).finish();
    for (const { stdout } of results) {
      const { name, ranks, message } = JSON.parse(stdout);
      assert.equal(name, "CollectiveTimeoutError", message);
      assert.deepEqual(ranks, [1]);
    }
    const { call } = JSON.parse(results[0].stdout);
    assert.ok(call < 1500, `ended after ${call} ms with a timeout of 700 ms`);
  });
}
