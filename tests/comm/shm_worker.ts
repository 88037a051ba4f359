/** What is special about shared memory; the first argument says what is checked. Run by shm_test.ts. */

import assert from "node:assert/strict";
import { connect, type ProcessGroup, type ReduceOp, type TypedArray } from "../../src/comm/mod.ts";

/** What this process maps of shared segments, and its open descriptors. */
function mappings(): { segments: number; descriptors: number } {
  const maps = Deno.readTextFileSync("/proc/self/maps").split("\n");
  const isSegment = (line: string) => /memfd:deepinv|\/dev\/shm\//.test(line);
  const links = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "";
    }
  });
  return { segments: maps.filter(isSegment).length, descriptors: links.filter(isSegment).length };
}

const pseudo = (rank: number, i: number): number =>
  Math.fround(Math.sin(i * 12.9898 + rank * 78.233) * 43758.5453);

/** The sum in the order of the ranks, each step rounded to float32. */
function orderedSum(ranks: readonly number[], i: number): number {
  return ranks.slice(1).reduce((sum, rank) => Math.fround(sum + pseudo(rank, i)), pseudo(ranks[0], i));
}

async function order(group: ProcessGroup): Promise<void> {
  for (const length of [1, 63, 1000, 16_000, 70_001, 400_003]) {
    const x = Float32Array.from({ length }, (_, i) => pseudo(group.rank, i));
    await group.allReduce(x);
    const at = x.findIndex((value, i) => value !== orderedSum(group.ranks, i));
    assert.equal(at, -1, `${length} elements: not summed in the order of the ranks at ${at}`);
  }
}

/** Repeats four values. */
function fill(array: Float16Array | Float32Array | Float64Array, values: readonly number[]): TypedArray {
  for (let i = 0; i < array.length; i++) array[i] = values[i % 4];
  return array;
}

async function special(group: ProcessGroup): Promise<void> {
  const { rank, size } = group;
  for (const length of [4, 200, 100_000]) {
    for (const make of [Float32Array, Float64Array, Float16Array]) {
      const values = [rank === 0 ? NaN : 1, rank === size - 1 ? Infinity : 1, rank === 0 ? -0 : 0, -0];
      const run = async (op: ReduceOp): Promise<TypedArray> => {
        return await group.allReduce(fill(new make(length), values), { op });
      };
      for (const op of ["sum", "min", "max", "prod"] as const) {
        const x = await run(op);
        for (let i = 0; i < length; i += 4) assert.ok(Number.isNaN(Number(x[i])), `${op}: NaN is lost`);
      }
      assert.equal((await run("max"))[1], Infinity);
      assert.equal((await run("sum"))[1], Infinity);
      assert.ok(Object.is((await run("min"))[2], -0));
      assert.ok(Object.is((await run("sum"))[length - 1], -0));
    }
  }
  const wrapped = await group.allReduce(new Int32Array(1000).fill(2 ** 31 - 1));
  assert.ok(wrapped.every((x) => x === Number(BigInt.asIntN(32, BigInt(size) * (2n ** 31n - 1n)))));
  const bytes = await group.allReduce(new Uint8Array(3001).fill(200));
  assert.ok(bytes.every((x) => x === 200 * size % 256));
}

