import {
  BilateralFilter,
  type Denoiser,
  DnCNN,
  type HostParameter,
  MedianFilter,
  nabla,
  nablaAdjoint,
  TGVDenoiser,
  TVDenoiser,
} from "../../src/models/mod.ts";
import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { MedianDenoiser } from "../distributed/median_denoiser.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

/** x3 + 0.1 sin(2.7 m) */
function noisy(): Tensor {
  using clean = image(1, 3, 16, 16);
  using ripple = Tensor.from(
    Float32Array.from({ length: clean.numel }, (_, m) => 0.1 * Math.sin(Math.fround(Math.fround(2.7) * m))),
    clean.shape,
  );
  return clean.add(ripple);
}

const FILTERS: readonly [name: string, make: () => Denoiser, threshold: number][] = [
  ["den.TV(0.1,50it)", () => new TVDenoiser({ nItMax: 50 }), 0.1],
  ["den.TV(0.1,default)", () => new TVDenoiser(), 0.1],
  ["den.TGV(0.1,50it)", () => new TGVDenoiser({ nItMax: 50 }), 0.1],
  ["den.median3", () => new MedianFilter({ kernelSize: 3 }), 0],
  ["den.median9", () => new MedianFilter(), 0],
  ["den.bilateral(d1,r0.3)", () => new BilateralFilter({ sigmaD: 1, sigmaR: 0.3 }), 0],
];

for (const [name, make, threshold] of FILTERS) {
  onBothDevices(`${name} equals deepinv`, async () => {
    using x = noisy();
    await assertGolden(x, "den.input", 1e-6);
    (await make().forward(x, threshold)).dispose();
    await assertNothingLeaks(async () => {
      using y = await make().forward(x, threshold);
      await assertGolden(y, name, 1e-4);
    });
  });
}

onBothDevices("DnCNN equals deepinv", async () => {
  using blank = await DnCNN.create();
  const weights = new Map<string, HostParameter>();
  for (const [key, { shape }] of blank.stateDict()) {
    const k = weights.size;
    const fan = shape.slice(1).reduce((product, extent) => product * extent, 1);
    const data = new Float32Array(shape[0] * fan);
    data.forEach((_, i) => data[i] = Math.sin(0.7 * k + 0.37 * i + 0.001 * (i % 977)) / Math.sqrt(fan));
    weights.set(key, { shape, data });
  }
  using denoiser = await DnCNN.create({ weights });
  using x = image(1, 3, 24, 20);
  using y = await denoiser.forward(x, 0.1);
  await assertGolden(y, "DnCNN.24x20", 1e-4);
  assert.deepEqual([...denoiser.stateDict().keys()].slice(0, 3), [
    "in_conv.weight",
    "in_conv.bias",
    "conv_list.0.weight",
  ]);
});

onBothDevices("a median over any window equals sorting, with ties, infinities and NaN", async () => {
  for (const kernelSize of [1, 3, 7, 8]) {
    const plain = Plain.random([2, 2, 9, 70], kernelSize);
    const values = Float32Array.from(plain.values);
    values.set([Infinity, -Infinity, 0, -0, 0.5, 0.5, 0.5], 100);
    using x = Tensor.from(values, plain.shape);
    using y = await new MedianFilter({ kernelSize }).forward(x);
    const before = (kernelSize - 1) >> 1, after = kernelSize - 1 - before;
    using padded = x.pad([[before, after], [before, after]], "reflect");
    const source = new Plain(padded.shape, await padded.data());
    const expected = Plain.build(x.shape, ([b, c, i, j]) => {
      const window = Plain.build([kernelSize, kernelSize], ([u, v]) => source.at([b, c, i + u, j + v]));
      return Array.from(window.values).sort((p, q) => p - q)[(kernelSize ** 2 - 1) >> 1];
    });
    await assertPlain(y, expected, `window ${kernelSize}`);
  }
  using spoiled = Plain.build([1, 1, 5, 5], ([, , i, j]) => (i === 0 && j === 0 ? NaN : i)).tensor();
  using y = await new MedianFilter({ kernelSize: 3 }).forward(spoiled);
  const marks = Plain.build([1, 1, 5, 5], ([, , i, j]) => Number(i < 2 && j < 2));
  await assertPlain(y.nonFinite(), marks, "NaN");
});

