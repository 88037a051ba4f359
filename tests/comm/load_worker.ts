/** Ranks under load; the first argument says what is done. Run by load_test.ts. */

import assert from "node:assert/strict";
import { connect, type ProcessGroup } from "../../src/comm/mod.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What all ranks but the last, which is late, call and wait in. */
const OPERATIONS: Record<string, (group: ProcessGroup, x: Float32Array) => Promise<unknown>> = {
  allReduce: (group, x) => group.allReduce(x),
  reduce: (group, x) => group.reduce(x, 0),
  broadcast: (group, x) => group.broadcast(x, group.size - 1),
  allGather: (group, x) => group.allGather(x),
  gather: (group, x) => group.gather(x, 0),
  scatter: (group, x) => group.scatter(group.rank === group.size - 1 ? Array(group.size).fill(x) : null, 7),
  reduceScatter: (group, x) => group.reduceScatter(Array(group.size).fill(x)),
  allToAll: (group, x) => group.allToAll(Array(group.size).fill(x)),
  barrier: (group) => group.barrier(),
  recv: async (group, x) => {
    if (group.rank < group.size - 1) return await group.recv(group.size - 1);
    for (const other of group.ranks) if (other !== group.rank) await group.send(x, other);
  },
};

/** Gaps between the turns of a timer of 5 ms while this rank waits for a late one, by operation. */
async function gaps(group: ProcessGroup): Promise<void> {
  const found: Record<string, { count: number; p90: number }> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    for (const length of [10, 50_000]) {
      await group.barrier();
      const isLate = group.rank === group.size - 1;
      if (isLate) await pause(300);
      const list: number[] = [];
      let last = performance.now();
      const timer = setInterval(() => {
        list.push(performance.now() - last);
        last = performance.now();
      }, 5);
      await operation(group, new Float32Array(length));
      clearInterval(timer);
      list.sort((a, b) => a - b);
      if (!isLate) found[`${name} ${length}`] = { count: list.length, p90: list[list.length * 0.9 | 0] };
    }
  }
  console.log(JSON.stringify(found));
}

/** An allReduce of 64 MiB, in the order of the ranks, with the same bits everywhere. */
async function large(group: ProcessGroup): Promise<void> {
  const length = 16 << 20;
  const value = (rank: number, i: number) =>
    Math.fround((Math.imul(i + 1, 2654435761 + rank * 97) >> 8) / 77);
  const x = new Float32Array(length);
  for (let i = 0; i < length; i++) x[i] = value(group.rank, i);
  await group.allReduce(x);
  const isOrdered = Deno.args[1] !== "tcp";
  for (let i = 0; i < length; i++) {
    const parts = group.ranks.map((rank) => value(rank, i));
    const sum = parts.reduce((a, b) => Math.fround(a + b));
    const scale = parts.reduce((a, b) => a + Math.abs(b), 0);
    if (isOrdered ? x[i] !== sum : Math.abs(x[i] - sum) > 3e-7 * scale) assert.fail(`${x[i]} at ${i}`);
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", x));
  for (const other of await group.allGather(digest)) assert.deepEqual(other, digest);
}

/** Rank 0 is far ahead of rank 1: how many messages it got rid of, and how much memory both took. */
async function ahead(group: ProcessGroup): Promise<void> {
  const [count, bytes] = Deno.args.slice(2).map(Number);
  const x = new Uint8Array(bytes);
  const before = Deno.memoryUsage().rss;
  let most = before;
  let sent = 0, sentBefore = 0;
  if (group.rank === 0) {
    const timer = setTimeout(() => {
      sentBefore = sent;
      most = Math.max(most, Deno.memoryUsage().rss);
    }, 700);
    for (; sent < count; sent++) await group.send(x, 1);
    clearTimeout(timer);
  } else {
    await pause(1000);
    most = Deno.memoryUsage().rss;
    for (let k = 0; k < count; k++) {
      assert.equal((await group.recv(0)).length, bytes);
      if (k % 50 === 0) most = Math.max(most, Deno.memoryUsage().rss);
    }
  }
  most = Math.max(most, Deno.memoryUsage().rss);
  console.log(JSON.stringify({ growth: most - before, sentBefore }));
}

await using group = await connect({ timeout: 60_000, transport: Deno.args[1] as "auto" });
await group.barrier();
if (Deno.args[0] === "gaps") await gaps(group);
if (Deno.args[0] === "large") await large(group);
if (Deno.args[0] === "ahead") await ahead(group);
await group.barrier();
