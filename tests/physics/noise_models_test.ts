import assert from "node:assert/strict";
import {
  FisherTippettNoise,
  GammaNoise,
  LaplaceNoise,
  LogPoissonNoise,
  type NoiseModel,
  PoissonGaussianNoise,
  PoissonNoise,
  RicianNoise,
  SaltPepperNoise,
  Tensor,
  UniformGaussianNoise,
  UniformNoise,
} from "../../src/physics/mod.ts";
import { logGamma } from "../../src/physics/random_draws.ts";
import { manualSeed, openDevice } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";

const COUNT = 40_000;

/** Mean and variance of a model's answer to a constant, with the exact ones beside them. */
interface Moments {
  readonly model: (seed: number) => NoiseModel;
  readonly value: number;
  readonly mean: number;
  readonly variance: number;
}

/** Mean and variance of f of a Poisson number, by summing over its distribution. */
function poissonMoments(mean: number, f: (k: number) => number): Pick<Moments, "mean" | "variance"> {
  let first = 0, second = 0;
  for (let k = 0; k < mean + 60 * Math.sqrt(mean) + 60; k++) {
    const probability = Math.exp(k * Math.log(mean) - mean - logGamma(k + 1));
    if (probability < 1e-30) continue;
    first += probability * f(k);
    second += probability * f(k) ** 2;
  }
  return { mean: first, variance: second - first * first };
}

/** ln of a Gamma number of shape 4: digamma(4) and trigamma(4). */
const DIGAMMA_4 = 1 + 1 / 2 + 1 / 3 - 0.5772156649015329;
const TRIGAMMA_4 = Math.PI ** 2 / 6 - 1 - 1 / 4 - 1 / 9;

const MODELS: Record<string, Moments> = {
  "Poisson, few photons": {
    model: (seed) => new PoissonNoise({ gain: 0.25, seed }),
    value: 0.6,
    mean: 0.6,
    variance: 0.25 * 0.6,
  },
  "Poisson, many photons": {
    model: (seed) => new PoissonNoise({ gain: 0.01, seed }),
    value: 0.6,
    mean: 0.6,
    variance: 0.006,
  },
  "Poisson counts": {
    model: (seed) => new PoissonNoise({ gain: 0.05, normalize: false, seed }),
    value: 0.7,
    mean: 14,
    variance: 14,
  },
  "Poisson-Gaussian": {
    model: (seed) => new PoissonGaussianNoise({ gain: 0.1, sigma: 0.3, seed }),
    value: 0.5,
    mean: 0.5,
    variance: 0.05 + 0.09,
  },
  "log-Poisson": {
    model: (seed) => new LogPoissonNoise({ seed }),
    value: 20,
    ...poissonMoments(1024 * Math.exp(-0.4), (k) => -Math.log(Math.max(k, 1) / 1024) * 50),
  },
  uniform: { model: (seed) => new UniformNoise({ a: 0.3, seed }), value: -1, mean: -1, variance: 0.03 },
  Laplace: { model: (seed) => new LaplaceNoise({ b: 0.2, seed }), value: 0.5, mean: 0.5, variance: 0.08 },
  Gamma: { model: (seed) => new GammaNoise({ l: 4, seed }), value: 2, mean: 2, variance: 1 },
  "Gamma below shape 1": {
    model: (seed) => new GammaNoise({ l: 0.5, seed }),
    value: 1,
    mean: 1,
    variance: 2,
  },
  "Fisher-Tippett": {
    model: (seed) => new FisherTippettNoise({ l: 4, seed }),
    value: 0.5,
    mean: 0.5 + DIGAMMA_4 - Math.log(4),
    variance: TRIGAMMA_4,
  },
  Rician: {
    model: (seed) => new RicianNoise({ sigma: 0.5, seed }),
    value: 0,
    mean: 0.5 * Math.sqrt(Math.PI / 2),
    variance: 0.25 * (2 - Math.PI / 2),
  },
  "salt and pepper": {
    model: (seed) => new SaltPepperNoise({ p: 0.2, s: 0.1, seed }),
    value: 0.5,
    mean: 0.45,
    variance: 0.1 + 0.7 * 0.25 - 0.45 ** 2,
  },
};

async function sampled(model: NoiseModel, shape: readonly number[], value: number): Promise<Float32Array> {
  using clean = Tensor.full(shape, value);
  using noisy = await model.forward(clean);
  assert.deepEqual(noisy.shape, shape);
  return await noisy.data();
}

