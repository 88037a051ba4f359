/** Starts and leaves a group as often as the first argument says; run by rendezvous_test.ts. */

import { createProcessGroup, resolveProcess } from "../../src/comm/mod.ts";

const [cycles, timeout = "10000"] = Deno.args;
const process = resolveProcess();
for (let cycle = 0; cycle < Number(cycles); cycle++) {
  await using group = await createProcessGroup(process, { timeout: Number(timeout) });
  await group.barrier();
  const sum = await group.allReduce(new Float32Array([1]));
  if (sum[0] !== group.size) throw new Error(`${sum[0]} of ${group.size} ranks`);
}
