import assert from "node:assert/strict";
import {
  BasicStrategy,
  createStrategy,
  distribute,
  DistributedContext,
  DistributedSignalStrategy,
  type IndexedPatch,
  type StrategyName,
} from "../../src/distributed/mod.ts";
import { Denoiser } from "../../src/models/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { assertGolden, image, largestDifference } from "../golden.ts";
import { MedianDenoiser } from "./median_denoiser.ts";
import { referenceNetwork } from "../models/reference_network.ts";

for (const device of ["cpu", "gpu"] as const) {
  const test = (name: string, body: (ctx: DistributedContext) => Promise<void>) =>
    Deno.test({
      name: `${name} [${device}]`,
      ignore: device === "gpu" && Deno.env.get("DEEPINV_SKIP_GPU") === "1",
      fn: async () => {
        await using ctx = await DistributedContext.create({ device, seed: 1 });
        await body(ctx);
      },
      sanitizeResources: false,
    });

  test("a tiled median equals the whole image's bit for bit when the halo covers its window", async (ctx) => {
    const x = image(1, 3, 20, 23);
    const tiled = await distribute(new MedianDenoiser(5), ctx, { patchSize: 8, overlap: 2 });
    const whole = await new MedianDenoiser(5).forward(x);
    await assertGolden(whole, "full.median5 20x23", 1e-5);
    const y = await tiled.forward(x, 0);
    await assertGolden(y, "dist.median5.p8.o2 20x23", 1e-5);
    assert.equal(await largestDifference(y, whole), 0);
    const short = await distribute(new MedianDenoiser(5), ctx, { patchSize: 8, overlap: 1 });
    assert.notEqual(await largestDifference(await short.forward(x, 0), whole), 0);
  });

  test("the tiled full-size DRUNet equals deepinv's", async (ctx) => {
    const denoiser = await referenceNetwork(1);
    const tiled = await distribute(denoiser, ctx, { patchSize: 32, overlap: 16 });
    await assertGolden(await tiled.forward(image(1, 1, 96, 120), 0.1), "dist.DRUNet1.p32.o16 96x120", 1e-4);
    denoiser.dispose();
  });

  test("tiles of any size, batches and patch shapes give back an identity", async (ctx) => {
    const identity = new Identity();
    for (const [batch, height, width] of [[1, 16, 16], [3, 17, 40], [2, 1, 1], [1, 300, 9]]) {
      const x = image(batch, 2, height, width);
      for (const tilingStrategy of ["overlap_tiling", "smart_tiling", "basic"] satisfies StrategyName[]) {
        for (const maxBatchSize of [undefined, 1, 3]) {
          const tiled = await distribute(identity, ctx, {
            patchSize: [8, 11],
            overlap: [2, 3],
            tilingStrategy,
            maxBatchSize,
          });
          assert.equal(await largestDifference(await tiled.forward(x, 0.1), x), 0);
        }
      }
    }
  });

  test("noise levels per item and as a map reach the tiles they belong to", async (ctx) => {
    const x = image(3, 1, 20, 24);
    const addsLevel = new AddsLevel();
    const tiled = await distribute(addsLevel, ctx, { patchSize: 8, overlap: 2, maxBatchSize: 2 });
    const map = image(3, 1, 20, 24);
    for (
      const level of [
        0.25,
        Tensor.from([0.5]),
        Tensor.from([1, 2, 3]),
        Tensor.from([1, 2, 3], [3, 1, 1, 1]),
        map,
      ]
    ) {
      assert.equal(
        await largestDifference(await tiled.forward(x, level), await addsLevel.forward(x, level)),
        0,
      );
    }
  });

  test("one tiled dimension, three spatial ones, and a changed shape", async (ctx) => {
    const tiled = await distribute(new Identity(), ctx, { patchSize: 4, overlap: 1, tilingDims: 3 });
    for (const shape of [[1, 2, 6, 9], [1, 2, 5, 30]]) {
      const x = Tensor.randn(shape, { seed: 3 });
      assert.equal(await largestDifference(await tiled.forward(x, 0), x), 0);
    }
    const volume = Tensor.randn([1, 1, 9, 10, 11], { seed: 4 });
    const inThree = await distribute(new Identity(), ctx, { patchSize: 4, overlap: 1 });
    assert.equal(await largestDifference(await inThree.forward(volume, 0), volume), 0);
  });

  test("a custom strategy needs three methods and is used for its shape only", async (ctx) => {
    const x = image(1, 1, 6, 5);
    const tiled = await distribute(new Identity(), ctx, { tilingStrategy: new Rows([1, 1, 6, 5]) });
    assert.equal(await largestDifference(await tiled.forward(x, 0), x), 0);
    await assert.rejects(
      tiled.forward(image(1, 1, 7, 5), 0),
      /must be of the strategy's shape \(1, 1, 6, 5\)/,
    );
  });
}

Deno.test("strategies by name; an unknown one is an error", () => {
  assert.ok(createStrategy("basic", [1, 1, 8, 8]) instanceof BasicStrategy);
  assert.throws(() => createStrategy("tiles" as StrategyName, [1, 1, 8, 8]), /tilingStrategy must be/);
  assert.throws(() => createStrategy("overlap_tiling", [1, 1, 8, 8], { patchSize: 0 }), /patchSize must be/);
  assert.throws(
    () => createStrategy("overlap_tiling", [1, 1, 8, 8], { overlap: [1, 2, 3] }),
    /overlap must be/,
  );
});

/** Gives back its input itself, as a user's denoiser may. */
class Identity extends Denoiser {
  override forward(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x);
  }
}

/** x + sigma, so that misplaced noise levels show. */
class AddsLevel extends Denoiser {
  override forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    if (typeof sigma === "number" || sigma.numel === 1 || sigma.shape.length === 4) {
      return Promise.resolve(x.add(sigma));
    }
    return Promise.resolve(x.add(sigma.reshape([sigma.numel, 1, 1, 1])));
  }
}

/** One patch for each row of the image. */
class Rows extends DistributedSignalStrategy {
  override getNumPatches(): number {
    return this.imgSize[2];
  }

  override getLocalPatches(x: Tensor, localIndices: readonly number[]): IndexedPatch[] {
    return localIndices.map((row) => [row, x.slice([null, null, [row, row + 1]])]);
  }

  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [row, patch] of patches) out.writeSlice(patch, [0, 0, row, 0]);
  }
}
