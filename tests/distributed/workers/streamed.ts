/**
 * Collectives of tensors that are long enough to go piece by piece, against the same collectives of arrays; run by
 * streamed_collectives_test.ts.
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import {
  CollectiveMismatchError,
  CollectiveTimeoutError,
  DistributedContext,
  RankFailedError,
  Tensor,
  type TypedArray,
} from "../../../mod.ts";

const [devices, mode, transport] = Deno.args;
const rankDevice = devices === "mixed" ? (Number(Deno.env.get("RANK")) % 2 ? "cpu" : "gpu") : devices;
await using ctx = await DistributedContext.create({
  device: rankDevice as "cpu" | "gpu",
  seed: 3,
  // As on two hosts: the last rank shares no memory with the others.
  transport: transport !== "hosts" ? transport as "auto" : Deno.env.get("RANK") === "2" ? "tcp" : "auto",
});
const { rank, worldSize } = ctx;
const last = worldSize - 1;

/** Bits, with one NaN for all. */
function bits(values: TypedArray): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) if (values[i] !== values[i]) words[i] = 0x7fc00000;
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

async function assertSame(actual: Tensor, expected: TypedArray, what: string): Promise<void> {
  const values = await actual.data();
  assert.equal(values.length, expected.length, what);
  assert.equal(Buffer.compare(bits(values), bits(expected)), 0, what);
}

/** This rank's values: of all magnitudes, some infinite or not a number. */
async function own(length: number): Promise<Tensor> {
  using values = Tensor.randn([length], { seed: 10 + rank });
  const host = await values.data();
  for (let i = 0; i < length; i += 7) host[i] *= 10 ** (i % 30 - 15);
  if (length > 20) [host[3], host[11 + rank], host[length - 1]] = [NaN, Infinity, -Infinity];
  return Tensor.from(host, [length]);
}

/** Calls and bytes of an operation while f runs. */
async function costs(name: string, f: () => Promise<unknown>): Promise<[calls: number, bytes: number]> {
  const before = ctx.stats().collectives[name] ?? { calls: 0, bytes: 0 };
  await f();
  const { calls, bytes } = ctx.stats().collectives[name] ?? before;
  return [calls - before.calls, bytes - before.bytes];
}

async function compare(length: number): Promise<void> {
  using x = await own(length);
  const host = await x.data();
  for (const op of ["sum", "avg", "max"] as const) {
    using result = await ctx.allReduce(x, { op });
    const expected = await ctx.allReduce(host.slice(), { op });
    await assertSame(result, expected, `allReduce ${op} of ${length}`);
  }
  using average = await ctx.reduce(x, last, { op: "avg" });
  await assertSame(average, await ctx.reduce(host.slice(), last, { op: "avg" }), `reduce of ${length}`);
  using sent = await ctx.broadcast(x, last);
  await assertSame(sent, await ctx.broadcast(host.slice(), last), `broadcast of ${length}`);
  // Tensors of one rank, arrays of the others: what travels is the same.
  const mixed = rank === 0 ? await ctx.allReduce(x) : await ctx.allReduce(host.slice());
  const plain = await ctx.allReduce(host.slice());
  if (mixed instanceof Tensor) await assertSame(mixed, plain, "a tensor among arrays");
  else assert.deepEqual(bits(mixed), bits(plain));
  if (mixed instanceof Tensor) mixed.dispose();
  await assertSame(x, host, "the argument is left alone");
}

/** Ranks give tensors of different lengths, from none to long. */
async function gather(lengths: readonly number[]): Promise<void> {
  using x = await own(lengths[rank % lengths.length]);
  const host = await x.data();
  const expected = await ctx.allGather(host);
  for (const [i, part] of (await ctx.allGather(x)).entries()) {
    using tensor = part;
    await assertSame(tensor, expected[i], `allGather from ${i} of ${lengths}`);
  }
  const parts = await ctx.gather(x, last);
  assert.equal(parts === null, rank !== last);
  for (const [i, part] of parts?.entries() ?? []) {
    using tensor = part;
    await assertSame(tensor, expected[i], `gather from ${i} of ${lengths}`);
  }
}

