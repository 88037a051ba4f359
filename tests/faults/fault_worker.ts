/**
 * A rank of random_faults.ts: does collectives for ever; one rank of the job (argument 1) fails in a way (argument 2) at
 * a moment (argument 3, in ms after the start). A survivor prints what it saw as one line of JSON, and swallows the error.
 */

import { connect, type ProcessGroup } from "../../src/comm/mod.ts";

const [victim, fault, delay] = Deno.args;

function fail(): void {
  console.log(JSON.stringify({ failed: Date.now() }));
  if (fault === "kill") Deno.kill(Deno.pid, "SIGKILL");
  if (fault === "stop") Deno.kill(Deno.pid, "SIGSTOP");
  if (fault === "exit") Deno.exit(7);
  if (fault === "throw") throw new RangeError("injected");
}

async function work(group: ProcessGroup): Promise<never> {
  const { rank, size } = group;
  const [small, long] = [new Float32Array(10), new Float32Array(200_000)];
  for (let round = 0;; round++) {
    small.fill(rank);
    const [sum] = await group.allReduce(small);
    if (sum !== size * (size - 1) / 2) throw new Error(`the sum of round ${round} is ${sum}`);
    await group.broadcast(long, round % size);
    await group.allGatherObject({ rank, round });
    if (round % 3 === rank % 3) await new Promise((resolve) => setTimeout(resolve, 3));
    await group.barrier();
  }
}

await using group = await connect({ timeout: 30_000 });
console.log(JSON.stringify({ rank: group.rank, pid: Deno.pid }));
if (group.rank === Number(victim)) setTimeout(fail, Number(delay));
try {
  await work(group);
} catch (caught) {
  const { name, message, ranks } = caught as Error & { ranks?: number[] };
  console.log(JSON.stringify({ rank: group.rank, name, message, ranks, noticed: Date.now() }));
}
