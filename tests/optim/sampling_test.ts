import { DiffPIR, L2, MLEM, OSEM, Tikhonov, ULA, type ULAOptions } from "../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack } from "../../src/physics/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { Philox } from "../../src/util/philox.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import { Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { CLAMP } from "./toys.ts";
import assert from "node:assert/strict";

const SHAPE = [1, 1, 3, 4];
const y = Plain.random(SHAPE, 2), w = Plain.build(SHAPE, (k) => 0.8 + k[3] / 10);

onBothDevices(
  "ULA: every sample is a Langevin step with its own noise, and the moments are theirs",
  async () => {
    using data = y.tensor();
    using weights = w.tensor();
    const step = 0.05, alpha = 0.7, sigma = 0.4;
    const samples: Plain[] = [];
    const algorithm = new ULA({
      dataFidelity: new L2({ sigma }),
      prior: new Tikhonov(),
      stepSize: step,
      alpha,
      maxIter: 11,
      thinning: 3,
      burninRatio: 0.3,
      clip: [-0.5, 1.5],
      seed: 9,
    });
    const { x, mean, variance } = await algorithm.run(data, new Weights(weights), {
      onIteration: async ({ x }) => {
        samples.push(new Plain(SHAPE, await x.data()));
      },
    });
    let current = Plain.build(SHAPE, (k) => w.at(k) * y.at(k));
    for (let i = 0; i < 11; i++) {
      const noise = new Float32Array(12);
      new Philox(9, i).fillNormal(noise);
      const drawn = new Plain(SHAPE, noise), previous = current;
      current = Plain.build(SHAPE, (k) => {
        const gradient = w.at(k) * (w.at(k) * previous.at(k) - y.at(k)) / sigma ** 2 + alpha * previous.at(k);
        const moved = previous.at(k) - step * gradient + Math.sqrt(2 * step) * drawn.at(k);
        return Math.min(1.5, Math.max(-0.5, moved));
      });
      await assertPlain(await tensorOf(samples[i]), current, `sample ${i}`, 1e-4);
    }
    await assertPlain(x, current, "x", 1e-4);
    const counted = [3, 6, 9].map((i) => samples[i]);
    const average = (k: readonly number[]) => counted.reduce((sum, sample) => sum + sample.at(k), 0) / 3;
    await assertPlain(mean, Plain.build(SHAPE, average), "mean", 1e-5);
    const spread = (k: readonly number[]) =>
      counted.reduce((sum, sample) => sum + (sample.at(k) - average(k)) ** 2, 0) / 2;
    await assertPlain(variance, Plain.build(SHAPE, spread), "variance", 1e-4);
  },
);

function tensorOf(plain: Plain): Promise<Tensor> {
  return Promise.resolve(plain.tensor());
}

onBothDevices("ULA finds the mean and the variance of a Gaussian posterior", async () => {
  const sigma = 0.3, alpha = 2;
  using data = Tensor.full([1, 1, 16, 16], 0.5);
  using weights = Tensor.full([1, 1, 1, 1], 0.9);
  const { x, mean, variance } = await new ULA({
    dataFidelity: new L2({ sigma }),
    prior: new Tikhonov(),
    stepSize: 0.01,
    alpha,
    maxIter: 1500,
    thinning: 1,
    clip: null,
  }).run(data, new Weights(weights));
  const precision = 0.81 / sigma ** 2 + alpha;
  const average = async (t: Tensor) => (await t.mean().item());
  assert.ok(
    Math.abs(await average(mean) - 0.9 * 0.5 / sigma ** 2 / precision) < 0.01,
    `${await average(mean)}`,
  );
  const expected = 1 / (precision * (1 - 0.01 * precision / 2));
  assert.ok(
    Math.abs(await average(variance) / expected - 1) < 0.1,
    `${await average(variance)}, ${expected}`,
  );
  for (const tensor of [x, mean, variance]) tensor.dispose();
});

