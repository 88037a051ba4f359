/** Every collective against values that each rank can compute by itself; run by collectives_test.ts. */

import assert from "node:assert/strict";
import { connect, type ProcessGroup, type ReduceOp, type TypedArray } from "../../src/comm/mod.ts";

type Make = (length: number) => TypedArray;
const DTYPES: Record<string, Make> = {
  float32: (n) => new Float32Array(n),
  float64: (n) => new Float64Array(n),
  float16: (n) => new Float16Array(n),
  int8: (n) => new Int8Array(n),
  int16: (n) => new Int16Array(n),
  int32: (n) => new Int32Array(n),
  uint8: (n) => new Uint8Array(n),
  uint16: (n) => new Uint16Array(n),
  uint32: (n) => new Uint32Array(n),
  bigint64: (n) => new BigInt64Array(n),
  biguint64: (n) => new BigUint64Array(n),
};
const OPS: ReduceOp[] = ["sum", "min", "max", "prod"];

/** A small value that every rank can compute for every other one, so that no sum or product overflows. */
const value = (rank: number, i: number): number => (rank * 7 + i * 3) % 5 % 2 + 1;

function fill(make: Make, length: number, rank: number): TypedArray {
  // A view with an offset, so that nothing may assume byteOffset 0.
  const array = make(length + 1).subarray(1);
  const big = array instanceof BigInt64Array || array instanceof BigUint64Array;
  for (let i = 0; i < length; i++) array[i] = (big ? BigInt(value(rank, i)) : value(rank, i)) as never;
  return array;
}

function combine(op: ReduceOp, ranks: readonly number[], i: number): number {
  const values = ranks.map((rank) => value(rank, i));
  if (op === "min") return Math.min(...values);
  if (op === "max") return Math.max(...values);
  return values.reduce((a, b) => op === "prod" ? a * b : a + b);
}

function check(array: TypedArray, length: number, expected: (i: number) => number, what: string): void {
  assert.equal(array.length, length, what);
  for (let i = 0; i < length; i++) {
    if (Number(array[i]) !== expected(i)) {
      assert.fail(`${what}: [${i}] is ${array[i]}, expected ${expected(i)}`);
    }
  }
}

async function checkAll(group: ProcessGroup, dtype: string, length: number, ops: ReduceOp[]): Promise<void> {
  const make = DTYPES[dtype];
  const { rank, ranks } = group;
  const mine = fill(make, length, rank);
  const label = (name: string) => `${name} ${dtype} x ${length} on ${ranks}`;
  for (const op of ops) {
    const x = fill(make, length, rank);
    assert.equal(await group.allReduce(x, { op }), x);
    check(x, length, (i) => combine(op, ranks, i), label(`allReduce ${op}`));
  }
  const root = ranks[ranks.length - 1];
  const reduced = await group.reduce(fill(make, length, rank), root);
  check(reduced, length, (i) => rank === root ? combine("sum", ranks, i) : value(rank, i), label("reduce"));
  const spread = await group.broadcast(fill(make, length, rank), root);
  check(spread, length, (i) => value(root, i), label("broadcast"));
  const all = await group.allGather(mine);
  all.forEach((part, at) => check(part, length, (i) => value(ranks[at], i), label("allGather")));
  assert.equal(all[0].constructor, mine.constructor);
  const gathered = await group.gather(mine, root);
  if (rank === root) {
    gathered!.forEach((part, at) => check(part, length, (i) => value(ranks[at], i), label("gather")));
  } else assert.equal(gathered, null);
  const parts = ranks.map((to) => fill(make, length, to));
  const part = await group.scatter(rank === root ? parts : null, root);
  check(part, length, (i) => value(rank, i), label("scatter"));
  const block = await group.reduceScatter(ranks.map((to) => fill(make, length, rank + to)));
  check(
    block,
    length,
    (i) => ranks.reduce((sum, from) => sum + value(from + rank, i), 0),
    label("reduceScatter"),
  );
  const swapped = await group.allToAll(ranks.map((to) => fill(make, length, rank * 3 + to)));
  swapped.forEach((part, at) =>
    check(part, length, (i) => value(ranks[at] * 3 + rank, i), label("allToAll"))
  );
}

