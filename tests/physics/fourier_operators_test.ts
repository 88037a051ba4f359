import assert from "node:assert/strict";
import {
  Blur,
  BlurFFT,
  gaussianBlur,
  GaussianNoise,
  type LinearPhysics,
  MRI,
  MultiCoilMRI,
  Tensor,
} from "../../src/physics/mod.ts";
import { assertGolden, generate, image, largestDifference, onBothDevices } from "../golden.ts";

/** Real part x, imaginary part half of x mirrored along the width. */
function complexImage(height: number, width: number, batch = 1): Tensor {
  const x = image(batch, 1, height, width);
  return Tensor.cat([x, x.flip(3).mul(0.5)], 1);
}

/** Even columns, and the two in the middle. */
function columns(height: number, width: number): Tensor {
  return generate(
    [1, 1, height, width],
    (_b, _c, _h, w) => w % 2 === 0 || w === Math.floor(width / 2) || w === Math.floor(width / 2) - 1 ? 1 : 0,
  ).reshape([height, width]);
}

/** polar(.5 + .4 cos(.2h + n), .1nw + .05h) */
function coils(count: number, height: number, width: number): Tensor {
  const part = (f: (angle: number) => number) =>
    generate(
      [1, count, height, width],
      (_b, n, h, w) => (0.5 + 0.4 * Math.cos(0.2 * h + n)) * f(0.1 * n * w + 0.05 * h),
    );
  return Tensor.stack([part(Math.cos), part(Math.sin)], 4);
}

async function assertAdjoint(physics: LinearPhysics<Tensor>, x: Tensor): Promise<void> {
  const error = await physics.adjointnessTest(x, { seed: 5 });
  const y = await physics.A(x);
  const scale = await x.norm().item() * Math.sqrt(y.numel);
  assert.ok(Math.abs(error) <= 1e-4 * scale, `dot test ${error} of ${scale}`);
}

onBothDevices("BlurFFT equals deepinv's, and Blur with circular padding", async () => {
  const x = image(2, 3, 12, 15);
  const filter = gaussianBlur({ sigma: [1, 1.6], angle: 25, psfSize: [5, 5] });
  const blur = new BlurFFT({ imgSize: [3, 12, 15], filter });
  const y = await blur.A(x);
  await assertGolden(y, "BlurFFT.A", 1e-5);
  await assertGolden(await blur.A_adjoint(y), "BlurFFT.AT", 1e-5);
  await assertGolden(await blur.prox_l2(x, y, 2), "BlurFFT.prox_l2(gamma=2,z=x)", 1e-5);
  // Rounding of y is divided by the smallest singular values: deepinv's values are 1.3e-4 away from x, ours 1.9e-4.
  assert.ok(await largestDifference(await blur.A_dagger(y), x) <= 4e-4);
  await assertGolden(await blur.A_dagger(y), "BlurFFT.A_dagger", 3e-4);
  for (
    const [height, width, psfSize] of [[12, 15, [4, 5]], [7, 1, [3, 3]], [5, 6, [11, 9]], [1, 1, [
      3,
      1,
    ]]] as const
  ) {
    const own = Tensor.randn([1, 2, ...psfSize], { seed: 1 });
    const z = image(3, 2, height, width);
    const fourier = new BlurFFT({ imgSize: [2, height, width], filter: own });
    const direct = new Blur({ filter: own, padding: "circular" });
    assert.ok(await largestDifference(await fourier.A(z), await direct.A(z)) <= 2e-5);
    assert.ok(await largestDifference(await fourier.A_adjoint(z), await direct.A_adjoint(z)) <= 2e-5);
    await assertAdjoint(fourier, z);
  }
  await assert.rejects(blur.A(image(1, 3, 12, 14)), /of shape \(B, 3, 12, 15\)/);
  assert.throws(
    () => new BlurFFT({ imgSize: [3, 12, 15], filter: Tensor.ones([5, 5]) }),
    /filter must be of shape/,
  );
});

onBothDevices("MRI equals deepinv's", async () => {
  const x = complexImage(16, 16);
  const mri = new MRI({ mask: columns(16, 16) });
  const y = await mri.A(x);
  await assertGolden(y, "MRI.A", 1e-5);
  await assertGolden(await mri.A_adjoint(y), "MRI.AT", 1e-5);
  await assertGolden(await mri.A_dagger(y), "MRI.A_dagger", 1e-5);
  await assertGolden(await mri.A_adjoint(y, { mag: true }), "MRI.AT.mag", 1e-5);
  await assertGolden(await mri.prox_l2(0, y, 3), "MRI.prox_l2(gamma=3,z=0)", 1e-5);
  const odd = new MRI({ mask: Tensor.ones([15, 13]) });
  await assertGolden(await odd.A(x.slice([null, null, [0, 15], [0, 13]])), "MRI.odd(15x13).A", 1e-5);
});

onBothDevices("multi-coil MRI equals deepinv's", async () => {
  const x = complexImage(16, 16);
  const mri = new MultiCoilMRI({ mask: columns(16, 16), coilMaps: coils(3, 16, 16) });
  const y = await mri.A(x);
  await assertGolden(y, "MultiCoil.A", 1e-5);
  await assertGolden(await mri.A_adjoint(y), "MultiCoil.AT", 1e-5);
  await assertGolden(await mri.A_adjoint(y, { rss: true }), "MultiCoil.AT.rss", 1e-5);
  await assertGolden(await mri.A_dagger(y), "MultiCoil.A_dagger(CG default)", 1e-4);
  await assertGolden(
    await mri.A_dagger(y, { maxIter: 200, tol: 1e-7 }),
    "MultiCoil.A_dagger(CG 200 1e-7)",
    1e-4,
  );
});

onBothDevices(
  "MRI has an exact adjoint on any size, in two and three dimensions, and hides noise",
  async () => {
    for (const [height, width, batch] of [[15, 13, 1], [1, 1, 2], [7, 10, 3]]) {
      const x = complexImage(height, width, batch);
      await assertAdjoint(new MRI({ mask: columns(height, width) }), x);
      await assertAdjoint(
        new MultiCoilMRI({ mask: columns(height, width), coilMaps: coils(2, height, width) }),
        x,
      );
    }
    const volume = Tensor.randn([2, 2, 3, 5, 4], { seed: 3 });
    const mask = Tensor.randn([3, 5, 4], { seed: 4 }).greater(0);
    await assertAdjoint(new MRI({ mask, threeD: true }), volume);
    await assertAdjoint(
      new MultiCoilMRI({ mask, coilMaps: Tensor.randn([1, 2, 3, 5, 4, 2], { seed: 6 }) }),
      volume,
    );
    const noisy = new MRI({ mask, threeD: true, noiseModel: new GaussianNoise({ sigma: 1, seed: 1 }) });
    const y = await noisy.forward(volume);
    assert.equal(await largestDifference(y.mul(noisy.mask), y), 0);
    assert.throws(() => new MRI({ mask: Tensor.ones([4]) }), /mask must be/);
    assert.throws(
      () => new MultiCoilMRI({ mask: columns(4, 4), coilMaps: Tensor.ones([1, 2, 5, 4, 2]) }),
      /coil maps' size/,
    );
    await assert.rejects(
      new MRI({ mask: columns(4, 4) }).A(Tensor.ones([1, 2, 5, 4])),
      /of shape \(B, 2, 4, 4\)/,
    );
  },
);
