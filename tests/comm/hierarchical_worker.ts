/** Gathering and scattering collectives on several hosts: every root, any lengths; run by hierarchical_test.ts. */

import assert from "node:assert/strict";
import { connect, type ProcessGroup } from "../../src/comm/mod.ts";

/** The host of each rank. */
const hostOf = Deno.args[0].split(",").map(Number);
const longest = Number(Deno.args[1]);

const pseudo = (from: number, to: number, i: number): number =>
  Math.fround(Math.sin(i * 12.9898 + from * 78.233 + to * 3.7) * 437.58);
/** Lengths that differ; some are 0. */
const lengthOf = (scale: number, from: number, to: number): number => (from * 5 + to * 3) % 4 * scale;
const made = (scale: number, from: number, to: number): Float32Array =>
  Float32Array.from({ length: lengthOf(scale, from, to) }, (_, i) => pseudo(from, to, i));

function check(array: Float32Array, scale: number, from: number, to: number, what: string): void {
  assert.ok(array instanceof Float32Array && array.length === lengthOf(scale, from, to), what);
  const at = array.findIndex((value, i) => value !== pseudo(from, to, i));
  assert.equal(at, -1, `${what} from ${from} to ${to} at ${at}`);
}

async function exchangeAll(group: ProcessGroup, scale: number): Promise<void> {
  const { rank, ranks } = group;
  const all = await group.allGather(made(scale, rank, 0));
  all.forEach((part, at) => check(part, scale, ranks[at], 0, "allGather"));
  const swapped = await group.allToAll(ranks.map((to) => made(scale, rank, to)));
  swapped.forEach((part, at) => check(part, scale, ranks[at], rank, "allToAll"));
  for (const root of ranks) {
    const gathered = await group.gather(made(scale, rank, root), root);
    assert.equal(gathered === null, rank !== root);
    gathered?.forEach((part, at) => check(part, scale, ranks[at], root, "gather"));
    const list = rank === root ? ranks.map((to) => made(scale, root, to)) : null;
    check(await group.scatter(list, root), scale, root, rank, "scatter");
  }
}

/** The order of a sum: inside hosts by rank; between hosts b+1, b+2, ..., b for a block of host b. */
function orderedSum(ranks: readonly number[], to: number, i: number): number {
  const hosts = [...new Set(ranks.map((rank) => hostOf[rank]))];
  const sumOf = (values: readonly number[]) => values.reduce((sum, value) => Math.fround(sum + value));
  const own = hosts.indexOf(hostOf[to]);
  return sumOf(hosts.map((_, k) => {
    const host = hosts[(own + 1 + k) % hosts.length];
    return sumOf(ranks.filter((rank) => hostOf[rank] === host).map((rank) => pseudo(rank, to, i)));
  }));
}

async function reduceAndScatter(group: ProcessGroup, scale: number): Promise<void> {
  const { rank, ranks } = group;
  const length = (to: number): number => to % 3 * scale;
  const list = ranks.map((to) => Float32Array.from({ length: length(to) }, (_, i) => pseudo(rank, to, i)));
  const kept = list.map((block) => block.slice());
  const sum = await group.reduceScatter(list);
  assert.deepEqual(list, kept, "the blocks stay unchanged");
  assert.equal(sum.length, length(rank));
  const at = sum.findIndex((value, i) => value !== orderedSum(ranks, rank, i));
  assert.equal(at, -1, `reduceScatter at ${at}`);
}

/** Streams give and take the same bytes. */
async function throughStreams(group: ProcessGroup, length: number): Promise<void> {
  const { rank, ranks } = group;
  const give = (start: number, target: Uint8Array): void => {
    for (let i = 0; i < target.length; i++) target[i] = (start + i + rank) % 251;
  };
  const taken = ranks.map(() => new Uint8Array(length));
  const take = (start: number, bytes: Uint8Array, from?: number): void => taken[from!].set(bytes, start);
  for (const root of [undefined, ranks.at(-1)!]) {
    taken.forEach((bytes) => bytes.fill(255));
    const options = { stream: { fill: give, take } };
    const x = new Uint8Array(length);
    if (root === undefined) await group.allGather(x, options);
    else await group.gather(x, root, options);
    if (root !== undefined && root !== rank) continue;
    ranks.forEach((from, at) => {
      if (from === rank) return;
      assert.ok(taken[at].every((byte, i) => byte === (i + from) % 251), `stream from ${from}`);
    });
  }
}

async function concurrently(group: ProcessGroup): Promise<void> {
  const { rank, ranks } = group;
  const work = Array.from({ length: 6 }, async (_, k) => {
    const x = Int32Array.of(rank * 10 + k);
    if (k % 3 === 0) assert.deepEqual(await group.allGatherObject(x[0]), ranks.map((r) => r * 10 + k));
    if (k % 3 === 1) assert.equal((await group.allReduce(x))[0], ranks.reduce((s, r) => s + r * 10 + k, 0));
    if (k % 3 === 2) {
      const [first] = await group.allToAll(ranks.map((to) => Int32Array.of(rank * 100 + to)));
      assert.equal(first[0], ranks[0] * 100 + rank);
    }
  });
  await Promise.all(work);
}

await using group = await connect({ timeout: 20_000 });
if (longest > 0) {
  const odd = group.ranks.filter((rank) => rank % 2 === 1 || rank === 0);
  const groups = [
    group,
    await group.newGroup(odd),
    await group.newGroup([...group.ranks].reverse().slice(1)),
  ];
  for (const some of groups) {
    if (some.groupRank < 0) continue;
    for (const scale of [0, 1, 1000, longest]) {
      await exchangeAll(some, scale);
      await reduceAndScatter(some, scale);
      await throughStreams(some, scale);
    }
    await concurrently(some);
  }
} else {
  // Equal totals in other places: nothing but the lengths themselves tells.
  const liar = Number(Deno.args[2]);
  const list = group.ranks.map((to) => new Float32Array(group.rank === liar ? group.size - to : to + 1));
  const error = await group.reduceScatter(list).then(() => undefined, (error) => error);
  assert.equal(error?.name, "CollectiveMismatchError", `${error}`);
  Deno.exit(0);
}
await group.barrier();