async function compareAll(): Promise<void> {
  for (const length of [2 ** 19 - 1, 2 ** 19, 1_000_003]) await compare(length);
  await gather([600_000]);
  await gather([3, 700_001, 0]);

  using x = Tensor.full([3, 4, 50_000], rank + 1);
  const total = worldSize * (worldSize + 1) / 2;
  const { live } = ctx.device.memory();
  const many = worldSize > 1;
  const cost = await costs("allReduce", async () => {
    using sum = await ctx.allReduce(x);
    assert.deepEqual(sum.shape, [3, 4, 50_000]);
    assert.equal(sum.device, ctx.device);
    assert.ok((await sum.data()).every((value) => value === total));
  });
  assert.deepEqual(cost, many ? [1, 4 * x.numel] : [0, 0], "one call, all bytes");
  assert.equal(ctx.device.memory().live, live, "nothing is left over");

  const copies = Array.from({ length: 3 }, () => x.clone());
  const pending = copies.map((copy) => ctx.allReduce(copy));
  copies.forEach((copy) => copy.dispose());
  using noise = Tensor.full([3, 4, 50_000], -7);
  for (const arriving of pending) {
    using sum = await arriving;
    assert.ok((await sum.data()).every((value) => value === total), "disposed and reused while it was read");
  }
  assert.equal((await noise.data())[5], -7);

  const group = await ctx.newGroup([0, last]);
  if (rank === 0 || rank === last) {
    using sum = await ctx.allReduce(x, { group, op: "avg" });
    assert.equal((await sum.data())[x.numel - 1], (1 + worldSize) / 2);
  }
  await assert.rejects(ctx.allReduce(x, { op: "median" as "sum" }), /op must be one of sum, avg/);
  await assert.rejects(ctx.broadcast(x, worldSize), /src must be one of the group's ranks/);
}

if (mode === "compare") await compareAll();
if (mode === "mismatch") {
  using x = Tensor.zeros([rank === 0 ? 2 ** 21 : 2 ** 21 + 2 ** 20]);
  await assert.rejects(ctx.allReduce(x), (error: unknown) => {
    assert.ok(error instanceof CollectiveMismatchError);
    assert.equal(error.operation, "allReduce");
    assert.match(
      error.message,
      /rank 0 called allReduce\(float32 x 2097152, sum\), rank 1 called allReduce\(float32 x 3145728, sum\)/,
    );
    return true;
  });
}
if (mode === "timeout") {
  using x = Tensor.zeros([2 ** 21]);
  const call = () => ctx.allReduce(x, { timeout: 500 });
  if (rank === 0) await assert.rejects(call, (error) => error instanceof CollectiveTimeoutError);
  else await new Promise((resolve) => setTimeout(resolve, 1500));
}
if (mode === "death") {
  using x = Tensor.zeros([2 ** 21]);
  (await ctx.allReduce(x)).dispose();
  const done = new Uint8Array(1); // a rank that dies while another is in the first call would end that one
  if (rank === 0) await ctx.send(done, 1);
  else if (rank === 1) await ctx.recv(0);
  if (rank === 1) Deno.kill(Deno.pid, "SIGKILL");
  await assert.rejects(ctx.allReduce(x), (error) => error instanceof RankFailedError);
}
if (mode === "fault") {
  using x = Tensor.zeros([2 ** 21]);
  const { reader } = ctx.device;
  if (rank === 1) {
    ctx.device.reader = (buffer) => {
      const whole = reader.call(ctx.device, buffer);
      let pieces = 0;
      return {
        next: (target) => {
          if (++pieces === 3) throw new Error("the device is gone");
          return whole.next(target);
        },
        end: () => whole.end(),
      };
    };
  }
  const { live } = ctx.device.memory();
  await assert.rejects(ctx.allReduce(x), rank === 1 ? /the device is gone/ : RankFailedError);
  assert.equal(ctx.device.memory().live, live, "a failed call leaves nothing behind");
}
console.log("done");
