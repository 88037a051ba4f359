import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  distribute,
  DistributedContext,
  DnCNN,
  FunctionDenoiser,
  memoryPlan,
  OutOfMemoryError,
  PnP,
  Tensor,
} from "@deepinv/distributed";
import { image, largestDifference } from "../golden.ts";
import { launch } from "../launch/launcher.ts";

const OPTIONS = { patchSize: 8, overlap: 4 };
const SHAPE = [1, 16, 32, 40];
const TILE = 16 * 16;

/** A context whose device has `budget` bytes. */
async function withBudget(
  device: "cpu" | "gpu",
  budget: number,
  body: (ctx: DistributedContext) => Promise<void>,
): Promise<void> {
  Deno.env.set("DEEPINV_MEMORY_BUDGET", String(budget));
  try {
    await using ctx = await DistributedContext.create({ device, seed: 1 });
    await body(ctx);
  } finally {
    Deno.env.delete("DEEPINV_MEMORY_BUDGET");
  }
}

async function network(): Promise<DnCNN> {
  return await DnCNN.create({ inChannels: 16, outChannels: 16, depth: 3, nf: 4, weights: null });
}

for (const device of ["cpu", "gpu"] as const) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({
      name: `${name} [${device}]`,
      ignore: device === "gpu" && Deno.env.get("DEEPINV_SKIP_GPU") === "1",
      fn,
      sanitizeOps: false,
      sanitizeResources: false,
    });

  test("automatic batches follow the budget, and the result does not", async () => {
    const denoiser = await network();
    const sizes: number[] = [];
    const values: Float32Array[] = [];
    for (const budget of [1_050_000, 1_400_000, 2 ** 30]) {
      await withBudget(device, budget, async (ctx) => {
        const tiled = await distribute(denoiser, ctx, { ...OPTIONS, maxBatchSize: "auto" });
        const plan = await tiled.memoryPlan(SHAPE);
        assert.equal(plan.tiles, 20);
        sizes.push(plan.maxBatchSize);
        const batch = Math.min(20, plan.maxBatchSize);
        assert.equal(plan.peak, await memoryPlan(denoiser, [batch, 16, 16, 16], ctx.device));
        assert.ok(plan.peak <= budget / 2);
        using x = image(1, 16, 32, 40);
        using y = await tiled.forward(x, 0.1);
        values.push(await y.data());
        using alone = await tiled.forward(x, 0.1, { gather: false });
        assert.equal(await largestDifference(alone, y), 0);
      });
    }
    assert.ok(sizes[0] >= 1 && sizes[0] < sizes[1], `${sizes}`);
    assert.equal(sizes[2], Infinity);
    for (const other of values.slice(1)) assert.deepEqual(other, values[0]);
    denoiser.dispose();
  });

  test("a budget too small for one tile is an error that says what is missing", async () => {
    const denoiser = await network();
    const budget = 120 * TILE;
    await withBudget(device, budget, async (ctx) => {
      const tiled = await distribute(denoiser, ctx, { ...OPTIONS, maxBatchSize: "auto" });
      const needed = await memoryPlan(denoiser, [1, 16, 16, 16], ctx.device);
      const isMissing = (error: unknown) =>
        error instanceof OutOfMemoryError && error.requested === needed && error.budget === budget &&
        error.message.includes(`${needed} bytes`) && error.message.includes(`budget of ${budget} bytes`);
      await assert.rejects(tiled.memoryPlan(SHAPE), isMissing);
      using x = Tensor.zeros([1, 16, 10, 10]);
      const whole = await distribute(denoiser, ctx, { patchSize: 4, overlap: 6, maxBatchSize: "auto" });
      await assert.rejects(
        whole.forward(x, 0.1),
        (error) => error instanceof OutOfMemoryError && error.live > 0,
      );
      await assert.rejects(whole.forward(x, 0.1, { gather: false }), OutOfMemoryError);
    });
    denoiser.dispose();
  });

  test("denoisers without a plan take all tiles, and priors take the option, too", async () => {
    await withBudget(device, 2 ** 24, async (ctx) => {
      const batches: number[] = [];
      const halves = new FunctionDenoiser((x) => {
        batches.push(x.shape[0]);
        return x.mul(0.5);
      });
      const tiled = await distribute(halves, ctx, { ...OPTIONS, maxBatchSize: "auto" });
      assert.deepEqual(await tiled.memoryPlan(SHAPE), { tiles: 20, maxBatchSize: Infinity, peak: undefined });
      using x = image(1, 16, 32, 40);
      using wanted = x.mul(0.5);
      using y = await tiled.forward(x, 0.1);
      assert.equal(await largestDifference(y, wanted), 0);
      assert.deepEqual(batches, [20]);
      const prior = await distribute(new PnP({ denoiser: halves }), ctx, {
        ...OPTIONS,
        maxBatchSize: "auto",
      });
      using z = await prior.prox(x, 0.1, 1);
      assert.equal(await largestDifference(z, wanted), 0);
    });
  });

  test("a fixed batch size has a plan as well; other words are refused", async () => {
    const denoiser = await network();
    await withBudget(device, 2 ** 24, async (ctx) => {
      const tiled = await distribute(denoiser, ctx, { ...OPTIONS, maxBatchSize: 3 });
      const peak = await memoryPlan(denoiser, [3, 16, 16, 16], ctx.device);
      assert.deepEqual(await tiled.memoryPlan(SHAPE), { tiles: 20, maxBatchSize: 3, peak });
      await assert.rejects(
        distribute(denoiser, ctx, { maxBatchSize: "all" as "auto" }),
        /maxBatchSize must be a whole number >= 1 or "auto", got all/,
      );
    });
    denoiser.dispose();
  });
}

for (const device of ["cpu", "gpu"] as const) {
  Deno.test({
    name: `ranks with different budgets agree on the least batch, or fail together [${device}]`,
    ignore: device === "gpu" && Deno.env.get("DEEPINV_SKIP_GPU") === "1",
    fn: async () => {
      const worker = fileURLToPath(new URL("./workers/tile_memory.ts", import.meta.url));
      const { code, stdout, stderr } = await launch(["-n", "3", worker, device]);
      assert.equal(code, 0, stdout + stderr);
      assert.equal(stdout.match(/done/g)?.length, 3);
    },
  });
}
