/** A rank on a host with too much to do: blocks its own thread for long stretches, while workers burn two cores. */

import { connect } from "../../src/comm/mod.ts";

const [blockMs, rounds] = Deno.args.map(Number);
const burn = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;);
};
const code = "for (;;) Math.sqrt(Math.random());";
for (let workers = 0; workers < 2; workers++) {
  new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
}
{
  await using group = await connect({ timeout: 60_000 });
  for (let round = 0; round < rounds; round++) {
    burn(blockMs * (1 + (group.rank + round) % group.size) / group.size);
    const [sum] = await group.allReduce(new Float32Array([1]));
    if (sum !== group.size) throw new Error(`${sum} of ${group.size} ranks`);
  }
}
// A worker that never pauses cannot be terminated in any other way.
Deno.exit();
