/** More ranks than cores, long arrays, and senders that are far ahead. */

import assert from "node:assert/strict";
import { runRanks } from "./spawn_ranks.ts";

const TRANSPORTS = Deno.build.os === "linux" ? ["shm", "tcp"] : ["tcp"];
const canPin = (await new Deno.Command("taskset", { args: ["-c", "0,1", "true"], stderr: "null" }).output()
  .catch(() => undefined))?.success === true;
/** Two cores for all ranks together. */
const onTwoCores = (_rank: number, command: string[]): string[] =>
  canPin ? ["taskset", "-c", "0,1", ...command] : command;

for (const transport of TRANSPORTS) {
  Deno.test(`${transport}: every collective on eight ranks on two cores`, async () => {
    const options = { args: ["20000"], env: { DEEPINV_TRANSPORT: transport }, wrap: onTwoCores };
    await runRanks("collectives_worker.ts", 8, options);
  });

  Deno.test(`${transport}: eight ranks on two cores serve timers within 20 ms in all waits`, async () => {
    const options = { args: ["gaps", transport], wrap: onTwoCores };
    const results = await runRanks("load_worker.ts", 8, options);
    for (const { rank, stdout } of results.slice(0, 7)) {
      const entries = Object.entries<{ count: number; p90: number }>(JSON.parse(stdout));
      const waits = entries.filter(([, { count }]) => count > 8);
      assert.ok(waits.length >= 12, `rank ${rank} must have waited: ${stdout}`);
      // Other work on the machine may delay a few turns, not one in ten.
      for (const [name, { p90 }] of waits) assert.ok(p90 < 20, `rank ${rank}, ${name}: ${p90} ms`);
    }
  });

  Deno.test(`${transport}: 64 MiB between three ranks`, async () => {
    await runRanks("load_worker.ts", 3, { args: ["large", transport] });
  });

  Deno.test(`${transport}: a sender far ahead of its receiver is held back, and memory stays bounded`, async () => {
    // 16 MiB may be under way unasked, of the longer messages nothing.
    for (const [count, bytes, most] of [[1000, 400_000, 70], [150_000, 7000, 6000], [40, 10_000_000, 1]]) {
      const args = ["ahead", transport, `${count}`, `${bytes}`];
      const [sender, receiver] = await runRanks("load_worker.ts", 2, { args });
      const { growth, sentBefore } = JSON.parse(sender.stdout);
      const label = `${count} messages of ${bytes} bytes`;
      assert.ok(sentBefore <= most, `${label}: ${sentBefore} had left before the first was received`);
      assert.ok(growth < 100e6, `${label}: the sender grew by ${growth} bytes`);
      const { growth: received } = JSON.parse(receiver.stdout);
      // What it has received and forgotten is collected when the engine thinks fit.
      const limit = Math.max(300e6, count * bytes / 2);
      assert.ok(received < limit, `${label}: the receiver grew by ${received} bytes`);
    }
  });
}
