import assert from "node:assert/strict";
import {
  BernoulliSplittingMaskGenerator,
  birdcageMaps,
  Blur,
  DiffractionBlurGenerator,
  EquispacedMaskGenerator,
  GaussianBlurGenerator,
  GaussianMaskGenerator,
  Inpainting,
  type LineMaskGenerator,
  type LineMaskOptions,
  MotionBlurGenerator,
  MRI,
  MultiCoilMRI,
  type PhysicsGenerator,
  PolyOrderMaskGenerator,
  RandomMaskGenerator,
  Tensor,
} from "../../../src/physics/mod.ts";
import { largestDifference, onBothDevices } from "../../golden.ts";
import { assertNothingLeaks } from "../../tensor/leaks.ts";

const MASKS: Readonly<Record<string, new (options: LineMaskOptions) => LineMaskGenerator>> = {
  random: RandomMaskGenerator,
  gaussian: GaussianMaskGenerator,
  poly: PolyOrderMaskGenerator,
  equispaced: EquispacedMaskGenerator,
};

/** The columns of (B, C, H, W) masks, checked to be the same in every channel and row: [item][column]. */
async function columnsOf(mask: Tensor): Promise<number[][]> {
  const [batch, channels, height, width] = mask.shape;
  const values = await mask.data();
  return Array.from({ length: batch }, (_, b) =>
    Array.from({ length: width }, (_, x) => {
      const first = values[b * channels * height * width + x];
      assert.ok(first === 0 || first === 1);
      for (let line = 0; line < channels * height; line++) {
        assert.equal(values[(b * channels * height + line) * width + x], first);
      }
      return first;
    }));
}

const count = (columns: number[]) => columns.reduce((sum, value) => sum + value, 0);

onBothDevices("blur generators give kernels that sum to 1 and lie in their middle", async () => {
  for (const psfSize of [31, [16, 21], [9, 9]] as const) {
    const [height, width] = typeof psfSize === "number" ? [psfSize, psfSize] : psfSize;
    const generators: [string, PhysicsGenerator<{ filter: Tensor }>, number][] = [
      ["motion", new MotionBlurGenerator({ psfSize }), 1.2],
      ["gaussian", new GaussianBlurGenerator({ psfSize, isotropic: false, sigmaMax: 2 }), 0.2],
      ["diffraction", new DiffractionBlurGenerator({ psfSize, pupilSize: 64 }), 1.5],
    ];
    for (const [name, generator, off] of generators) {
      const { filter } = generator.step({ batchSize: 3, seed: 5 });
      assert.deepEqual(filter.shape, [3, 1, height, width], name);
      const values = await filter.data();
      for (let b = 0; b < 3; b++) {
        let [sum, row, column] = [0, 0, 0];
        for (let k = 0; k < height * width; k++) {
          const value = values[b * height * width + k];
          assert.ok(value >= 0);
          sum += value;
          row += value * (Math.floor(k / width) - (height - 1) / 2);
          column += value * (k % width - (width - 1) / 2);
        }
        assert.ok(Math.abs(sum - 1) < 1e-5, `${name}: sum ${sum}`);
        assert.ok(Math.hypot(row, column) < off, `${name}, ${height} x ${width}: centre ${row}, ${column}`);
      }
      assert.ok(await largestDifference(filter.slice([[0, 1]]), filter.slice([[1, 2]])) > 1e-4, name);
    }
  }
});

onBothDevices("generators depend on their seed only, item by item", async () => {
  const step = (
    generator: PhysicsGenerator<Readonly<Record<string, Tensor>>>,
    seed: number,
    batchSize: number,
  ) => Object.values(generator.step({ seed, batchSize }))[0];
  const build = () => [
    new MotionBlurGenerator({ psfSize: 11 }),
    new GaussianBlurGenerator({ psfSize: 11 }),
    new DiffractionBlurGenerator({ psfSize: 11, pupilSize: 32 }),
    ...Object.values(MASKS).map((Mask) => new Mask({ imgSize: [2, 3, 40] })),
    new BernoulliSplittingMaskGenerator({ tensorSize: [3, 8, 9], splitRatio: 0.5 }),
  ];
  const others = build();
  for (const [k, generator] of build().entries()) {
    const three = step(generator, 9, 3);
    assert.equal(await largestDifference(step(others[k], 9, 3), three), 0);
    assert.equal(await largestDifference(step(generator, 9, 1), three.slice([[0, 1]])), 0);
    let differs = 0;
    for (const seed of [10, 11, 12]) differs += await largestDifference(step(generator, seed, 3), three);
    assert.ok(differs > 0, generator.constructor.name);
    assert.throws(() => generator.step({ batchSize: 0 }), /batchSize must be a whole number >= 1, got 0/);
  }
});

