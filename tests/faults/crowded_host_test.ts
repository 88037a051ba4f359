import assert from "node:assert/strict";
import { spawnRanks } from "../comm/spawn_ranks.ts";

Deno.test("ranks that are merely slow are not declared lost: 7 ranks and 14 busy threads", async () => {
  // Each round blocks the ranks' own threads for longer than the silence after which a rank counts as lost.
  const running = spawnRanks("../faults/crowded_worker.ts", 7, { args: ["2600", "1"] });
  for (const { rank, code, stderr } of await running.finish(60_000)) {
    assert.equal(code, 0, `rank ${rank}: ${stderr}`);
  }
});
