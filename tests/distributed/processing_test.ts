import assert from "node:assert/strict";
import {
  BasicStrategy,
  createStrategy,
  distribute,
  DistributedContext,
  DistributedProcessing,
  type StrategyName,
} from "../../src/distributed/mod.ts";
import { Denoiser } from "../../src/models/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { assertGolden, image, largestDifference } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { MedianDenoiser } from "./median_denoiser.ts";
import { AddsLevel, Rows } from "./toys.ts";
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

  test("a strategy joins processed tiles, cropped by it or whole", async () => {
    const x = image(1, 2, 23, 30);
    for (const blend of ["crop", "linear", "hann"] as const) {
      const strategy = createStrategy("smart_tiling", x.shape, { patchSize: 9, overlap: 3, blend });
      const tiles = strategy.getLocalPatches(
        x,
        Array.from({ length: strategy.getNumPatches() }, (_, i) => i),
      );
      const cropped = tiles.map(([index, tile]) => [index, strategy.cropPatch(index, tile)] as const);
      for (const parts of [tiles, cropped]) {
        const out = Tensor.zeros(x.shape, x);
        strategy.reducePatches(out, parts);
        assert.ok(await largestDifference(out, x) < 1e-6, blend);
      }
    }
  });

  test("maxBatchSize and tilingDims of null are the defaults", async (ctx) => {
    const x = image(1, 1, 20, 20);
    const options = { patchSize: 8, overlap: 1, maxBatchSize: null, tilingDims: null };
    const tiled = await distribute(new MedianDenoiser(3), ctx, options);
    const usual = await distribute(new MedianDenoiser(3), ctx, { patchSize: 8, overlap: 1 });
    assert.equal(await largestDifference(await tiled.forward(x, 0), await usual.forward(x, 0)), 0);
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

  test("a custom strategy needs three methods and is built anew for other shapes", async (ctx) => {
    const choices = [Rows, new Rows([1, 1, 6, 5]), (imgSize: readonly number[]) => new Rows(imgSize)];
    for (const tilingStrategy of choices) {
      const tiled = await distribute(new Identity(), ctx, { tilingStrategy });
      for (const x of [image(1, 1, 6, 5), image(2, 3, 7, 4)]) {
        assert.equal(await largestDifference(await tiled.forward(x, 0), x), 0);
      }
    }
    const named = await distribute(new Identity(), ctx, {
      tilingStrategy: new NamedRows([1, 1, 6, 5], "rows"),
    });
    await named.forward(image(1, 1, 6, 5), 0);
    await assert.rejects(
      named.forward(image(1, 1, 7, 5), 0),
      /NamedRows's constructor must be callable with the shape alone .* for \(1, 1, 7, 5\)/,
    );
  });

  test("blended tiles give back an identity, with any stride and padding, and smooth a step", async (ctx) => {
    for (const shape of [[1, 2, 37, 29], [2, 1, 9, 50], [1, 1, 12, 13, 14]]) {
      const x = Tensor.randn(shape, { seed: 5 });
      for (const blend of ["crop", "linear", "hann"] as const) {
        for (const stride of [undefined, 3, 8]) {
          for (const padding of ["reflect", "circular", "replicate", "constant"] as const) {
            const options = { patchSize: 8, overlap: 3, stride, blend, padding };
            const tiled = await distribute(new Identity(), ctx, options);
            const tolerance = blend === "crop" ? 0 : 2e-6;
            assert.ok(
              await largestDifference(await tiled.forward(x, 0), x) <= tolerance,
              JSON.stringify(options),
            );
          }
        }
      }
    }
    const flat = Tensor.ones([1, 1, 4, 40]);
    const jumps = async (blend: "crop" | "linear" | "hann") => {
      const tiled = await distribute(new TileMean(), ctx, {
        patchSize: 10,
        overlap: 4,
        tilingDims: 3,
        blend,
      });
      const ramp = flat.mul(Tensor.arange(0, 40).reshape([1, 1, 1, 40]));
      const row = [...(await (await tiled.forward(ramp, 0)).data()).subarray(0, 40)];
      return Math.max(...row.slice(1).map((value, i) => Math.abs(value - row[i])));
    };
    const hard = await jumps("crop");
    assert.ok(await jumps("linear") < hard / 4);
    assert.ok(await jumps("hann") < hard / 3);
  });

  test("a tile is continued past the border as the padding says", async (ctx) => {
    const x = image(1, 1, 10, 11);
    const left = new LeftNeighbour();
    const expected = {
      circular: await x.roll(1, 3).data(),
      replicate: await Tensor.cat(
        [x.slice([null, null, null, [0, 1]]), x.slice([null, null, null, [0, 10]])],
        3,
      ).data(),
      constant: await Tensor.cat([Tensor.zeros([1, 1, 10, 1]), x.slice([null, null, null, [0, 10]])], 3)
        .data(),
      reflect: await Tensor.cat(
        [x.slice([null, null, null, [1, 2]]), x.slice([null, null, null, [0, 10]])],
        3,
      ).data(),
    };
    for (const padding of ["circular", "replicate", "constant", "reflect"] as const) {
      const tiled = await distribute(left, ctx, { patchSize: 4, overlap: 2, padding });
      assert.deepEqual(await (await tiled.forward(x, 0)).data(), expected[padding], padding);
    }
  });

  test("a denoiser that changes the size of its tiles is an error, and frees what it was given", async (ctx) => {
    const shrinks = { forward: (x: Tensor) => Promise.resolve(x.slice([null, null, [0, 3]])) };
    const tiled = new DistributedProcessing(shrinks, ctx, { patchSize: 8, overlap: 2 });
    using x = image(1, 1, 20, 20);
    const refused = () =>
      assert.rejects(tiled.forward(x, 0), /a processed tile must be as long as its input: 12 long/);
    await refused();
    await assertNothingLeaks(refused);
  });

  test("nothing leaks, blended or not", async (ctx) => {
    using x = image(2, 1, 20, 23);
    using map = image(2, 1, 20, 23);
    for (const blend of ["crop", "hann"] as const) {
      const tiled = await distribute(new Identity(), ctx, {
        patchSize: 8,
        overlap: 2,
        maxBatchSize: 2,
        blend,
      });
      const forward = async () => (await tiled.forward(x, map)).dispose();
      await forward();
      await assertNothingLeaks(forward);
    }
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
  const options = (wrong: object) => () => createStrategy("overlap_tiling", [1, 1, 8, 8], wrong);
  assert.throws(options({ patchSize: 4, stride: 5 }), /stride must be at most the patch size 4/);
  assert.throws(options({ blend: "smooth" }), /blend must be one of "crop", "linear", "hann", got "smooth"/);
  assert.throws(options({ padding: "zeros" }), /padding must be one of/);
});

/** Gives back its input itself, as a user's denoiser may. */
class Identity extends Denoiser {
  override forward(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x);
  }
}

/** Rows whose constructor takes more than a shape. */
class NamedRows extends Rows {
  constructor(imgSize: readonly number[], readonly label: string) {
    super(imgSize);
  }
}

/** Every tile's mean. */
class TileMean extends Denoiser {
  override forward(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x.mean([1, 2, 3], { keepDims: true }).expand(x.shape));
  }
}

/** Every sample's left neighbour; its own at the left end. */
class LeftNeighbour extends Denoiser {
  override forward(x: Tensor): Promise<Tensor> {
    const width = x.shape[3];
    const first = x.slice([null, null, null, [0, 1]]), rest = x.slice([null, null, null, [0, width - 1]]);
    return Promise.resolve(Tensor.cat([first, rest], 3));
  }
}
