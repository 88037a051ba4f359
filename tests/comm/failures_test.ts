import assert from "node:assert/strict";
import { PEER_FAILURE_EXIT_CODE } from "../../src/cluster/exit_codes.ts";
import { type RankResult, runRanks, spawnRanks } from "./spawn_ranks.ts";

interface Seen {
  name: string;
  message: string;
  ranks: number[];
  operation: string;
  sequence: number;
  ms: number;
  again: string;
}

/** What a rank of failures_worker.ts reported. */
function seen(result: RankResult): Seen {
  try {
    return JSON.parse(result.stdout);
  } catch {
    throw new Error(`rank ${result.rank} reported nothing: ${result.code} ${result.signal} ${result.stderr}`);
  }
}

const MISMATCHES = [
  ...["operations", "dtypes", "sizes", "long_sizes", "ops", "roots", "broadcast_sizes", "reduce_sizes"],
  ...["gather_dtypes", "block_sizes", "broadcast_against_barrier", "groups"],
];
for (const scenario of MISMATCHES) {
  Deno.test(`disagreement raises CollectiveMismatchError on every rank: ${scenario}`, async () => {
    for (const result of await runRanks("failures_worker.ts", 3, { args: [scenario] })) {
      const { name, message, ms, again } = seen(result);
      assert.equal(name, "CollectiveMismatchError", message);
      assert.equal(again, "CollectiveMismatchError");
      assert.ok(ms < 5000, `took ${ms} ms with a timeout of 20 s`);
    }
  });
}

for (
  const [scenario, missing] of [["missing", 1], ["missing_root", 0], ["stuck", 1], [
    "lonely_recv",
    1,
  ]] as const
) {
  Deno.test(`a timeout names the rank that is missing, on every rank: ${scenario}`, async () => {
    for (const result of await runRanks("failures_worker.ts", 3, { args: [scenario] })) {
      const { name, ranks, message, again } = seen(result);
      assert.equal(name, "CollectiveTimeoutError");
      assert.deepEqual(ranks, [missing]);
      assert.match(message, new RegExp(`rank ${missing} did not show up within \\d+ ms`));
      assert.equal(again, "CollectiveTimeoutError");
    }
  });
}

for (const scenario of ["killed", "killed_while_waiting", "exits", "leaves_early", "stopped"]) {
  Deno.test(`the death of a rank raises RankFailedError on the others: ${scenario}`, async () => {
    const running = spawnRanks("failures_worker.ts", 3, { args: [scenario] });
    const survivors = [0, 2].map((rank) => running.children[rank].status);
    void Promise.all(survivors).then(() => scenario === "stopped" && running.children[1].kill("SIGKILL"));
    const results = await running.finish();
    for (const result of [results[0], results[2]]) {
      const { name, ranks, message, operation, again } = seen(result);
      assert.equal(name, "RankFailedError", message);
      assert.deepEqual(ranks, [1]);
      assert.notEqual(operation, "");
      assert.match(message, scenario === "leaves_early" ? /left the group while/ : /connection broke/);
      assert.equal(again, "RankFailedError");
      assert.equal(result.code, PEER_FAILURE_EXIT_CODE, "the process fails even if the error is swallowed");
    }
  });
}

Deno.test("an uncaught RankFailedError ends the process with the code of a consequence", async () => {
  const results = await spawnRanks("failures_worker.ts", 2, { args: ["uncaught"] }).finish();
  assert.equal(results[0].code, PEER_FAILURE_EXIT_CODE);
  assert.match(results[0].stderr, /RankFailedError: Cannot complete barrier/);
  assert.equal(results[1].code, 3);
});

Deno.test("a value that cannot be cloned is refused where it is given", async () => {
  const results = await runRanks("failures_worker.ts", 2, { args: ["own_fault"] });
  assert.equal(seen(results[1]).name, "InvalidArgumentError");
});
