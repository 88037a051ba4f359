import assert from "node:assert/strict";
import { cycle } from "./start_end_cycles.ts";

Deno.test("jobs that start, meet once and end leave nobody behind and say nothing", async () => {
  for (let number = 0; number < 8; number++) {
    const cycles = await Promise.all([cycle(2), cycle(1, 2)]);
    for (const { problem } of cycles) assert.equal(problem, "");
  }
});
