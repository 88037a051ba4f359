/** Three ranks, of which the last one has little memory: they choose one batch size, and fail together. */
import assert from "node:assert/strict";
import { distribute, DistributedContext, DnCNN, OutOfMemoryError, type Tensor } from "@deepinv/distributed";
import { image } from "../../golden.ts";

const device = Deno.args[0] as "cpu" | "gpu";
const isLast = Deno.env.get("RANK") === "2";
const BUDGET = 1_500_000;
Deno.env.set("DEEPINV_MEMORY_BUDGET", String(isLast ? BUDGET : 2 ** 28));

await using ctx = await DistributedContext.create({ device, seed: 3, timeout: 60_000 });
const sizes = { inChannels: 16, outChannels: 16, depth: 3, nf: 4 };
const denoiser = await DnCNN.create({ ...sizes, weights: null, seed: 5 });
using x = image(1, 16, 32, 40);
const options = { patchSize: 4, overlap: 6, maxBatchSize: "auto" } as const;
const tiled = await distribute(denoiser, ctx, options);

async function valuesOf(denoised: Promise<Tensor>): Promise<Float32Array> {
  using y = await denoised;
  return await y.data();
}

const local = await valuesOf(tiled.forward(x, 0.1, { gather: false }));
const plan = await tiled.memoryPlan(x.shape);
const chosen = await ctx.allGatherObject(plan.maxBatchSize);
assert.ok(chosen.every((size) => size === chosen[0] && size > 1 && size < plan.tiles), `${chosen}`);
const first = await valuesOf(tiled.forward(x, 0.1));
assert.deepEqual(await valuesOf(tiled.forward(x, 0.1)), first);
const one = await distribute(denoiser, ctx, { ...options, maxBatchSize: 1 });
assert.deepEqual(await valuesOf(one.forward(x, 0.1)), first);
assert.deepEqual(await ctx.allReduce(local), first);

const whole = await distribute(denoiser, ctx, { ...options, patchSize: 31, overlap: 70 });
await assert.rejects(whole.forward(x, 0.1), (error) => {
  assert.ok(error instanceof OutOfMemoryError, String(error));
  assert.match(
    error.message,
    /Cannot allocate \d+ bytes on rank 2's .*, for one tile,: \d+ of its budget of 1500000 bytes/,
  );
  return true;
});
assert.deepEqual(await valuesOf(tiled.forward(x, 0.1)), first);
console.log("done");
