import assert from "node:assert/strict";
import { canNameHosts, onHosts } from "./hosts.ts";
import { runRanks, spawnRanks } from "./spawn_ranks.ts";

/** The host of each rank, and the longest arrays. */
const LAYOUTS: [hostOf: number[], longest: number][] = [
  [[0, 0, 1, 1], 100_000],
  [[0, 1, 0, 1, 0], 40_000],
  [[0, 1, 1], 200_000],
  [[0, 0, 0, 1], 40_000],
  [[1, 0, 2, 0, 1, 2], 30_000],
];

for (const [hostOf, longest] of LAYOUTS) {
  const ignore = !canNameHosts;
  Deno.test({
    name: `ranks on hosts ${hostOf}: every collective, type and operator`,
    ignore,
    async fn() {
      const args = [`${longest}`];
      await runRanks("collectives_worker.ts", hostOf.length, { args, wrap: onHosts(hostOf) });
    },
  });
  Deno.test({
    name: `ranks on hosts ${hostOf}: every root, any lengths, sub-groups, sums in the documented order`,
    ignore,
    async fn() {
      const args = [`${hostOf}`, `${longest}`];
      await runRanks("hierarchical_worker.ts", hostOf.length, { args, wrap: onHosts(hostOf) });
    },
  });
}

Deno.test({
  name: "on several hosts, blocks of other lengths raise CollectiveMismatchError everywhere",
  ignore: !canNameHosts,
  async fn() {
    for (const liar of [0, 1, 3]) {
      const args = ["0,0,1,1", "0", `${liar}`];
      await runRanks("hierarchical_worker.ts", 4, { args, wrap: onHosts([0, 0, 1, 1]) });
    }
  },
});

Deno.test({
  name: "on several hosts, other disagreements raise CollectiveMismatchError everywhere",
  ignore: !canNameHosts,
  async fn() {
    const scenarios = ["roots", "block_sizes", "gather_dtypes", "operations", "groups"];
    for (const scenario of scenarios) {
      const options = { args: [scenario], wrap: onHosts([0, 1, 0]) };
      for (const { stdout } of await runRanks("failures_worker.ts", 3, options)) {
        const { name, message, ms } = JSON.parse(stdout);
        assert.equal(name, "CollectiveMismatchError", `${scenario}: ${message}`);
        assert.ok(ms < 5000, `${scenario}: took ${ms} ms`);
      }
    }
  },
});

Deno.test({
  name: "on several hosts, dead and missing ranks are named, soon, by leaders and others",
  ignore: !canNameHosts,
  async fn() {
    const scenarios = [
      ...[["killed", "RankFailedError", 1500], ["killed_while_waiting", "RankFailedError", 1500]] as const,
      ...[["missing", "CollectiveTimeoutError", 2500], ["stuck", "CollectiveTimeoutError", 2500]] as const,
    ];
    for (const hostOf of [[0, 0, 1], [0, 1, 1], [1, 0, 0, 1]]) {
      // Most of these only wait.
      await Promise.all(scenarios.map(async ([scenario, expected, limitMs]) => {
        const options = { args: [scenario], wrap: onHosts(hostOf) };
        const results = await spawnRanks("failures_worker.ts", hostOf.length, options).finish();
        for (const { rank, stdout, stderr } of results) {
          if (rank === 1 && expected === "RankFailedError") continue;
          assert.notEqual(stdout, "", `rank ${rank}, ${scenario} on ${hostOf}: ${stderr}`);
          const { name, message, ranks, ms } = JSON.parse(stdout);
          const label = `rank ${rank}, ${scenario} on ${hostOf}: ${message}`;
          assert.deepEqual([name, ranks], [expected, [1]], label);
          assert.ok(ms < limitMs, `${label}, after ${ms} ms`);
        }
      }));
    }
  },
});