onBothDevices("the median equals the one that the tiling tests use", async () => {
  using x = image(1, 2, 12, 11);
  using mine = await new MedianFilter({ kernelSize: 5 }).forward(x);
  using theirs = await new MedianDenoiser(5).forward(x);
  assert.equal(await largestDifference(mine, theirs), 0);
});

onBothDevices("nabla and its adjoint are each other's transpose", async () => {
  using x = Plain.random([2, 1, 5, 4], 1).tensor();
  using v = Plain.random([2, 1, 5, 4, 2], 2).tensor();
  using left = nabla(x).dot(v);
  using right = x.dot(nablaAdjoint(v));
  assert.ok(Math.abs(await left.item() - await right.item()) < 1e-5);
  const gradient = Plain.build([2, 1, 5, 4, 2], ([b, c, i, j, k]) => {
    const at = (row: number, column: number) => Plain.random([2, 1, 5, 4], 1).at([b, c, row, column]);
    if (k === 0) return i < 4 ? at(i + 1, j) - at(i, j) : 0;
    return j < 3 ? at(i, j + 1) - at(i, j) : 0;
  });
  await assertPlain(nabla(x), gradient, "nabla", 1e-6);
});

onBothDevices("TV and TGV start cold, take a threshold per item, and with 0 leave images alone", async () => {
  for (const denoiser of [new TVDenoiser({ nItMax: 20 }), new TGVDenoiser({ nItMax: 20 })]) {
    using x = Plain.random([2, 1, 6, 7]).tensor();
    using once = await denoiser.forward(x, 0.2);
    using again = await denoiser.forward(x, 0.2);
    assert.equal(await largestDifference(once, again), 0);
    using none = await denoiser.forward(x, 0);
    assert.ok(await largestDifference(none, x) < 1e-5);
    using both = await denoiser.forward(x, Tensor.from([0, 0.2]));
    using first = both.slice([[0, 1]]);
    using second = both.slice([[1, 2]]);
    assert.ok(await largestDifference(first, x.slice([[0, 1]])) < 1e-5);
    assert.ok(await largestDifference(second, once.slice([[1, 2]])) < 1e-2);
  }
});

onBothDevices("what denoisers cannot take is refused by name", async () => {
  using x = Tensor.ones([1, 1, 6, 6]);
  using flat = Tensor.ones([6, 6]);
  const network = await DnCNN.create({ inChannels: 1, depth: 3, nf: 4 });
  await assertNothingLeaks(async () => {
    for (const sigma of [-1, NaN]) {
      await assert.rejects(() => new TVDenoiser().forward(x, sigma), /TVDenoiser: the threshold/);
      await assert.rejects(() => new TGVDenoiser().forward(x, sigma), /TGVDenoiser: the threshold/);
    }
    for (const denoiser of [new TVDenoiser(), new TGVDenoiser(), new MedianFilter(), new BilateralFilter()]) {
      await assert.rejects(
        () => denoiser.forward(flat, 0.1),
        /x must be of shape \(B, C, H, W\).*, got \(6, 6\)/,
      );
    }
    await assert.rejects(() => new MedianFilter({ kernelSize: 13 }).forward(x), /"reflect"/);
    await assert.rejects(() => network.forward(flat), /\(B, 1, H, W\)/);
  });
  assert.throws(() => new MedianFilter({ kernelSize: 42 }), InvalidArgumentError);
  assert.throws(() => new TVDenoiser({ tau: 0 }), /tau must be finite and > 0/);
  assert.throws(() => new TVDenoiser({ rho: 2 }), /rho must be in \(0, 2\)/);
  assert.throws(() => new TGVDenoiser({ nItMax: 0 }), /nItMax/);
  assert.throws(() => new BilateralFilter({ windowSize: 4 }), /windowSize must be odd/);
  assert.throws(() => new BilateralFilter({ sigmaR: 0 }), /sigmaR/);
  await assert.rejects(() => DnCNN.create({ depth: 1 }), /depth/);
  await assert.rejects(() => DnCNN.create({ outChannels: 1 }), /outChannels must be inChannels \(3\)/);
  await assert.rejects(
    () => DnCNN.create({ bias: false, weights: network.stateDict() }),
    /load weights into/,
  );
});
