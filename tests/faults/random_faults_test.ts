import assert from "node:assert/strict";
import { drawInjections, inject } from "./random_faults.ts";

Deno.test("random failures: every survivor names the right rank, nothing hangs, nothing is left", async () => {
  // The stopped ones take their two seconds; two rounds at a time.
  const injections = drawInjections(24, 2026);
  const lane = async (): Promise<void> => {
    for (const injection of injections) {
      const { problems } = await inject(injection);
      assert.deepEqual(problems, [], JSON.stringify(injection));
    }
  };
  await Promise.all([lane(), lane(), lane()]);
});
