import {
  CompressedSensing,
  Downsampling,
  DynamicMRI,
  GaussianNoise,
  type LinearPhysics,
  MRI,
  Pansharpen,
  SequentialMRI,
  SinglePixelCamera,
  splitRows,
  stack,
  Tensor,
  TensorList,
  Upsampling,
} from "../../src/physics/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { relativeGap } from "./adjoint.ts";
import assert from "node:assert/strict";

function values(shape: readonly number[], seed: number): Tensor {
  return Tensor.from(randomValues(shape.reduce((n, extent) => n * extent, 1), seed), shape);
}

/** Asserts that `x` solves (A^T A + I / gamma) x = A^T y + z / gamma. */
async function assertProx(
  physics: LinearPhysics<Tensor>,
  x: Tensor,
  z: Tensor,
  y: Tensor,
  gamma: number,
  tolerance: number,
): Promise<void> {
  const left = (await physics.A_adjoint_A(x)).addScaled(x, 1 / gamma);
  const right = (await physics.A_adjoint(y)).addScaled(z, 1 / gamma);
  assert.ok(await relativeGap(left, right) < tolerance, `${await relativeGap(left, right)}`);
}

for (const ordering of ["sequency", "cake_cutting", "zig_zag", "xy"] as const) {
  onBothDevices(`SinglePixelCamera ${ordering} equals deepinv's`, async () => {
    const x = image(1, 1, 16, 16);
    const camera = new SinglePixelCamera({ m: 60, imgSize: [1, 16, 16], ordering });
    const y = await camera.A(x);
    await assertGolden(y, `SPC.${ordering}.A`, 1e-5);
    await assertGolden(await camera.A_dagger(y), `SPC.${ordering}.A_dagger`, 1e-5);
  });
}

onBothDevices("SinglePixelCamera takes m orthonormal patterns, all of them give the image back", async () => {
  const x = values([2, 3, 8, 4], 3);
  for (const ordering of ["sequency", "cake_cutting", "zig_zag", "xy"] as const) {
    for (const m of [1, 5, 31]) {
      const camera = new SinglePixelCamera({ m, imgSize: [3, 8, 4], ordering });
      assert.equal((await camera.mask.data()).reduce((sum, value) => sum + value, 0), m, ordering);
    }
  }
  const all = new SinglePixelCamera({ m: 32, imgSize: [3, 8, 4] });
  const y = await all.A(x);
  assert.ok(await largestDifference(await all.A_adjoint(y), x) < 1e-6);
  const some = new SinglePixelCamera({ m: 12, imgSize: [3, 8, 4] });
  const z = values([2, 3, 8, 4], 4);
  await assertProx(some, await some.prox_l2(z, y, 0.7), z, y, 0.7, 1e-5);
  assert.equal(await largestDifference(await some.prox_l2(null, y, 2), await some.prox_l2(0, y, 2)), 0);
  await assert.rejects(
    () => some.prox_l2(values([1, 3, 8, 4], 4), y, 1),
    /z must be of shape \(2, 3, 8, 4\)/,
  );
  await assert.rejects(() => some.prox_l2(z, y, -1), /gamma must be > 0, a number or a tensor, got -1/);
  await assert.rejects(
    () => some.prox_l2(z, y, Tensor.ones([3])),
    /gamma must be a number or one value per item/,
  );
  const build = (options: object) => new SinglePixelCamera({ m: 1, imgSize: [1, 8, 8], ...options });
  assert.throws(() => build({ imgSize: [1, 8, 6] }), /H and W powers of two, got \(1, 8, 6\)/);
  assert.throws(() => build({ m: 65 }), /m must be a whole number in \[1, 64\], got 65/);
  assert.throws(() => build({ ordering: "random" }), /ordering must be one of/);
  await assert.rejects(() => some.A(values([1, 3, 4, 8], 1)), /of shape \(B, 3, 8, 4\)/);
});

onBothDevices("Pansharpen equals deepinv's", async () => {
  const x = image(1, 3, 16, 16);
  const physics = new Pansharpen({ imgSize: [3, 16, 16] });
  const y = await physics.A(x);
  await assertGolden(y.get(0), "Pansharpen.y0", 1e-5);
  await assertGolden(y.get(1), "Pansharpen.y1", 1e-5);
  await assertGolden(await physics.A_dagger(y), "Pansharpen.A_dagger(brovey)", 1e-5);
  const squares = new Pansharpen({ imgSize: [3, 16, 16], useBrovey: false });
  const solved = await squares.A_dagger(y, { maxIter: 200, tol: 1e-6 });
  assert.ok(await largestDifference(await squares.A(solved), y) < 1e-4);
  const noisy = await physics.forward(x, { seed: 1 });
  assert.equal(await largestDifference(noisy.get(0), y.get(0)), 0);
  assert.ok(await largestDifference(noisy.get(1), y.get(1)) > 0.05);
  const clean = await new Pansharpen({ imgSize: [3, 16, 16], noiseGray: null }).forward(x);
  assert.equal(await largestDifference(clean, y), 0);
});