onBothDevices("motion blurs are connected paths of about the stated size", async () => {
  const { filter } = new MotionBlurGenerator({ psfSize: 41 }).step({ batchSize: 3, seed: 2 });
  const still = new MotionBlurGenerator({ psfSize: 41, sigma: 1e-4 }).step({ seed: 2 }).filter;
  assert.ok(await still.max().item() > 0.99, "no motion, no blur");
  const values = await filter.data();
  for (let b = 0; b < 3; b++) {
    const lit = [...values.subarray(b * 41 * 41, (b + 1) * 41 * 41).entries()].filter(([, v]) => v > 0);
    assert.ok(lit.length > 3 && lit.length <= 159, `${lit.length} cells`);
    const extent = Math.max(...lit.map(([k]) => Math.abs(Math.floor(k / 41) - 20)));
    assert.ok(extent <= 20);
  }
});

onBothDevices("without aberrations a diffraction blur is the Airy pattern", async () => {
  const fc = 0.2;
  const { filter } = new DiffractionBlurGenerator({ psfSize: 15, maxZernikeAmplitude: 0, fc }).step();
  const values = await filter.data(), at = (row: number, column: number) => values[15 * row + column];
  const airy = (r: number) =>
    r === 0 ? 1 : (2 * besselJ1(2 * Math.PI * fc * r) / (2 * Math.PI * fc * r)) ** 2;
  for (const [row, column] of [[7, 8], [7, 9], [8, 8], [7, 4], [11, 10]]) {
    const ratio = at(row, column) / at(7, 7);
    assert.ok(Math.abs(ratio - airy(Math.hypot(row - 7, column - 7))) < 0.01, `${row}, ${column}: ${ratio}`);
  }
});

onBothDevices("MRI masks measure the centre and one line in as many as asked for", async () => {
  for (const [W, acceleration, centerFraction] of [[50, 4, 0.08], [128, 8, 0.04], [63, 3, 0.1], [37, 2, 0]]) {
    for (const [name, Mask] of Object.entries(MASKS)) {
      const generator = new Mask({ imgSize: [2, 6, W], acceleration, centerFraction });
      const { mask } = generator.step({ batchSize: 3, seed: 4 });
      assert.deepEqual(mask.shape, [3, 2, 6, W]);
      const centre = Math.floor(centerFraction * W), lines = Math.floor(W / acceleration);
      const begin = name === "equispaced"
        ? Math.floor((W - centre + 1) / 2)
        : Math.floor(W / 2) - Math.floor(centre / 2);
      for (const columns of await columnsOf(mask)) {
        for (let x = begin; x < begin + centre; x++) {
          assert.equal(columns[x], 1, `${name}: column ${x} of ${W}`);
        }
        if (name === "random" || name === "gaussian") assert.equal(count(columns), lines);
        if (name === "equispaced") assert.ok(Math.abs(count(columns) - W / acceleration) <= 2 + centre / 2);
      }
    }
  }
  const poly = new PolyOrderMaskGenerator({ imgSize: [1, 128], acceleration: 4 });
  const total = (await columnsOf(poly.step({ batchSize: 64, seed: 1 }).mask)).flat();
  assert.ok(Math.abs(count(total) / total.length - 1 / 4) < 0.02, `${count(total) / total.length}`);
  const gaussian = (await columnsOf(
    new GaussianMaskGenerator({ imgSize: [1, 100], acceleration: 4 }).step({ batchSize: 64, seed: 1 }).mask,
  )).map((columns) => count(columns.slice(30, 70)) / count(columns));
  assert.ok(gaussian.reduce((sum, share) => sum + share, 0) / 64 > 0.6, "Gaussian masks prefer the middle");
});