onBothDevices("mean and variance of every noise model are the distribution's", async () => {
  for (const [name, { model, value, mean, variance }] of Object.entries(MODELS)) {
    const values = await sampled(model(7), [1, 1, 200, COUNT / 200], value);
    const found = values.reduce((sum, v) => sum + v, 0) / COUNT;
    const spread = values.reduce((sum, v) => sum + (v - found) ** 2, 0) / COUNT;
    assert.ok(
      Math.abs(found - mean) < 5 * Math.sqrt(variance / COUNT) + 1e-6,
      `${name}: mean ${found}, not ${mean}`,
    );
    assert.ok(Math.abs(spread / variance - 1) < 0.06, `${name}: variance ${spread}, not ${variance}`);
  }
});

onBothDevices("every noise model repeats by seed, continues, and is the same on every device", async () => {
  const device = await openDevice("cpu");
  const others = {
    "uniform Gaussian": { model: (seed: number) => new UniformGaussianNoise({ seed }), value: 0.5 },
  };
  for (const [name, { model, value }] of Object.entries({ ...MODELS, ...others })) {
    const whole = await sampled(model(5), [1, 40], value);
    assert.deepEqual(await sampled(model(5), [1, 40], value), whole, name);
    assert.notDeepEqual(await sampled(model(6), [1, 40], value), whole, name);
    const again = model(5);
    const first = await sampled(again, [1, 17], value), second = await sampled(again, [1, 23], value);
    if (name in MODELS) assert.deepEqual([...first, ...second], [...whole], name);
    else assert.notDeepEqual(first, second.slice(0, 17));
    using there = Tensor.full([1, 40], value, { device });
    using noisy = await model(5).forward(there);
    assert.deepEqual(await noisy.data(), whole, name);
  }
  device.close();
});

onBothDevices(
  "levels may differ by item, nothing stays nothing, and the shared stream is the default",
  async () => {
    using y = Tensor.full([2, 1, 60, 60], 4);
    using gain = Tensor.from([0.01, 1]);
    using noisy = await new PoissonNoise({ gain, seed: 1 }).forward(y);
    const values = await noisy.data();
    for (const [item, expected] of [0.04, 4].entries()) {
      const own = values.slice(item * 3600, (item + 1) * 3600);
      const variance = own.reduce((sum, v) => sum + (v - 4) ** 2, 0) / 3600;
      assert.ok(Math.abs(variance / expected - 1) < 0.12, `item ${item}: ${variance}`);
    }
    using sigmas = await new UniformGaussianNoise({ sigmaMin: 0.2, sigmaMax: 0.4, seed: 3 }).forward(y);
    const spread = (await sigmas.data()).reduce((sum, v) => sum + (v - 4) ** 2, 0) / 7200;
    assert.ok(spread > 0.04 * 0.9 && spread < 0.16 * 1.1, `variance ${spread}`);
    assert.deepEqual(await sampled(new PoissonNoise({ seed: 1 }), [1, 3], 0), new Float32Array(3));
    assert.deepEqual(await sampled(new UniformNoise({ a: 0 }), [1, 2], 3), new Float32Array(2).fill(3));
    assert.equal((await sampled(new GammaNoise(), [0, 3], 1)).length, 0);
    manualSeed(11);
    const shared = await sampled(new UniformNoise(), [1, 4], 0);
    assert.deepEqual(shared, await sampled(new UniformNoise({ seed: 11 }), [1, 4], 0));
  },
);

onBothDevices("negative measurements and wrong levels are clear errors", async () => {
  using negative = Tensor.full([1, 2], -0.5);
  await assert.rejects(
    new PoissonNoise().forward(negative),
    /measurements must be >= 0 everywhere, got -0.5/,
  );
  await assert.rejects(new PoissonGaussianNoise().forward(negative), />= 0 everywhere/);
  await assert.rejects(new GammaNoise().forward(negative), />= 0 everywhere/);
  assert.deepEqual(
    await sampled(new PoissonNoise({ clipPositive: true }), [1, 2], -0.5),
    new Float32Array(2),
  );
  await assert.rejects(new PoissonNoise().forward(Tensor.full([1], Infinity)), /mean must be finite/);
  await assert.rejects(new LogPoissonNoise().forward(Tensor.full([1], -1e6)), /mean must be finite/);
  for (const wrong of [0, -1, NaN, Infinity]) {
    assert.throws(() => new PoissonNoise({ gain: wrong }), /gain must be/);
  }
  assert.throws(() => new SaltPepperNoise({ p: 1.5 }), /p must be a number <= 1 and >= 0, got 1.5/);
  assert.throws(() => new UniformGaussianNoise({ sigmaMin: 2, sigmaMax: 1 }), /sigmaMin <= sigmaMax/);
  assert.throws(() => new RicianNoise({ seed: 0.5 }), /seed must be/);
  using three = Tensor.ones([3]), zero = Tensor.zeros([1]), two = Tensor.ones([2, 4]);
  await assert.rejects(new LaplaceNoise({ b: three }).forward(two), /one value per item \(2,\)/);
  await assert.rejects(new GammaNoise({ l: zero }).forward(two), /l must be a finite number and > 0/);
});
