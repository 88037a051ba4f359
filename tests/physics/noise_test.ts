import { Blur, gaussianBlur, GaussianNoise, NoiseModel, Tensor } from "../../src/physics/mod.ts";
import { manualSeed, openDevice } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

async function samples(noise: GaussianNoise, shape: readonly number[]): Promise<number[]> {
  using zero = Tensor.zeros(shape);
  using noisy = await noise.forward(zero);
  return [...await noisy.data()];
}

onBothDevices("a seeded stream repeats, and successive calls continue it", async () => {
  const whole = await samples(new GaussianNoise({ sigma: 1, seed: 5 }), [1, 8]);
  const noise = new GaussianNoise({ sigma: 1, seed: 5 });
  const parts = [...await samples(noise, [1, 3]), ...await samples(noise, [1, 5])];
  assert.deepEqual(parts, whole);
  assert.notDeepEqual(await samples(noise, [1, 8]), whole);
  assert.notDeepEqual(await samples(new GaussianNoise({ sigma: 1, seed: 6 }), [1, 8]), whole);
});

onBothDevices("the values are the same on every device", async () => {
  const device = await openDevice("cpu");
  using there = Tensor.zeros([2, 33], { device });
  using here = Tensor.zeros([2, 33]);
  using a = await new GaussianNoise({ sigma: 0.3, seed: 9 }).forward(there);
  using b = await new GaussianNoise({ sigma: 0.3, seed: 9 }).forward(here);
  assert.deepEqual(await a.data(), await b.data());
  device.close();
});

onBothDevices("without a seed the shared stream is drawn from", async () => {
  manualSeed(11);
  const first = await samples(new GaussianNoise({ sigma: 1 }), [1, 4]);
  const second = await samples(new GaussianNoise({ sigma: 1 }), [1, 4]);
  assert.deepEqual([...first, ...second], await samples(new GaussianNoise({ sigma: 1, seed: 11 }), [1, 8]));
});

onBothDevices("sigma is the standard deviation: one, one per item, or none", async () => {
  using y = Tensor.full([2, 1, 40, 50], 0.5);
  using sigma = Tensor.from([0.1, 2]);
  using noisy = await new GaussianNoise({ sigma, seed: 1 }).forward(y);
  const values = await noisy.data();
  for (const [item, expected] of [0.1, 2].entries()) {
    const own = values.slice(item * 2000, (item + 1) * 2000).map((value) => value - 0.5);
    const deviation = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0) / 2000);
    assert.ok(Math.abs(deviation / expected - 1) < 0.06, `item ${item}: ${deviation}`);
  }
  using same = await new GaussianNoise({ sigma: 0, seed: 1 }).forward(y);
  await assertPlain(same, Plain.build(y.shape, () => 0.5), "no noise");
  using three = Tensor.ones([3]);
  await assert.rejects(() => new GaussianNoise({ sigma: three }).forward(y), /one value per item \(2,\)/);
  for (const wrong of [-1, NaN, Infinity]) assert.throws(() => new GaussianNoise({ sigma: wrong }), /finite/);
  assert.throws(() => new GaussianNoise({ seed: 1.5 }), /seed must be/);
});

onBothDevices("a noise model may give back its input", async () => {
  class Nothing extends NoiseModel {
    override async forward(y: Tensor): Promise<Tensor> {
      return await Promise.resolve(y);
    }
  }
  const blur = new Blur({
    filter: gaussianBlur({ sigma: 0.5 }),
    padding: "circular",
    noiseModel: new Nothing(),
  });
  using x = Tensor.full([1, 1, 8, 8], 0.25);
  using y = await blur.forward(x);
  await assertPlain(y, Plain.build(x.shape, () => 0.25), "forward", 1e-6);
});