async function checkUneven(group: ProcessGroup): Promise<void> {
  const { rank, ranks } = group;
  const lengthOf = (other: number) => other * 1000 % 3001;
  const mine = fill(DTYPES.int32, lengthOf(rank), rank);
  const all = await group.allGather(mine);
  all.forEach((part, at) => check(part, lengthOf(ranks[at]), (i) => value(ranks[at], i), "uneven allGather"));
  const gathered = await group.gather(mine, ranks[0]);
  gathered?.forEach((part, at) =>
    check(part, lengthOf(ranks[at]), (i) => value(ranks[at], i), "uneven gather")
  );
  const parts = ranks.map((to) => fill(DTYPES.float64, lengthOf(to), to));
  const part = await group.scatter(rank === ranks[0] ? parts : null, ranks[0]);
  check(part, lengthOf(rank), (i) => value(rank, i), "uneven scatter");
  const sent = ranks.map((to) => fill(DTYPES.uint8, (rank + 1) * (to + 2), rank));
  const swapped = await group.allToAll(sent);
  swapped.forEach((part, at) => {
    check(part, (ranks[at] + 1) * (rank + 2), (i) => value(ranks[at], i), "uneven allToAll");
  });
  const blocks = ranks.map((to) => fill(DTYPES.float32, lengthOf(to), rank));
  const block = await group.reduceScatter(blocks);
  check(block, lengthOf(rank), (i) => combine("sum", ranks, i), "uneven reduceScatter");
}

async function checkAverage(group: ProcessGroup): Promise<void> {
  const { rank, size } = group;
  const mean = await group.allReduce(new Int8Array([100, rank * 2]), { op: "avg" });
  if (size * (size - 1) % size === 0) assert.deepEqual([...mean], [100, size - 1]);
  const float = await group.allReduce(new Float32Array([rank]), { op: "avg" });
  assert.equal(float[0], (size - 1) / 2);
  if (size > 1) {
    const x = new Int32Array([rank === 0 ? 1 : 0]);
    await assert.rejects(group.allReduce(x, { op: "avg" }), /avg of an Int32Array must be whole/);
  }
  const big = await group.reduce(new BigInt64Array([BigInt(rank) * 2n]), 0, { op: "avg" });
  if (rank === 0) assert.equal(big[0], BigInt(size - 1));
}

async function checkObjects(group: ProcessGroup): Promise<void> {
  const { rank, size } = group;
  const cyclic: Record<string, unknown> = { rank, map: new Map([["a", new Set([1n])]]), when: new Date(5) };
  cyclic.self = cyclic;
  cyclic.error = new RangeError("boo", { cause: "because" });
  cyclic.array = new Float32Array([1.5, rank]);
  const all = await group.allGatherObject(cyclic);
  all.forEach((object, at) => {
    assert.equal(object.rank, at);
    assert.equal(object.self, object);
    assert.deepEqual(object.map, new Map([["a", new Set([1n])]]));
    assert.ok(object.error instanceof RangeError && object.error.message === "boo");
    assert.deepEqual(object.array, new Float32Array([1.5, at]));
  });
  const root = size - 1;
  assert.equal(
    await group.broadcastObject(rank === root ? "x".repeat(3_000_000) : "", root),
    "x".repeat(3_000_000),
  );
  assert.equal(await group.broadcastObject(rank === 0 ? undefined : 7, 0), undefined);
  const gathered = await group.gatherObject([rank], 0);
  assert.deepEqual(gathered, rank === 0 ? Array.from({ length: size }, (_, at) => [at]) : null);
}

