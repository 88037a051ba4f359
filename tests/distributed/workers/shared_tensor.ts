/** Shared tensors through the public interface; run by shared_tensor_test.ts. */

import assert from "node:assert/strict";
import { DistributedContext, InvalidArgumentError, SharedTensor, Tensor } from "../../../mod.ts";

const device = Deno.args[0] as "cpu" | "gpu";
await using ctx = await DistributedContext.create({ device });
const n = ctx.worldSize;

const shared = await ctx.sharedTensor([2, 3]);
assert.ok(shared instanceof SharedTensor);
assert.deepEqual([...shared.values], [0, 0, 0, 0, 0, 0]);
using x = Tensor.full([2, 3], ctx.rank + 1);
await shared.set(x);
assert.equal(await shared.allReduce(), shared);
assert.ok(shared.values.every((value) => value === n * (n + 1) / 2), "the sum, in place");
shared.values[1] = ctx.rank;
await shared.allReduce({ op: "max" });
using copy = shared.toTensor();
assert.deepEqual(copy.shape, [2, 3]);
assert.equal(copy.device, ctx.device);
const values = await copy.data();
assert.deepEqual([values[0], values[1]], [n * (n + 1) / 2, n - 1]);
shared.values.fill(-1);
assert.equal((await copy.data())[0], n * (n + 1) / 2, "a tensor is a copy");

const empty = await ctx.sharedTensor([0, 4]);
assert.equal((await empty.allReduce()).numel, 0);
const counts = await ctx.sharedArray("int32", 5);
counts.fill(2);
assert.deepEqual([...await ctx.allReduce(counts)], [2, 2, 2, 2, 2].map((value) => value * n));
using other = Tensor.zeros([3, 2]);
await assert.rejects(shared.set(other), InvalidArgumentError);
await assert.rejects(ctx.sharedTensor([2.5]), /shape must be whole numbers >= 0/);
console.log("done");