onBothDevices("equispaced lines and default centres are deepinv's", async () => {
  const generator = new EquispacedMaskGenerator({ imgSize: [1, 4, 64], acceleration: 4, centerFraction: 0 });
  const [columns] = await columnsOf(generator.step({ seed: 3 }).mask);
  const places = columns.flatMap((value, x) => value ? [x] : []);
  places.slice(1).forEach((x, k) => assert.equal(x - places[k], 4));
  for (const [acceleration, centre] of [[4, 8], [8, 4]]) {
    const { mask } = new RandomMaskGenerator({ imgSize: [100, 100], acceleration }).step({
      batchSize: 2,
      seed: 1,
    });
    assert.deepEqual(mask.shape, [2, 1, 100, 100]);
    for (const line of await columnsOf(mask)) {
      assert.equal(count(line.slice(50 - centre / 2, 50 + centre / 2)), centre);
    }
  }
  const all = new RandomMaskGenerator({ imgSize: [5, 7], acceleration: 1 }).step().mask;
  assert.equal(await all.min().item(), 1);
});

onBothDevices("masks in time differ from frame to frame", async () => {
  for (const [name, Mask] of Object.entries(MASKS)) {
    const { mask } = new Mask({ imgSize: [2, 5, 3, 48] }).step({ batchSize: 2, seed: 6 });
    assert.deepEqual(mask.shape, [2, 2, 5, 3, 48], name);
    const frames = [0, 1].map((t) => mask.slice([null, null, [t, t + 1]]));
    assert.ok(await largestDifference(frames[0], frames[1]) === 1, name);
    assert.equal(await largestDifference(mask.slice([null, [0, 1]]), mask.slice([null, [1, 2]])), 0);
  }
});

onBothDevices("Bernoulli masks keep their share, of an earlier mask too", async () => {
  const generator = new BernoulliSplittingMaskGenerator({ tensorSize: [3, 64, 64], splitRatio: 0.3 });
  const { mask } = generator.step({ batchSize: 3, seed: 1 });
  assert.deepEqual(mask.shape, [3, 3, 64, 64]);
  assert.ok(Math.abs(await mask.mean().item() - 0.3) < 0.02);
  assert.equal(await largestDifference(mask.slice([null, [0, 1]]), mask.slice([null, [2, 3]])), 0);
  const loose = new BernoulliSplittingMaskGenerator({
    tensorSize: [3, 64, 64],
    splitRatio: 0.3,
    pixelwise: false,
  });
  const each = loose.step({ seed: 1 }).mask;
  assert.equal(await largestDifference(each.slice([null, [0, 1]]), each.slice([null, [2, 3]])), 1);
  const half = generator.step({ seed: 2, inputMask: mask.slice([[0, 1]]) }).mask;
  assert.ok(Math.abs(await half.mean().item() - 0.09) < 0.02);
  assert.ok(await mask.slice([[0, 1]]).sub(half).min().item() >= 0);
  const physics = new Inpainting({ imgSize: [3, 64, 64], mask });
  assert.equal(await largestDifference(await physics.A(Tensor.ones([3, 3, 64, 64])), mask), 0);
});

