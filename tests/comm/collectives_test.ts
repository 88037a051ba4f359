import { runRanks } from "./spawn_ranks.ts";

// Longer arrays on few ranks, where they take several slices; shorter ones on many, where they take many steps.
for (
  const [ranks, longest] of [[1, 300_000], [2, 600_000], [3, 300_000], [4, 100_000], [5, 40_000], [7, 40_000]]
) {
  for (const transport of ranks === 1 ? ["auto"] : ["auto", "tcp"]) {
    Deno.test(`every collective on ${ranks} ranks, ${transport}`, async () => {
      const env = { DEEPINV_TRANSPORT: transport };
      await runRanks("collectives_worker.ts", ranks, { args: [`${longest}`], env });
    });
  }
}
