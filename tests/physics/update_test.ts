import {
  Blur,
  BlurFFT,
  compose,
  CompressedSensing,
  Decolorize,
  Demosaicing,
  Denoising,
  Downsampling,
  DynamicMRI,
  gaussianBlur,
  GaussianNoise,
  Inpainting,
  type LinearPhysics,
  MRI,
  MultiCoilMRI,
  Pansharpen,
  type Physics,
  PoissonGaussianNoise,
  PoissonNoise,
  Ptychography,
  RadioInterferometry,
  RandomPhaseRetrieval,
  RicianNoise,
  SequentialMRI,
  SinglePixelCamera,
  SpaceVaryingBlur,
  stack,
  StructuredRandom,
  StructuredRandomPhaseRetrieval,
  Tensor,
  TensorList,
  Tomography,
  UniformGaussianNoise,
  Upsampling,
} from "../../src/physics/mod.ts";
import { manualSeed, openDevice } from "../../src/tensor/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import { Squares, Weights } from "./toys.ts";
import assert from "node:assert/strict";

function values(shape: readonly number[], seed: number): Tensor {
  return Tensor.from(randomValues(shape.reduce((n, extent) => n * extent, 1), seed), shape);
}

const kernel = (sigma: number): Tensor => gaussianBlur({ sigma, psfSize: [5, 5] });
const mask = (seed: number, ...shape: number[]): Tensor => values(shape, seed).greater(0);

/** Pairs that must be equal after the first is updated with the parameters. */
const UPDATES: readonly [
  name: string,
  make: () => [LinearPhysics<Tensor>, LinearPhysics<Tensor>, object],
  number[],
][] = [
  ["Blur", () => [new Blur({ filter: kernel(1) }), new Blur({ filter: kernel(2) }), { filter: kernel(2) }], [
    2,
    3,
    8,
    9,
  ]],
  ["BlurFFT", () => {
    const imgSize = [3, 8, 9];
    const filter = kernel(2);
    return [new BlurFFT({ imgSize, filter: kernel(1) }), new BlurFFT({ imgSize, filter }), { filter }];
  }, [2, 3, 8, 9]],
  ["Downsampling", () => {
    const options = { imgSize: [3, 8, 8], factor: 2 };
    return [
      new Downsampling({ ...options, filter: "bilinear" }),
      new Downsampling({ ...options, filter: "bicubic" }),
      { filter: "bicubic" },
    ];
  }, [2, 3, 8, 8]],
  ["Upsampling", () => {
    const options = { imgSize: [3, 8, 8], factor: 2 };
    return [new Upsampling(options), new Upsampling({ ...options, filter: kernel(1) }), {
      filter: kernel(1),
    }];
  }, [2, 3, 4, 4]],
  ["Inpainting", () => {
    const imgSize = [3, 8, 8];
    return [
      new Inpainting({ imgSize, mask: 0.5 }),
      new Inpainting({ imgSize, mask: mask(3, 1, 3, 8, 8) }),
      { mask: mask(3, 1, 3, 8, 8) },
    ];
  }, [2, 3, 8, 8]],
  [
    "Decolorize",
    () => [new Decolorize(), new Decolorize({ srf: [0.1, 0.5, 0.7] }), { srf: [0.1, 0.5, 0.7] }],
    [2, 3, 8, 8],
  ],
  [
    "MRI",
    () => [new MRI({ mask: mask(1, 8, 7) }), new MRI({ mask: mask(2, 8, 7) }), { mask: mask(2, 8, 7) }],
    [2, 2, 8, 7],
  ],
  ["MultiCoilMRI", () => {
    const coilMaps = values([1, 3, 8, 7, 2], 4);
    return [
      new MultiCoilMRI({ mask: mask(1, 8, 7), coilMaps: values([1, 2, 8, 7, 2], 5) }),
      new MultiCoilMRI({ mask: mask(2, 8, 7), coilMaps }),
      { mask: mask(2, 8, 7), coilMaps },
    ];
  }, [2, 2, 8, 7]],
  [
    "DynamicMRI",
    () => [
      new DynamicMRI({ mask: mask(1, 3, 8, 7) }),
      new DynamicMRI({ mask: mask(2, 3, 8, 7) }),
      { mask: mask(2, 3, 8, 7) },
    ],
    [2, 2, 3, 8, 7],
  ],
];