onBothDevices("birdcage maps have unit sum of squares and serve MRI", async () => {
  for (const coils of [1, 4, 7]) {
    const maps = birdcageMaps({ imgSize: [2, 10, 13], coils });
    assert.deepEqual(maps.shape, [1, coils, 10, 13, 2]);
    const squares = maps.square().sum([1, 4]);
    assert.ok(await largestDifference(squares, Tensor.ones([1, 10, 13])) < 1e-5);
  }
  const volume = birdcageMaps({ imgSize: [3, 4, 5], coils: 9, threeD: true });
  assert.deepEqual(volume.shape, [1, 9, 3, 4, 5, 2]);
  assert.ok(await largestDifference(volume.square().sum([1, 5]), Tensor.ones([1, 3, 4, 5])) < 1e-5);
  const four = await birdcageMaps({ imgSize: [8, 8], coils: 4 }).square().sum(4).data();
  const nearest = (row: number, column: number) => {
    const weights = [0, 1, 2, 3].map((coil) => four[coil * 64 + row * 8 + column]);
    return weights.indexOf(Math.max(...weights));
  };
  assert.deepEqual([nearest(4, 7), nearest(7, 4), nearest(4, 0), nearest(0, 4)], [0, 1, 2, 3]);
  const { mask } = new RandomMaskGenerator({ imgSize: [2, 8, 8], acceleration: 2 }).step({ seed: 1 });
  const mri = new MultiCoilMRI({ mask, coilMaps: birdcageMaps({ imgSize: [8, 8], coils: 4 }) });
  assert.deepEqual((await mri.A(Tensor.ones([1, 2, 8, 8]))).shape, [1, 2, 4, 8, 8]);
});

onBothDevices("parameters go into operators, batch 3, and nothing leaks", async () => {
  const x = Tensor.randn([3, 1, 24, 24], { seed: 1 }), k = Tensor.randn([3, 2, 24, 24], { seed: 2 });
  const motion = new MotionBlurGenerator({ psfSize: 7 }),
    masks = new RandomMaskGenerator({ imgSize: [2, 24, 24] });
  const exercise = async () => {
    using filter = motion.step({ batchSize: 3, seed: 1 }).filter;
    using blurred = await new Blur({ filter, padding: "circular" }).A(x);
    assert.deepEqual(blurred.shape, x.shape);
    using mask = masks.step({ batchSize: 3, seed: 1 }).mask;
    const mri = new MRI({ mask });
    using y = await mri.A(k);
    assert.deepEqual(y.shape, k.shape);
    mri.mask.dispose();
  };
  await exercise();
  await assertNothingLeaks(exercise);
});

Deno.test("generators say what is wrong", () => {
  assert.throws(
    () => new MotionBlurGenerator({ psfSize: 0 }),
    /psfSize must be one or two whole numbers >= 1, got 0/,
  );
  assert.throws(() => new MotionBlurGenerator({ l: 0 }), /l must be finite and > 0/);
  assert.throws(() => new MotionBlurGenerator({ nSteps: 6 }), /nSteps must be/);
  assert.throws(
    () => new GaussianBlurGenerator({ sigmaMin: 3, sigmaMax: 2 }),
    /sigmaMax must be finite and >= 3/,
  );
  assert.throws(() => new DiffractionBlurGenerator({ fc: 0.3 }), /fc must be in \(0, 0.25\]/);
  assert.throws(() => new DiffractionBlurGenerator({ zernikeIndex: [0] }), /zernikeIndex must be/);
  assert.throws(() => new RandomMaskGenerator({ imgSize: [5] }), /imgSize must be \(H, W\)/);
  assert.throws(
    () => new RandomMaskGenerator({ imgSize: [5, 5], acceleration: 0.5 }),
    /acceleration must be/,
  );
  assert.throws(
    () => new RandomMaskGenerator({ imgSize: [5, 20], centerFraction: 0.5 }),
    /centerFraction must be at most 5 of 20 lines at acceleration 4, got 10 lines/,
  );
  assert.throws(
    () => new BernoulliSplittingMaskGenerator({ tensorSize: [3], splitRatio: 2 }),
    /splitRatio must be in \[0, 1\]/,
  );
  assert.throws(() => birdcageMaps({ imgSize: [8, 8], coils: 0 }), /coils must be a whole number >= 1/);
  assert.throws(
    () => birdcageMaps({ imgSize: [9, 8, 8], coils: 2 }),
    /imgSize must be \(H, W\) or \(2, H, W\)/,
  );
});

/** J_1(x) = (1 / pi) int_0^pi cos(t - x sin t) dt */
function besselJ1(x: number): number {
  const n = 400;
  let sum = 0;
  for (let k = 0; k < n; k++) {
    const t = Math.PI * (k + 0.5) / n;
    sum += Math.cos(t - x * Math.sin(t));
  }
  return sum / n;
}
