/** One way to go wrong, chosen by the first argument; prints what this rank saw as JSON. Run by failures_test.ts. */

import { connect, type ProcessGroup } from "../../src/comm/mod.ts";

const [scenario] = Deno.args;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Reports the error of `work` with how long it took; nothing if it succeeded. */
async function report(group: ProcessGroup, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  try {
    await work();
    console.log(JSON.stringify({ name: "none" }));
  } catch (caught) {
    const { name, message, ranks, operation, sequence, processes } = caught as
      & Error
      & Record<string, unknown>;
    const ms = Math.round(performance.now() - started);
    const again = await group.barrier().then(() => "none", (error) => error.name);
    console.log(JSON.stringify({ name, message, ranks, operation, sequence, processes, ms, again }));
  }
}

const scenarios: Record<string, (group: ProcessGroup) => Promise<unknown>> = {
  operations: (group) => group.rank === 1 ? group.barrier() : group.allReduce(new Float32Array(3)),
  dtypes: (group) => group.allReduce(group.rank === 1 ? new Float64Array(3) : new Float32Array(3)),
  sizes: (group) => group.allReduce(new Float32Array(group.rank === 1 ? 4 : 3)),
  long_sizes: (group) => group.allReduce(new Float32Array(group.rank === 1 ? 400_000 : 300_000)),
  ops: (group) => group.allReduce(new Float32Array(3), { op: group.rank === 1 ? "max" : "sum" }),
  roots: (group) => group.broadcast(new Float32Array(3), group.rank === 1 ? 1 : 0),
  broadcast_sizes: (group) => group.broadcast(new Float32Array(group.rank === 1 ? 4 : 3), 0),
  reduce_sizes: (group) => group.reduce(new Float32Array(group.rank === 1 ? 4 : 3), 0),
  gather_dtypes: (group) => group.gather(group.rank === 1 ? new Int8Array(3) : new Float32Array(3), 0),
  block_sizes: (group) =>
    group.reduceScatter(group.ranks.map((to) => new Float32Array(to + (group.rank === 1 ? 2 : 1)))),
  broadcast_against_barrier: (group) =>
    group.rank === 1 ? group.broadcast(new Int8Array(1), 1) : group.barrier(),
  groups: (group) => group.newGroup(group.rank === 1 ? [0] : [0, 1]),
  async missing(group) {
    if (group.rank === 1) await pause(1500);
    await group.allReduce(new Float32Array(3), { timeout: 400 });
  },
  async missing_root(group) {
    if (group.rank === 0) await pause(1500);
    await group.broadcast(new Float32Array(3), 0, { timeout: 400 });
  },
  async stuck(group) {
    if (group.rank === 1) {
      const until = performance.now() + 1500;
      while (performance.now() < until);
    }
    await group.barrier({ timeout: 400 });
  },
  async lonely_recv(group) {
    if (group.rank === 0) await group.recv(1, 3, { timeout: 300 });
    else await group.barrier();
  },
  async killed(group) {
    if (group.rank === 1) Deno.kill(Deno.pid, "SIGKILL");
    await group.allReduce(new Float32Array(100_000));
  },
  async killed_while_waiting(group) {
    if (group.rank === 1) setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), 200);
    if (group.rank === 1) await pause(1000);
    await group.barrier();
  },
  async exits(group) {
    if (group.rank === 1) Deno.exit(3);
    await pause(100);
    await group.barrier();
  },
  async throws(group) {
    if (group.rank === 1) {
      setTimeout(() => {
        throw new RangeError("boom");
      }, 100);
    }
    await pause(50);
    await (group.rank === 1 ? pause(1000) : group.barrier());
  },
  async rejects(group) {
    if (group.rank === 1) setTimeout(() => Promise.reject(new RangeError("boom")), 100);
    await pause(50);
    await (group.rank === 1 ? pause(1000) : group.barrier());
  },
  async ends_early(group) {
    if (group.rank === 1) setTimeout(() => Deno.exit(0), 100);
    await pause(50);
    await (group.rank === 1 ? pause(1000) : group.barrier());
  },
  async stopped(group) {
    if (group.rank === 1) Deno.kill(Deno.pid, "SIGSTOP");
    await group.barrier();
  },
  async leaves_early(group) {
    if (group.rank === 1) await group.close();
    else await group.allGather(new Float32Array(3));
  },
  async own_fault(group) {
    await group.allGatherObject(group.rank === 1 ? () => 1 : 1);
  },
};

if (scenario === "ends_without_closing") {
  const open = await connect({ timeout: 20_000 });
  const [sum] = await open.allReduce(new Float32Array([1]));
  if (open.rank === 1) Deno.exit(0);
  await pause(500);
  await open.close();
  Deno.exit(sum === 3 ? 0 : 1);
}
await using group = await connect({ timeout: 20_000 });
await group.barrier();
// Rank 1, which is the one to go wrong, waits until the others are out of the barrier.
if (group.rank !== 1) await group.send(new Uint8Array(1), 1);
else for (const other of group.ranks) if (other !== 1) await group.recv(other);
if (scenario === "uncaught") {
  if (group.rank === 1) Deno.exit(3);
  await group.barrier();
}
if (scenario === "swallowed") {
  if (group.rank === 1) Deno.exit(3);
  await group.barrier().catch(() => {});
  Deno.exit(0);
}
await report(group, () => scenarios[scenario](group));