for (const [name, make, shape] of UPDATES) {
  onBothDevices(`${name}: an updated operator is the one built with the new parameters`, async () => {
    const [physics, expected, parameters] = make();
    const x = values(shape, 9);
    const y = await expected.A(x);
    const copy = physics.clone();
    (await physics.prox_l2(x, await physics.A(x), 2)).dispose();
    const before = await physics.A(x);
    const measured = await physics.forward(x, parameters);
    assert.equal(await largestDifference(measured, y), 0, "forward");
    assert.equal(await largestDifference(await physics.A(x), y), 0, "the parameters stay");
    assert.equal(await largestDifference(await physics.A_adjoint(y), await expected.A_adjoint(y)), 0);
    assert.equal(await largestDifference(await physics.prox_l2(x, y, 2), await expected.prox_l2(x, y, 2)), 0);
    assert.equal(await largestDifference(await copy.A(x), before), 0, "a clone made before stays as it was");
    copy.update(parameters);
    assert.equal(await largestDifference(await copy.A(x), y), 0, "a clone can be updated too");
    assert.deepEqual([...physics.parameterNames].sort(), Object.keys(parameters).sort());
  });
}

onBothDevices("unknown names and wrong values are refused, and change nothing", async () => {
  const blur = new Blur({ filter: kernel(1), noiseModel: new GaussianNoise({ sigma: 0.2 }) });
  const x = image(1, 1, 8, 8);
  assert.throws(
    () => blur.update({ mask: 1 }),
    /Cannot update Blur: a parameter's name must be one of filter, sigma, got "mask"/,
  );
  assert.throws(() => blur.update({ sigma: -1 }), /sigma must be a finite number and >= 0, got -1/);
  assert.throws(() => blur.update({ filter: values([3, 3], 1) }), /filter must be a tensor of shape/);
  assert.throws(
    () => new Tomography({ angles: 3, imgWidth: 8 }).update({ angles: 4 }),
    /no parameters to update/,
  );
  await assert.rejects(() => blur.forward(x, { gain: 2 }), /got "gain"/);
  const bayer = new Demosaicing({ imgSize: [3, 4, 4] });
  assert.throws(() => bayer.update({ mask: x }), /no parameters to update, got "mask"/);
  assert.throws(() => new MRI({ mask: mask(1, 8, 7) }).update({ mask: 3 }), /mask must be a tensor, got 3/);
  assert.throws(
    () => new Inpainting({ imgSize: [1, 4, 4], mask: 1 }).update({ mask: values([5, 5], 1) }),
    /broadcasts/,
  );
  assert.throws(
    () =>
      new MultiCoilMRI({ mask: mask(1, 8, 7), coilMaps: values([1, 2, 8, 7, 2], 5) }).update({ coilMaps: x }),
    /coilMaps must be \(B, N, 8, 7, 2\)/,
  );
  assert.equal((blur.noiseModel as GaussianNoise).sigma, 0.2);
});