async function checkMessages(group: ProcessGroup): Promise<void> {
  const { rank, size } = group;
  if (size === 1) return;
  const [next, previous] = [(rank + 1) % size, (rank - 1 + size) % size];
  // Long and short messages, several outstanding, received in another order than sent.
  const long = new Float64Array(300_000).fill(rank);
  const sends = [
    group.send(long, next, 5),
    group.send(new Int16Array([rank, 1]), next),
    group.send(new Int16Array([rank, 2]), next),
    group.send(new Uint8Array(0), next, -7),
  ];
  assert.equal((await group.recv(previous, -7)).length, 0);
  const [first, second] = await Promise.all([group.recv(previous), group.recv(previous)]);
  assert.deepEqual([...first, ...second], [previous, 1, previous, 2]);
  assert.ok(first instanceof Int16Array);
  const received = await group.recv(previous, 5) as Float64Array;
  assert.ok(received.length === 300_000 && received.every((x) => x === previous));
  await Promise.all(sends);
  const reused = new Int32Array([rank]);
  for (let i = 0; i < 100; i++) {
    reused[0] = i;
    await group.send(reused, next);
  }
  for (let i = 0; i < 100; i++) assert.equal((await group.recv(previous))[0], i);
}

async function checkGroups(group: ProcessGroup): Promise<void> {
  const { rank, size } = group;
  if (size < 3) return;
  const low = await group.newGroup([1, 0, 1]);
  const overlapping = await group.newGroup(Array.from({ length: size - 1 }, (_, at) => at + 1));
  assert.deepEqual(low.ranks, [0, 1]);
  // The two share rank 1 and run at the same time.
  const work: Promise<void>[] = [];
  if (low.groupRank >= 0) work.push(checkAll(low, "int32", 1000, ["sum"]));
  if (overlapping.groupRank >= 0) work.push(checkAll(overlapping, "float32", 30_000, ["max"]));
  await Promise.all(work);
  if (rank === size - 1) await assert.rejects(low.barrier(), /one of the group's ranks 0, 1, got/);
  if (rank < 2) assert.equal((await group.allReduce(new Int8Array([1]), { group: low }))[0], 2);
}

async function checkConcurrent(group: ProcessGroup): Promise<void> {
  const arrays = Array.from({ length: 8 }, (_, k) => fill(DTYPES.float32, 5000 * k, group.rank));
  await Promise.all(arrays.map((x, k) => k % 2 === 0 ? group.allReduce(x) : group.allGather(x)));
  const { ranks } = group;
  arrays.forEach((x, k) => {
    if (k % 2 === 0) check(x, 5000 * k, (i) => combine("sum", ranks, i), "concurrent allReduce");
  });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const sleepy = group.rank === 0 ? new Promise((resolve) => setTimeout(resolve, 150)) : Promise.resolve();
  await sleepy;
  await group.barrier();
  clearInterval(timer);
  assert.ok(ticks >= 10, `timers starved while waiting: ${ticks} ticks`);
}

async function checkIdentical(group: ProcessGroup): Promise<void> {
  for (const length of [10, 100_000]) {
    const x = Float32Array.from(
      { length },
      (_, i) => Math.fround(Math.sin(i * 12.9898 + group.rank) * 43758.5453),
    );
    const first = await group.allReduce(x.slice());
    const bits = await group.allGather(new Uint8Array(first.buffer));
    for (const other of bits) assert.deepEqual(other, bits[0], "allReduce must give all ranks the same bits");
    assert.deepEqual(await group.allReduce(x.slice()), first, "allReduce must not depend on timing");
  }
}

await using group = await connect({ timeout: 20_000 });
for (const length of [0, 1, 3, 1000]) {
  for (const dtype of Object.keys(DTYPES)) await checkAll(group, dtype, length, OPS);
}
const longest = Number(Deno.args[0] ?? 300_000);
for (const dtype of ["float32", "float64", "uint8"]) await checkAll(group, dtype, longest, ["sum"]);
await checkUneven(group);
await checkAverage(group);
await checkObjects(group);
await checkMessages(group);
await checkGroups(group);
await checkConcurrent(group);
await checkIdentical(group);
await group.barrier();
