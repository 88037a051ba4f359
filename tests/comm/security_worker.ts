/** A job that lasts a while and does not mind strangers; run by security_test.ts. */

import { connect } from "../../src/comm/mod.ts";

await using group = await connect({ timeout: Number(Deno.args[0] ?? 10_000) });
for (let round = 0; round < 16; round++) {
  const [sum] = await group.allReduce(new Float64Array([group.rank + round]));
  if (sum !== round * 2 + 1) throw new Error(`the sum of round ${round} is ${sum}`);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