onBothDevices("parameters of forward reach the noise, and stay", async () => {
  const zero = Tensor.zeros([2, 1, 20, 20]);
  const physics = new Denoising();
  const deviation = async (y: Tensor) => Math.sqrt(await y.square().mean().item());
  assert.ok(Math.abs(await deviation(await physics.forward(zero, { sigma: 0.5, seed: 1 })) / 0.5 - 1) < 0.1);
  assert.ok(Math.abs(await deviation(await physics.forward(zero, { seed: 2 })) / 0.5 - 1) < 0.1);
  const perItem = await physics.forward(zero, { sigma: Tensor.from([0, 2]), seed: 3 });
  assert.equal(await perItem.slice([[0, 1]]).abs().max().item(), 0);
  assert.ok(await perItem.slice([[1, 2]]).abs().max().item() > 3);
  const photons = new Denoising({ noiseModel: new PoissonNoise({ gain: 1 }) });
  const counts = await (await photons.forward(Tensor.full([1, 1, 4, 4], 2), { gain: 0.25, seed: 1 })).data();
  assert.ok(
    counts.every((value) => Number.isInteger(value * 4)) && counts.some((value) => !Number.isInteger(value)),
  );
});

onBothDevices("a seed fixes one call's noise, on every device, and leaves the stream alone", async () => {
  const there = await openDevice("cpu");
  const clean = randomValues(54, 1).map((value) => 0.5 + value / 3);
  const y = Tensor.from(clean, [2, 3, 3, 3]), same = Tensor.from(clean, [2, 3, 3, 3], { device: there });
  const models = [
    () => new GaussianNoise({ sigma: 0.3, seed: 4 }),
    () => new GaussianNoise({ sigma: 0.3, seed: 4 }).mul(new PoissonNoise({ gain: 0.1, seed: 5 })),
    () => new PoissonGaussianNoise({ seed: 4 }),
    () => new RicianNoise({ seed: 4 }),
    () => new UniformGaussianNoise({ seed: 4 }),
  ];
  for (const make of models) {
    const noise = make(), undisturbed = make();
    const first = await noise.forward(y, { seed: 7 });
    assert.deepEqual(
      await (await noise.forward(same, { seed: 7 })).data(),
      await first.data(),
      "equal on both devices",
    );
    assert.notDeepEqual(await (await noise.forward(y, { seed: 8 })).data(), await first.data());
    const next = await (await noise.forward(y)).data();
    assert.deepEqual(next, await (await undisturbed.forward(y)).data(), "the stream goes on");
    const copy = noise.clone();
    const after = await (await noise.forward(y)).data();
    assert.deepEqual(await (await copy.forward(y)).data(), after, "a clone goes on alike");
    assert.notDeepEqual(after, next);
  }
  there.close();
});

onBothDevices("Gaussian noises add in quadrature; composed noises act one after the other", async () => {
  const sum = new GaussianNoise({ sigma: 0.3 }).add(new GaussianNoise({ sigma: 0.4 }));
  assert.ok(Math.abs(sum.sigma as number - 0.5) < 1e-12);
  const levels = new GaussianNoise({ sigma: Tensor.from([0.3, 5]) }).add(new GaussianNoise({ sigma: 0.4 }));
  const both = await (levels.sigma as Tensor).data();
  assert.ok(Math.abs(both[0] - 0.5) < 1e-6 && Math.abs(both[1] - Math.hypot(5, 0.4)) < 1e-5);
  const y = Tensor.full([1, 1, 5, 5], 3);
  const photons = new PoissonNoise({ seed: 1 }), electrons = new GaussianNoise({ sigma: 0.1, seed: 2 });
  const expected = await electrons.clone().forward(await photons.clone().forward(y));
  const composed = electrons.mul(photons);
  assert.equal(await largestDifference(await composed.forward(y), expected), 0);
  assert.deepEqual([...composed.parameterNames].sort(), ["gain", "sigma"]);
  composed.update({ gain: 0.5, sigma: 0 });
  assert.equal(electrons.sigma, 0);
  assert.throws(() => composed.update({ mu: 1 }), /one of/);
  assert.throws(() => electrons.mul(3 as never), /every entry must be a NoiseModel, got 3/);
});