async function arrays(group: ProcessGroup): Promise<void> {
  const { rank, ranks, size } = group;
  const outside = await group.allReduce(new Float32Array(9).fill(1));
  for (const length of [0, 5, 1001, 50_003, 300_000]) {
    const x = await group.sharedArray("float32", length);
    assert.ok(x instanceof Float32Array && x.length === length && x.every((value) => value === 0));
    const fill = () => x.forEach((_, i) => x[i] = pseudo(rank, i));
    fill();
    assert.equal(await group.allReduce(x), x);
    assert.ok(x.every((value, i) => value === orderedSum(ranks, i)), `allReduce of ${length}`);
    fill();
    await group.reduce(x, ranks.at(-1)!);
    const isRoot = rank === ranks.at(-1);
    assert.ok(
      x.every((value, i) => value === (isRoot ? orderedSum(ranks, i) : pseudo(rank, i))),
      `reduce ${length}`,
    );
    if (length < 300) continue;
    // The same view on all ranks, one that nothing is aligned with; its neighbours stay as they are.
    fill();
    const view = x.subarray(3, length - 5);
    await group.allReduce(view, { op: "max" });
    const expected = (i: number) => Math.max(...ranks.map((other) => pseudo(other, i)));
    for (let i = 0; i < length; i++) {
      assert.equal(x[i], i < 3 || i >= length - 5 ? pseudo(rank, i) : expected(i), `view at ${i}`);
    }
    // Views that differ, and a shared array here with an ordinary one there, still give the right result.
    fill();
    const half = length >> 1;
    const part = x.subarray(rank === 0 ? 0 : half, rank === 0 ? half : 2 * half);
    await group.allReduce(part);
    const first = rank === 0 ? 0 : half;
    const sumAt = (i: number) =>
      ranks.slice(1).reduce((sum, other) => Math.fround(sum + pseudo(other, i + half)), pseudo(ranks[0], i));
    if (ranks[0] === 0) assert.ok(part.every((value, i) => value === sumAt(i)), "views that differ");
    assert.equal(part.byteOffset, x.byteOffset + 4 * first);
    const mixed = rank === ranks[0] ? x : new Float32Array(length);
    mixed.fill(rank + 1);
    await group.allReduce(mixed);
    assert.equal(mixed[length - 1], ranks.reduce((sum, other) => sum + other + 1, 0));
  }
  const counts = await group.sharedArray("int32", 10);
  await group.allReduce(counts.fill(1), { op: "avg" });
  assert.deepEqual([...counts], Array(10).fill(1));
  assert.equal(outside[0], size);
  await assert.rejects(group.sharedArray("float31" as "float32", 1), /name of an element type/);
  await assert.rejects(group.sharedArray("float32", -1), /whole number >= 0/);
  if (size === 1) return;
  await assert.rejects(group.sharedArray("float32", 2 ** 31), /at most \d+ bytes on all ranks together/);
}

async function ordinary(group: ProcessGroup): Promise<void> {
  const x = await group.sharedArray("float64", 1000);
  await group.allReduce(x.fill(1));
  assert.ok(x.every((value) => value === group.size));
}

async function timers(group: ProcessGroup): Promise<void> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const x = new Float32Array(200_000);
  const until = performance.now() + 1000;
  for (let more = 1; more > 0;) {
    await group.allReduce(x);
    await group.allReduce(new Float32Array(2));
    // All ranks stop at the same time.
    [more] = await group.allReduce(new Int32Array([performance.now() < until ? 1 : 0]), { op: "min" });
  }
  clearInterval(timer);
  console.log(JSON.stringify({ longest }));
}

/** Ranks that start on one core and may use all of them: the cores they may use, before and after many operations. */
async function cores(group: ProcessGroup): Promise<void> {
  const allowed = () => /Cpus_allowed_list:\s*(\S+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1];
  const before = allowed();
  const x = new Float32Array(2);
  for (let call = 0; call < 20_000; call++) {
    x.fill(group.rank + 1);
    await group.allReduce(x);
    assert.equal(x[1], group.size * (group.size + 1) / 2);
  }
  const { allReduce } = group.stats();
  assert.equal(allReduce.calls, 20_000);
  console.log(JSON.stringify({ before, after: allowed(), milliseconds: allReduce.milliseconds }));
}

async function waiting(group: ProcessGroup): Promise<void> {
  const cpuBefore = cpuMs();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  if (group.rank === 0) await new Promise((resolve) => setTimeout(resolve, 1500));
  await group.barrier();
  clearInterval(timer);
  console.log(JSON.stringify({ ticks, cpu: cpuMs() - cpuBefore }));
}

