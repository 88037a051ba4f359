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
  processes: { rank: number; host: string; pid: number; ending: string }[];
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

/** Through shared memory, and by messages. */
const TRANSPORTS = ["auto", "tcp"].map((name) => ({ DEEPINV_TRANSPORT: name }));

const MISMATCHES = [
  ...["operations", "dtypes", "sizes", "long_sizes", "ops", "roots", "broadcast_sizes", "reduce_sizes"],
  ...["gather_dtypes", "block_sizes", "broadcast_against_barrier", "groups"],
];
Deno.test("disagreement raises CollectiveMismatchError on every rank", async () => {
  const waiting = MISMATCHES.flatMap((scenario) => TRANSPORTS.map((env) => ({ scenario, env })));
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { scenario, env } = next;
      for (const result of await runRanks("failures_worker.ts", 3, { args: [scenario], env })) {
        const { name, message, ms, again } = seen(result);
        assert.equal(name, "CollectiveMismatchError", `${scenario}: ${message}`);
        assert.equal(again, "CollectiveMismatchError");
        assert.ok(ms < 5000, `${scenario}: took ${ms} ms with a timeout of 20 s`);
      }
    }
  };
  await Promise.all([lane(), lane(), lane()]);
});

Deno.test("a timeout names the rank that is missing, on every rank", async () => {
  const scenarios = [["missing", 1], ["missing_root", 0], ["stuck", 1], ["lonely_recv", 1]] as const;
  const cases = scenarios.flatMap(([scenario, missing]) =>
    TRANSPORTS.map((env) => ({ scenario, missing, env }))
  );
  await Promise.all(cases.map(async ({ scenario, missing, env }) => {
    for (const result of await spawnRanks("failures_worker.ts", 3, { args: [scenario], env }).finish()) {
      const { name, ranks, message, again } = seen(result);
      assert.equal(name, "CollectiveTimeoutError", `${scenario}: ${message}`);
      assert.deepEqual(ranks, [missing], scenario);
      assert.match(message, new RegExp(`rank ${missing} did not show up within \\d+ ms`));
      assert.equal(again, "CollectiveTimeoutError");
      assert.equal(result.code, PEER_FAILURE_EXIT_CODE, "the process fails even if the error is swallowed");
    }
  }));
});

const DEATHS = [
  ["killed", /failed: the connection broke$/, 1000],
  ["killed_while_waiting", /failed: the connection broke$/, 1000],
  ["stopped", /failed: the connection broke$/, 3000],
  ["exits", /failed: ended with exit code 3$/, 1000],
  ["throws", /failed: uncaught RangeError: boom$/, 1000],
  ["rejects", /failed: uncaught RangeError: boom$/, 1000],
  ["leaves_early", / left the group while other ranks still communicate$/, 1000],
  ["ends_early", / ended without an error while other ranks still communicate$/, 1000],
] as const;

async function checkDeaths(env: Record<string, string>): Promise<void> {
  // Most of these only wait.
  await Promise.all(DEATHS.map(async ([scenario, ending, limitMs]) => {
    const running = spawnRanks("failures_worker.ts", 3, { args: [scenario], env });
    const survivors = [0, 2].map((rank) => running.children[rank].status);
    void Promise.all(survivors).then(() => scenario === "stopped" && running.children[1].kill("SIGKILL"));
    const results = await running.finish();
    for (const result of [results[0], results[2]]) {
      const { name, ranks, message, operation, again, ms, processes } = seen(result);
      assert.equal(name, "RankFailedError", `${scenario}: ${message}`);
      assert.deepEqual(ranks, [1]);
      assert.notEqual(operation, "");
      assert.match(message, ending, scenario);
      assert.match(
        message,
        new RegExp(`rank 1 \\(host ${Deno.hostname()}, pid ${running.children[1].pid}\\)`),
      );
      const [{ rank, host, pid }] = processes;
      assert.deepEqual([rank, host, pid], [1, Deno.hostname(), running.children[1].pid]);
      assert.ok(ms < limitMs + 500, `${scenario}: noticed after ${ms} ms`);
      assert.equal(again, "RankFailedError");
      assert.equal(result.code, PEER_FAILURE_EXIT_CODE, "the process fails even if the error is swallowed");
    }
  }));
}

for (const env of TRANSPORTS) {
  const name = "the death of a rank raises RankFailedError on the others, soon and with its end";
  Deno.test(`${name}, ${env.DEEPINV_TRANSPORT}`, () => checkDeaths(env));
}

Deno.test("a rank that ends without closing, after its part is done, has left in peace", async () => {
  await runRanks("failures_worker.ts", 3, { args: ["ends_without_closing"] });
});

Deno.test("an uncaught RankFailedError ends the process with the code of a consequence", async () => {
  const results = await spawnRanks("failures_worker.ts", 2, { args: ["uncaught"] }).finish();
  assert.equal(results[0].code, PEER_FAILURE_EXIT_CODE);
  assert.match(results[0].stderr, /RankFailedError: Cannot complete barrier/);
  assert.equal(results[1].code, 3);
});

Deno.test("a script that swallows the failure and ends with Deno.exit(0) has failed all the same", async () => {
  const [survivor] = await spawnRanks("failures_worker.ts", 2, { args: ["swallowed"] }).finish();
  assert.equal(survivor.code, PEER_FAILURE_EXIT_CODE);
});

Deno.test("a value that cannot be cloned is refused where it is given", async () => {
  const results = await runRanks("failures_worker.ts", 2, { args: ["own_fault"] });
  assert.equal(seen(results[1]).name, "InvalidArgumentError");
});