onBothDevices("the sensor acts after the noise, entry by entry in a stack", async () => {
  const sensor = (y: Tensor) => y.clamp(0, 1);
  const x = Tensor.full([1, 1, 8, 8], 0.5);
  const physics = new Denoising({ noiseModel: new GaussianNoise({ sigma: 3, seed: 1 }), sensor });
  const y = await (await physics.forward(x)).data();
  assert.ok(y.includes(0) && y.includes(1));
  const same = new Denoising({ noiseModel: new GaussianNoise({ sigma: 0 }), sensor: (entry) => entry });
  assert.equal(await largestDifference(await same.forward(x), x), 0);
  const pair = await stack(
    physics,
    new Blur({ filter: kernel(1), padding: "circular", sensor: (v) => v.mul(2) }),
  ).forward(x);
  assert.ok(await pair.get(0).max().item() <= 1);
  assert.ok(Math.abs(await pair.get(1).max().item() - 1) < 1e-5);
});

onBothDevices("stacks pass parameters, noise and seeds on to their parts", async () => {
  const x = image(2, 2, 8, 8);
  const blurs = () =>
    stack(
      stack(new Blur({ filter: kernel(1), padding: "circular", noiseModel: new GaussianNoise() })),
      new Inpainting({ imgSize: [2, 8, 8], mask: mask(1, 1, 2, 8, 8) }),
      new Blur({ filter: kernel(2), padding: "circular", noiseModel: new PoissonGaussianNoise() }),
    );
  const physics = blurs();
  assert.deepEqual([...physics.parameterNames].sort(), ["filter", "gain", "mask", "sigma"]);
  const copy = physics.clone();
  physics.update({ filter: kernel(1.5), sigma: 0.4 });
  for (const i of [0, 2]) {
    assert.equal(await largestDifference((physics.get(i) as Blur).filter, kernel(1.5)), 0);
  }
  assert.equal((physics.get(0).noiseModel as GaussianNoise).sigma, 0.4);
  assert.equal((copy.get(0).noiseModel as GaussianNoise).sigma, 0.1);
  assert.equal(await largestDifference((copy.get(2) as Blur).filter, kernel(2)), 0);
  assert.throws(() => physics.update({ coilMaps: x }), /one of filter, /);
  const first = await physics.forward(x, { seed: 5 }), second = await physics.forward(x, { seed: 5 });
  assert.equal(await largestDifference(first, second), 0);
  assert.equal(await largestDifference(first.get(2), await physics.get(2).forward(x, { seed: 7 })), 0);
  physics.setNoiseModel(null);
  assert.equal(await largestDifference(await physics.forward(x), await physics.A(x)), 0);
  physics.setNoiseModel(new GaussianNoise({ sigma: 1 }), -1);
  assert.equal(physics.get(1).noiseModel, undefined);
  assert.ok(physics.get(2).noiseModel instanceof GaussianNoise);
  physics.setNoiseModel(new GaussianNoise({ sigma: 0.2 }));
  assert.equal((physics.get(1).noiseModel as GaussianNoise).sigma, 0.2);
  const noise = new GaussianNoise({ sigma: 0.2, seed: 6 });
  physics.setNoiseModel(noise);
  const forked = await noise.fork(3).forward(await physics.get(2).A(x));
  assert.equal(
    await largestDifference((await physics.forward(x)).get(2), forked),
    0,
    "a stream for each part",
  );
  assert.throws(() => physics.setNoiseModel(null, 3), /the index must be in \[-3, 2\]/);
  const mixed = stack(new Squares(), new Denoising());
  mixed.update({ sigma: 0 });
  assert.equal(await largestDifference(await mixed.forward(x), TensorList.from([x.square(), x])), 0);
});