onBothDevices("CompressedSensing: entries, exact pseudo-inverse, blocks of rows", async () => {
  const imgSize = [2, 5, 6];
  const x = values([3, ...imgSize], 1);
  for (const [m, channelwise] of [[20, false], [60, false], [90, false], [13, true], [40, true]] as const) {
    const physics = new CompressedSensing({ m, imgSize, channelwise, seed: 4 });
    const n = channelwise ? 30 : 60;
    assert.deepEqual(physics.matrix.shape, [m, n]);
    const y = await physics.A(x);
    assert.deepEqual(y.shape, channelwise ? [3, 2, m] : [3, m]);
    const back = await physics.A_dagger(y);
    if (m > n) assert.ok(await relativeGap(back, x) < 1e-4, `${await relativeGap(back, x)}`);
    else if (m < n) assert.ok(await relativeGap(await physics.A(back), y) < 1e-4);
    const iterated = await physics.A_dagger(y, { solver: "lsqr", maxIter: 300, tol: 1e-7 });
    if (m !== n) {
      assert.ok(await relativeGap(iterated, back) < 1e-3, `${m} ${await relativeGap(iterated, back)}`);
    }
    const parts = splitRows(physics, 3);
    const split = await parts.A(x);
    const whole = Tensor.cat([...split], split.get(0).shape.length - 1);
    assert.ok(await largestDifference(whole, y) < 1e-6);
    assert.ok(await relativeGap(await parts.A_adjoint(split), await physics.A_adjoint(y)) < 1e-5);
  }
  const wide = await new CompressedSensing({ m: 400, imgSize: [1, 10, 10] }).matrix.data();
  const variance = wide.reduce((sum, value) => sum + value * value, 0) / wide.length;
  assert.ok(Math.abs(variance * 400 - 1) < 0.03, String(variance));
  const one = new CompressedSensing({ m: 4, imgSize, seed: 1 }),
    same = new CompressedSensing({ m: 4, imgSize, seed: 1 });
  assert.equal(await largestDifference(one.matrix, same.matrix), 0);
  assert.throws(() => new CompressedSensing({ m: 0, imgSize }), /m must be a whole number >= 1, got 0/);
  assert.throws(() => splitRows(one, 5), /parts must be a whole number in \[1, 4\], got 5/);
  await assert.rejects(() => one.A(values([1, 2, 6, 5], 1)), /x must be of shape \(B, 2, 5, 6\)/);
  await assert.rejects(() => one.A_adjoint(values([1, 5], 1)), /y must be of shape \(B, 4\), got \(1, 5\)/);
});

onBothDevices("DynamicMRI is MRI frame by frame, with masks of every rank", async () => {
  const film = values([2, 2, 3, 6, 5], 1);
  const masks = Tensor.from(randomValues(90, 2).map((value) => (value > 0 ? 1 : 0)), [3, 6, 5]);
  const physics = new DynamicMRI({ mask: masks });
  const y = await physics.A(film);
  for (const t of [0, 1, 2]) {
    const frameOf = (x: Tensor) => x.slice([null, null, [t, t + 1]]).reshape([2, 2, 6, 5]);
    const still = new MRI({ mask: masks.slice([[t, t + 1]]).reshape([6, 5]) });
    assert.ok(await largestDifference(frameOf(y), await still.A(frameOf(film))) < 1e-6);
    assert.ok(
      await largestDifference(frameOf(await physics.A_dagger(y)), await still.A_dagger(frameOf(y))) < 1e-6,
    );
    assert.ok(
      await largestDifference(
        frameOf(await physics.prox_l2(film, y, 2)),
        await still.prox_l2(frameOf(film), frameOf(y), 2),
      ) <
        1e-5,
    );
  }
  for (const shape of [[1, 3, 6, 5], [1, 1, 3, 6, 5]]) {
    assert.equal(await largestDifference(await new DynamicMRI({ mask: masks.reshape(shape) }).A(film), y), 0);
  }
  const one = masks.slice([[0, 1]]).reshape([6, 5]);
  const everywhere = new DynamicMRI({ mask: one });
  assert.deepEqual((await everywhere.A(film)).shape, film.shape);
  assert.deepEqual((await physics.A_adjoint(y, { mag: true })).shape, [2, 1, 3, 6, 5]);
  assert.deepEqual(physics.toStatic().mask.shape, [1, 1, 6, 5]);
  const noisy = await new DynamicMRI({ mask: masks, noiseModel: new GaussianNoise({ seed: 1 }) }).forward(
    film,
  );
  const hidden = noisy.sub(noisy.mul(masks));
  assert.equal(await hidden.abs().max().item(), 0);
  await assert.rejects(
    () => physics.A(values([2, 2, 4, 6, 5], 1)),
    /of shape \(B, 2, 3, 6, 5\), got \(2, 2, 4, 6, 5\)/,
  );
  assert.throws(() => new DynamicMRI({ mask: values([3, 3, 6, 5], 1) }), /mask must be \(H, W\)/);
});

