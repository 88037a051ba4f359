/** A rank on a host with too much to do: blocks its own thread for long stretches, while a worker burns another core. */

import { connect } from "../../src/comm/mod.ts";

const [blockMs, rounds] = Deno.args.map(Number);
const burn = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;);
};
const code = "for (;;) Math.sqrt(Math.random());";
const workers = [0, 1].map(() =>
  new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" })
);
{
  await using group = await connect({ timeout: 60_000 });
  for (let round = 0; round < rounds; round++) {
    burn(blockMs * (1 + (group.rank + round) % group.size) / group.size);
    const [sum] = await group.allReduce(new Float32Array([1]));
    if (sum !== group.size) throw new Error(`${sum} of ${group.size} ranks`);
  }
}
for (const worker of workers) worker.terminate();
