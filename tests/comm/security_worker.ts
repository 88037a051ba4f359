/** A job that goes on until the file named by its second argument is gone; run by security_test.ts. */

import { existsSync } from "node:fs";
import { connect } from "../../src/comm/mod.ts";

const [timeout, file] = Deno.args;
await using group = await connect({ timeout: Number(timeout) });
for (let round = 0, goOn = 1; goOn > 0; round++) {
  const [sum, flags] = await group.allReduce(
    new Float64Array([group.rank + round, existsSync(file) ? 1 : 0]),
  );
  if (sum !== round * 2 + 1) throw new Error(`the sum of round ${round} is ${sum}`);
  goOn = flags;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
