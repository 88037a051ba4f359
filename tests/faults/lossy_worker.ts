/** A few collectives of all sizes over a bad network; run by several_hosts_test.ts. */

import { connect } from "../../src/comm/mod.ts";

await using group = await connect({ timeout: 60_000 });
for (let round = 0; round < 20; round++) {
  for (const length of [1, 3000, round % 5 === 0 ? 300_000 : 0]) {
    const x = new Float32Array(length).fill(group.rank + round);
    await group.allReduce(x);
    const expected = group.size * (group.size - 1) / 2 + group.size * round;
    if (x.some((value) => value !== expected)) throw new Error(`round ${round}, ${length} elements: ${x[0]}`);
  }
}