onBothDevices(
  "a clone is a copy of its own: other tensors, the same results, the same noise to come",
  async () => {
    const noiseModel = new GaussianNoise({ sigma: 0.1, seed: 3 });
    const film = { mask: mask(2, 3, 8, 8) };
    const operators: [Physics<Tensor>, number[]][] = [
      [new Blur({ filter: kernel(1), noiseModel }), [1, 2, 8, 8]],
      [new BlurFFT({ imgSize: [2, 8, 8], filter: kernel(1), noiseModel }), [1, 2, 8, 8]],
      [new Denoising({ noiseModel }), [1, 2, 8, 8]],
      [new Inpainting({ imgSize: [2, 8, 8], mask: 0.5, noiseModel }), [1, 2, 8, 8]],
      [new Demosaicing({ imgSize: [3, 8, 8], noiseModel }), [1, 3, 8, 8]],
      [new Decolorize({ srf: "random", noiseModel }), [1, 3, 8, 8]],
      [new Downsampling({ imgSize: [2, 8, 8], filter: "sinc", noiseModel }), [1, 2, 8, 8]],
      [new Upsampling({ imgSize: [2, 8, 8], filter: "sinc", noiseModel }), [1, 2, 4, 4]],
      [new MRI({ mask: mask(1, 8, 8), noiseModel }), [1, 2, 8, 8]],
      [new MultiCoilMRI({ mask: mask(1, 8, 8), coilMaps: values([1, 2, 8, 8, 2], 5), noiseModel }), [
        1,
        2,
        8,
        8,
      ]],
      [new DynamicMRI({ ...film, noiseModel }), [1, 2, 3, 8, 8]],
      [new SequentialMRI({ ...film, noiseModel }), [1, 2, 8, 8]],
      [new Tomography({ angles: 3, imgWidth: 8, noiseModel }), [1, 1, 8, 8]],
      [new CompressedSensing({ m: 5, imgSize: [2, 8, 8], noiseModel }), [1, 2, 8, 8]],
      [new SinglePixelCamera({ m: 5, imgSize: [2, 8, 8], noiseModel }), [1, 2, 8, 8]],
      [
        new SpaceVaryingBlur({
          filters: values([1, 1, 2, 3, 3], 1),
          multipliers: values([1, 1, 2, 8, 8], 2),
          noiseModel,
        }),
        [1, 2, 8, 8],
      ],
      [new RadioInterferometry({ imgSize: [8, 8], samplesLoc: values([2, 5], 3), noiseModel }), [1, 1, 8, 8]],
      [new StructuredRandom({ imgSize: [2, 8, 8], noiseModel }), [1, 2, 8, 8]],
      [new RandomPhaseRetrieval({ m: 9, imgSize: [2, 8, 8], noiseModel }), [1, 2, 8, 8]],
      [new StructuredRandomPhaseRetrieval({ imgSize: [2, 8, 8], noiseModel }), [1, 2, 8, 8]],
      [new Ptychography({ imgSize: [2, 24, 24], noiseModel }), [1, 2, 24, 24]],
      [compose(new Blur({ filter: kernel(1) }), new Denoising({ noiseModel })), [1, 2, 8, 8]],
    ];
    for (const [physics, shape] of operators) {
      const x = values(shape, 6);
      (await physics.forward(x)).dispose();
      const copy = physics.clone();
      assert.notEqual(copy, physics);
      assert.equal(copy.constructor, physics.constructor);
      assert.equal(
        await largestDifference(await copy.forward(x), await physics.forward(x)),
        0,
        physics.constructor.name,
      );
      assert.notEqual(copy.noiseModel, physics.noiseModel);
    }
    const filter = kernel(1);
    const copy = new Blur({ filter }).clone();
    filter.dispose();
    assert.deepEqual((await copy.A(values([1, 1, 8, 8], 1))).shape, [1, 1, 4, 4]);
    const pan = new Pansharpen({ imgSize: [3, 8, 8] });
    const x = image(1, 3, 8, 8);
    manualSeed(1);
    const expected = await pan.clone().forward(x);
    manualSeed(1);
    assert.equal(await largestDifference(await pan.forward(x), expected), 0);
    assert.throws(
      () => new Weights(values([1, 1, 2, 2], 1)).clone(),
      /Cannot clone a Weights: its class must be one that hands/,
    );
  },
);
