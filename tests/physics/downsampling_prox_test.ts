import assert from "node:assert/strict";
import { Downsampling, gaussianBlur, Tensor } from "../../src/physics/mod.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { relativeGap } from "./adjoint.ts";

onBothDevices("Downsampling's closed-form proximal operator equals deepinv's", async () => {
  const x = image(1, 3, 16, 16);
  const half = new Downsampling({ imgSize: [3, 16, 16], filter: "bicubic", factor: 2 });
  await assertGolden(
    await half.prox_l2(x, await half.A(x), 0.5),
    "Downsampling2.bicubic.prox_l2(gamma=.5,z=x)",
    1e-5,
  );
});

onBothDevices(
  "the proximal operator solves the normal equations for any size, filter and padding",
  async () => {
    const cases = [[1, 1, 1, 1], [3, 12, 6, 2], [2, 9, 15, 3], [1, 10, 5, 5], [2, 7, 5, 2], [1, 8, 11, 4]];
    for (const [batch, height, width, factor] of cases) {
      const imgSize = [2, height, width];
      const own = gaussianBlur({ sigma: [0.8, 1.4], angle: 20, psfSize: [3, 4] });
      const ownPerItem = Tensor.randn([batch, 2, 3, 2], { seed: 2 }).mul(0.3);
      for (const filter of [null, "gaussian", "sinc", own, ownPerItem] as const) {
        for (
          const padding of filter === "gaussian" ? ["circular", "replicate"] as const : ["circular"] as const
        ) {
          const exact = filter === null || (padding === "circular" && height % factor + width % factor === 0);
          const physics = new Downsampling({ imgSize, filter, factor, padding });
          const z = image(batch, 2, height, width);
          const y = (await physics.A(z)).add(0.3);
          const gammas = Tensor.from(Array.from({ length: batch }, (_, b) => 0.5 + b));
          for (const gamma of [0.7, gammas]) {
            const solution = await physics.prox_l2(z, y, gamma, { maxIter: 40, tol: 1e-6 });
            const weight = typeof gamma === "number" ? Tensor.from([gamma]) : gamma;
            const pull = solution.sub(z).div(weight.reshape([weight.numel, 1, 1, 1]));
            const left = (await physics.A_adjoint_A(solution)).add(pull);
            const gap = await largestDifference(left, await physics.A_adjoint(y));
            assert.ok(gap <= (exact ? 2e-5 : 1e-4), `${imgSize} / ${factor}, ${padding}: ${gap}`);
          }
        }
      }
    }
  },
);

onBothDevices("a number stands for a constant image, and wrong arguments are clear errors", async () => {
  const physics = new Downsampling({ imgSize: [1, 8, 8], filter: "bilinear" });
  const y = Tensor.randn([2, 1, 4, 4], { seed: 1 });
  const constant = await physics.prox_l2(0.25, y, 3);
  assert.equal(await relativeGap(constant, await physics.prox_l2(Tensor.full([2, 1, 8, 8], 0.25), y, 3)), 0);
  await assert.rejects(physics.prox_l2(0, y, -1), /gamma must be > 0/);
  await assert.rejects(
    physics.prox_l2(0, y, Tensor.ones([3])),
    /gamma must be a number or one value per item/,
  );
  await assert.rejects(physics.prox_l2(0, Tensor.ones([2, 1, 4, 5]), 1), /y must be of shape \(2, 1, 4, 4\)/);
});