onBothDevices("chains of one seed are equal, of two they are not, and nothing stays", async () => {
  using data = y.tensor();
  using weights = w.tensor();
  const physics = new Weights(weights);
  for (
    const make of [
      (seed: number) =>
        new ULA({ dataFidelity: new L2(), prior: new Tikhonov(), stepSize: 0.1, maxIter: 8, seed }),
      (seed: number) => new DiffPIR({ denoiser: CLAMP, maxIter: 8, zeta: 0.8, seed }),
    ]
  ) {
    await assertNothingLeaks(async () => {
      const draw = async (seed: number) => {
        const { metrics: _, ...tensors } = await make(seed).run(data, physics);
        const values = await tensors.x.data();
        Object.values(tensors).forEach((tensor) => tensor.dispose());
        return values;
      };
      assert.deepEqual(await draw(4), await draw(4));
      assert.notDeepEqual(await draw(4), await draw(5));
    });
  }
});

onBothDevices(
  "DiffPIR: noise levels fall along the diffusion, and a perfect denoiser's image fits the data",
  async () => {
    const physics = new Blur({ filter: gaussianBlur({ sigma: 0.8 }), padding: "circular" });
    using truth = image(1, 1, 12, 12);
    using data = await physics.A(truth);
    const levels: number[] = [];
    const denoiser = {
      forward: (_x: Tensor, sigma: number | Tensor) => {
        levels.push(sigma as number);
        return Promise.resolve(truth.clone());
      },
    };
    const { x, metrics } = await new DiffPIR({ denoiser, maxIter: 12 }).run(data, physics, { xGt: truth });
    assert.equal(levels.length, 12);
    levels.slice(1).forEach((level, k) => assert.ok(level < levels[k]));
    assert.ok(Math.abs(levels[0] - 78.8) < 0.5 && Math.abs(levels[11] - 0.005) < 1e-4, `${levels}`);
    assert.ok(await largestDifference(x, truth) < 1e-6);
    assert.ok(metrics.psnr[0].at(-1)! > 70);
    x.dispose();
    assert.throws(() => new DiffPIR({ denoiser, maxIter: 1 }), /maxIter must be a whole number >= 2/);
    assert.throws(() => new DiffPIR({ denoiser, zeta: 1.1 }), /zeta must be in \[0, 1\]/);
    assert.throws(() => new DiffPIR({ denoiser, sigma: 0 }), /sigma/);
    assert.throws(() => new DiffPIR({ denoiser, seed: 0.5 }), /seed must be a whole number/);
  },
);

/** deepinv's own tables and look-ups, written out for one pixel after the other; the last step is ours. */
function diffPirByTheBook(maxIter: number, zeta: number, lambda: number, sigma: number, seed: number): Plain {
  const product: number[] = [];
  for (let t = 0; t < 1000; t++) product[t] = (product[t - 1] ?? 1) * (1 - (1e-4 + (2e-2 - 1e-4) * t / 999));
  const reduced = product.map((a) => Math.sqrt(1 - a) / Math.sqrt(a));
  const sigmas = reduced.map((_, i) => reduced[999 - i]);
  const seq = Array.from(
    { length: maxIter },
    (_, i) => Math.floor(Math.sqrt(i * 1e6 / (maxIter - 1) + 1e-6)),
  );
  seq[maxIter - 1] -= 1;
  const nearest = (value: number) =>
    reduced.reduce((best, s, t) => Math.abs(s - value) < Math.abs(reduced[best] - value) ? t : best, 0);
  const draws = seq.map((_, iteration) => {
    const values = new Float32Array(12);
    new Philox(seed, iteration).fillNormal(values);
    return new Plain(SHAPE, values);
  });
  return Plain.build(SHAPE, (k) => {
    let x = 2 * w.at(k) * y.at(k) - 1, out = NaN;
    for (const [i, place] of seq.entries()) {
      const t = nearest(sigmas[place]), at = product[t];
      if (i === 0) x = (x + sigmas[place] * draws[0].at(k)) * Math.sqrt(product[999]);
      const visible = x / (2 * Math.sqrt(at)) + 0.5;
      let x0 = Math.min(1, Math.max(-1, 2 * Math.min(0.9, Math.max(0.1, visible)) - 1));
      out = x0 / 2 + 0.5;
      if (i === maxIter - 1) break;
      const gamma = 1 / (2 * lambda * sigma ** 2 / reduced[t] ** 2);
      const near = (out + gamma * w.at(k) * y.at(k)) / (1 + gamma * w.at(k) ** 2);
      x0 = 2 * near - 1;
      const next = product[nearest(sigmas[seq[i + 1]])];
      const eps = (x - Math.sqrt(at) * x0) / Math.sqrt(1 - at);
      const noise = Math.sqrt(1 - zeta) * eps + Math.sqrt(zeta) * draws[i + 1].at(k);
      x = Math.sqrt(next) * x0 + Math.sqrt(1 - next) * noise;
    }
    return out;
  });
}

