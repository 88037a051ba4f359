import { runRanks } from "./spawn_ranks.ts";

// Longer arrays on few ranks, where they take several slices; shorter ones on many, where they take many steps.
for (
  const [ranks, longest] of [[1, 300_000], [2, 600_000], [3, 300_000], [4, 100_000], [5, 40_000], [7, 40_000]]
) {
  Deno.test(`every collective on ${ranks} ranks`, async () => {
    await runRanks("collectives_worker.ts", ranks, { args: [`${longest}`] });
  });
}