/** Every rank floods every other one before it receives anything: more than the mailboxes hold. */
async function messages(group: ProcessGroup): Promise<void> {
  const { rank } = group;
  const others = group.ranks.filter((other) => other !== rank);
  const lengthOf = (from: number, k: number) => (from * 31 + k * 977) % (k % 50 === 0 ? 90_000 : 2000);
  const sends: Promise<void>[] = [];
  for (let k = 0; k < 600; k++) {
    for (const other of others) {
      const x = new Uint16Array(lengthOf(rank, k)).fill(k + rank);
      const sent = group.send(x, other, k % 3);
      // What is long waits for its receiver; what is short may change at once.
      if (x.byteLength > 65536) sends.push(sent);
      else {
        await sent;
        x.fill(65_535);
      }
    }
  }
  for (const other of others.reverse()) {
    for (let k = 0; k < 600; k++) {
      const x = await group.recv(other, k % 3);
      assert.ok(x instanceof Uint16Array && x.length === lengthOf(other, k), `message ${k} from ${other}`);
      assert.ok(x.every((value) => value === k + other), `message ${k} from ${other}`);
    }
  }
  await Promise.all(sends);
  // A rank that sleeps is woken, not found by chance half a second later.
  const [first, last] = [group.ranks[0], group.ranks.at(-1)!];
  const delays: number[] = [];
  for (let k = 0; k < 6; k++) {
    await group.barrier();
    if (rank === first) {
      await new Promise((resolve) => setTimeout(resolve, 80));
      await group.send(new Float64Array([performance.timeOrigin + performance.now()]), last, 9);
    } else if (rank === last) {
      const [sent] = await group.recv(first, 9) as Float64Array;
      delays.push(performance.timeOrigin + performance.now() - sent);
    }
  }
  if (rank === last) assert.ok(Math.min(...delays) < 200, `woken after ${delays} ms`);
}

/** Gaps of a 5 ms timer while the other ranks are late by 2 s. */
async function gaps(group: ProcessGroup): Promise<void> {
  const found: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    found.push(performance.now() - last);
    last = performance.now();
  }, 5);
  if (group.rank === 0) await (Deno.args[2] === "recv" ? group.recv(1) : group.barrier());
  else {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (Deno.args[2] !== "recv") await group.barrier();
    else if (group.rank === 1) await group.send(new Uint8Array(1), 0);
  }
  clearInterval(timer);
  found.sort((a, b) => a - b);
  if (group.rank === 0) {
    console.log(JSON.stringify({ count: found.length, median: found[found.length >> 1] }));
  }
}

/** Processor time of this process in ms. */
function cpuMs(): number {
  const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

await using group = await connect({ timeout: 20_000, transport: Deno.args[1] as "auto" | undefined });
if (Deno.args[0] === "order") await order(group);
if (Deno.args[0] === "special") await special(group);
if (Deno.args[0] === "arrays") {
  await arrays(group);
  if (group.size > 2) {
    const pair = await group.newGroup([1, 2]);
    if (pair.groupRank >= 0) await arrays(pair);
  }
}
if (Deno.args[0] === "ordinary") await ordinary(group);
if (Deno.args[0] === "timers") await timers(group);
if (Deno.args[0] === "cores") await cores(group);
if (Deno.args[0] === "waiting") await waiting(group);
if (Deno.args[0] === "messages") await messages(group);
if (Deno.args[0] === "gaps") await gaps(group);
if (Deno.args[0] === "mappings") console.log(JSON.stringify(mappings()));
if (Deno.args[0] === "mechanism") {
  const maps = Deno.readTextFileSync("/proc/self/maps");
  console.log(maps.includes("memfd:deepinv") ? "memfd" : maps.includes("/dev/shm/") ? "file" : "none");
}
if (Deno.args[0] === "forever") {
  console.log("ready");
  for (;;) await group.allReduce(new Float32Array(100_000));
}
await group.barrier();