onBothDevices("DiffPIR takes the steps of deepinv", async () => {
  using data = y.tensor();
  using weights = w.tensor();
  const denoiser = { forward: (x: Tensor) => Promise.resolve(x.clamp(0.1, 0.9)) };
  for (const [maxIter, zeta, lambda, sigma] of [[5, 0.3, 7, 0.2], [9, 0, 20, 0.5], [12, 1, 2, 1]]) {
    const algorithm = new DiffPIR({ denoiser, maxIter, zeta, lambda, sigma, seed: 6 });
    using x = (await algorithm.run(data, new Weights(weights))).x;
    await assertPlain(x, diffPirByTheBook(maxIter, zeta, lambda, sigma, 6), `${maxIter}`, 2e-3);
  }
});

onBothDevices(
  "OSEM of one subset is MLEM; of several it is faster, and takes the subsets in turn",
  async () => {
    const blurs = [0.6, 0.9, 1.2].map((sigma) =>
      new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })
    );
    using truth = image(1, 1, 9, 8);
    using single = await blurs[0].A(truth);
    using mlem = (await new MLEM({ maxIter: 3 }).run(single, blurs[0])).x;
    using alone = (await new OSEM({ maxIter: 3 }).run(single, blurs[0])).x;
    using stacked = await stack(blurs[0]).A(truth);
    using one = (await new OSEM({ maxIter: 3 }).run(stacked, stack(blurs[0]))).x;
    assert.ok(await largestDifference(mlem, alone) < 1e-6);
    assert.ok(await largestDifference(mlem, one) < 1e-6);
    const physics = stack(...blurs);
    using data = await physics.A(truth);
    using few = (await new OSEM({ maxIter: 2 }).run(data, physics)).x;
    using slow = (await new MLEM({ maxIter: 2 }).run(data, physics)).x;
    assert.ok(await largestDifference(few, truth) < await largestDifference(slow, truth));
    let x = Tensor.ones(truth.shape);
    for (let k = 0; k < 2; k++) {
      for (const [i, blur] of blurs.entries()) {
        const predicted = await blur.A(x);
        x = x.mul(await blur.A_adjoint(data.get(i).div(predicted)));
      }
    }
    assert.ok(await largestDifference(few, x) < 1e-5);
  },
);

Deno.test("options of samplers out of range are refused by name", () => {
  const build = (options: Partial<ULAOptions>) => () =>
    new ULA({ dataFidelity: new L2(), prior: new Tikhonov(), ...options });
  assert.throws(build({ stepSize: 0 }), /build ULA: stepSize must be > 0/);
  assert.throws(build({ thinning: 0 }), /thinning/);
  assert.throws(build({ burninRatio: 1 }), /burninRatio must be in \[0, 1\)/);
  assert.throws(build({ clip: [1, 0] }), /clip/);
  assert.throws(build({ seed: NaN }), /seed/);
});