onBothDevices("SequentialMRI is a stack of scans; A_dagger averages what was measured twice", async () => {
  const x = values([2, 2, 6, 5], 1);
  const masks = Tensor.from(randomValues(90, 2).map((value) => (value > 0 ? 1 : 0)), [3, 6, 5]);
  const physics = new SequentialMRI({ mask: masks });
  const scans = stack(...[0, 1, 2].map((t) => new MRI({ mask: masks.slice([[t, t + 1]]).reshape([6, 5]) })));
  const expected = await scans.A(x);
  const y = await physics.A(x);
  assert.ok(await largestDifference(y, Tensor.stack([...expected], 2)) < 1e-6);
  const data = values([2, 2, 3, 6, 5], 7);
  const frames = TensorList.from(
    [0, 1, 2].map((t) => data.slice([null, null, [t, t + 1]]).reshape([2, 2, 6, 5])),
  );
  assert.ok(await relativeGap(await physics.A_adjoint(data), await scans.A_adjoint(frames)) < 1e-6);
  const z = values([2, 2, 6, 5], 8);
  await assertProx(physics, await physics.prox_l2(z, data, 3), z, data, 3, 1e-5);
  const average = await physics.A_dagger(data);
  const iterated = await scans.A_dagger(frames, { maxIter: 100, tol: 1e-7 });
  assert.ok(await relativeGap(average, iterated) < 1e-4);
  const film = await physics.A_adjoint(data, { keepTimeDim: true });
  assert.deepEqual(film.shape, [2, 2, 3, 6, 5]);
  assert.ok(await relativeGap(film.sum(2), await physics.A_adjoint(data)) < 1e-6);
  const other = new SequentialMRI({ mask: Tensor.ones([2, 6, 5]) });
  other.update({ mask: masks });
  assert.equal(await largestDifference(await other.A(x), y), 0);
});

onBothDevices("Upsampling is the adjoint of Downsampling, its proximal operator exact", async () => {
  for (const filter of ["bicubic", "gaussian", null] as const) {
    for (const size of [[8, 12], [9, 10]]) {
      const options = { imgSize: [2, ...size], filter, factor: 2 };
      const up = new Upsampling(options), down = new Downsampling(options);
      const x = values([3, 2, ...size.map((extent) => Math.ceil(extent / 2))], 1),
        y = values([3, 2, ...size], 2);
      assert.equal(await largestDifference(await up.A(x), await down.A_adjoint(x)), 0);
      assert.equal(await largestDifference(await up.A_adjoint(y), await down.A(y)), 0);
      const z = values(x.shape, 3);
      await assertProx(up, await up.prox_l2(z, y, 1.3, { maxIter: 200, tol: 1e-6 }), z, y, 1.3, 1e-5);
    }
  }
});

onBothDevices("measurement operators leave nothing behind but their result", async () => {
  const x = values([1, 2, 4, 4], 1);
  const operators = [
    new SinglePixelCamera({ m: 4, imgSize: [2, 4, 4] }),
    new CompressedSensing({ m: 4, imgSize: [2, 4, 4] }),
    new SequentialMRI({ mask: Tensor.ones([2, 4, 4]) }),
    new Upsampling({ imgSize: [2, 8, 8], filter: "bilinear" }),
  ];
  for (const physics of operators) {
    (await physics.A_dagger(await physics.A(x))).dispose();
    await assertNothingLeaks(async () => {
      using y = await physics.A(x);
      using _back = await physics.A_adjoint(y);
      using _inverse = await physics.A_dagger(y);
      using _prox = await physics.prox_l2(x, y, 1);
    });
  }
});
