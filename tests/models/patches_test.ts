import {
  Blur,
  distribute,
  DistributedContext,
  type DistributedStackedLinearPhysics,
  EPLL,
  EPLLDenoiser,
  gaussianBlur,
  GaussianMixtureModel,
  PatchPrior,
  stack,
  type StackedLinearPhysics,
  Tensor,
} from "../../mod.ts";
import assert from "node:assert/strict";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { plainEstimate, plainJoint, type PlainMixture, plainNll } from "./plain_mixture.ts";

/** Three components on vectors of d values, with covariances far from diagonal. */
function plainMixture(d: number): PlainMixture {
  const factors = [0, 1, 2].map((k) =>
    Array.from(
      { length: d },
      (_, i) => Array.from({ length: d }, (_, j) => Math.sin(1.3 * i + 0.7 * j * (k + 1)) / d),
    )
  );
  const cov = factors.map((F, k) =>
    F.map((row, i) => F.map((other, j) => dot(row, other) * (k + 1) + (i === j ? 0.02 + 0.03 * k : 0)))
  );
  const mu = [0, 1, 2].map((k) => Array.from({ length: d }, (_, i) => 0.3 * k + 0.1 * Math.cos(i + k)));
  return { weights: [0.5, 0.3, 0.2], mu, cov };
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

async function modelOf({ weights, mu, cov }: PlainMixture, prefix = ""): Promise<GaussianMixtureModel> {
  const model = new GaussianMixtureModel({ nComponents: weights.length, dimension: mu[0].length });
  const parameters = { _weights: Tensor.from(weights), mu: Tensor.from(mu), _cov: Tensor.from(cov) };
  await model.loadStateDict(new Map(Object.entries(parameters).map(([key, value]) => [prefix + key, value])));
  return model;
}

/** Patches of an image (C, H, W) in float64, as rows with the place of their first pixel. */
function plainPatches(image: ArrayLike<number>, [C, H, W]: number[], p: number, wraps = false) {
  const patches: { values: number[]; pixels: number[] }[] = [];
  const [first, rows, columns] = wraps ? [1 - p, H, W] : [0, H - p + 1, W - p + 1];
  for (let r = first; r < rows; r++) {
    for (let c = first; c < columns; c++) {
      const pixels: number[] = [];
      for (let channel = 0; channel < C; channel++) {
        for (let i = 0; i < p; i++) {
          for (let j = 0; j < p; j++) pixels.push((channel * H + (r + i + H) % H) * W + (c + j + W) % W);
        }
      }
      patches.push({ values: pixels.map((pixel) => image[pixel]), pixels });
    }
  }
  return patches;
}

/** EPLL's estimate of an image at noise variance r. */
function plainPatchMean(
  mixture: PlainMixture,
  image: ArrayLike<number>,
  shape: number[],
  p: number,
  r: number,
) {
  const sums = new Float64Array(image.length), counts = new Float64Array(image.length);
  for (const { values, pixels } of plainPatches(image, shape, p)) {
    plainEstimate(mixture, values, r).forEach((value, i) => {
      sums[pixels[i]] += value;
      counts[pixels[i]]++;
    });
  }
  return sums.map((sum, i) => sum / counts[i]);
}

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  const largest = Math.max(...Array.from(expected, Math.abs));
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(actual[i] - expected[i]);
    assert.ok(gap <= tolerance * largest, `value ${i}: ${actual[i]} for ${expected[i]}`);
  }
}

onBothDevices("GaussianMixtureModel: likelihoods, gradient and classes as in float64", async () => {
  for (const d of [1, 4, 9]) {
    const mixture = plainMixture(d);
    const model = await modelOf(mixture, "GMM.");
    const x = Tensor.randn([37, d], { seed: d });
    const values = await x.data();
    const rows = Array.from({ length: 37 }, (_, n) => Array.from(values.subarray(n * d, (n + 1) * d)));
    assertNear(await (await model.forward(x)).data(), rows.map((row) => plainNll(mixture, row)), 1e-5);
    const joint = rows.map((row) => plainJoint(mixture, row, 0.1));
    const logNormal = joint.flatMap((row) => row.map((value, k) => value - Math.log(mixture.weights[k])));
    assertNear(await (await model.componentLogLikelihoods(x, 0.1)).data(), logNormal, 1e-5);
    assert.deepEqual([...await model.classify(x, 0.1)], joint.map((row) => row.indexOf(Math.max(...row))));
    const slopes = rows.flatMap((row) =>
      row.map((_, i) => {
        const moved = (step: number) =>
          plainNll(mixture, row.map((value, j) => i === j ? value + step : value));
        return (moved(1e-5) - moved(-1e-5)) / 2e-5;
      })
    );
    assertNear(await (await model.grad(x)).data(), slopes, 1e-4);
  }
});

onBothDevices("GaussianMixtureModel: fit finds two clusters and never gets worse", async () => {
  const noise = await Tensor.randn([300, 2], { seed: 3 }).data();
  const points = Tensor.from(
    Array.from({ length: 300 }, (_, n) => {
      const [u, v] = noise.subarray(2 * n, 2 * n + 2);
      return n % 3 === 0 ? [4 + 0.1 * u, 0.5 * v] : [0.5 * u, 2 + 0.1 * v];
    }),
  );
  const model = new GaussianMixtureModel({ nComponents: 2, dimension: 2 });
  const objectives: number[] = [];
  for (const maxIter of [1, 2, 5, 20]) objectives.push(await model.fit(points, { maxIter, seed: 1 }));
  objectives.reduce((before, after) => {
    assert.ok(after <= before + 1e-4, `${objectives}`);
    return after;
  });
  const [weights, mu] = await Promise.all(
    ["_weights", "mu"].map((key) => model.stateDict().get(key)!.data()),
  );
  const right = mu[0] > 2 ? 0 : 1;
  assert.ok(Math.abs(weights[right] - 1 / 3) < 1e-3);
  assert.ok(Math.abs(mu[2 * right] - 4) < 0.05 && Math.abs(mu[2 * (1 - right) + 1] - 2) < 0.05);
});

onBothDevices("PatchPrior: value and gradient over all patches, wrapped or not", async () => {
  for (const [C, H, W, p, pad] of [[1, 7, 6, 3, false], [2, 5, 8, 2, true], [1, 3, 3, 3, false]] as const) {
    const mixture = plainMixture(C * p * p);
    const negativePatchLogLikelihood = await modelOf(mixture);
    const prior = new PatchPrior({ negativePatchLogLikelihood, patchSize: p, pad });
    const x = Tensor.randn([2, C, H, W], { seed: 5 });
    const data = await x.data(), pixels = C * H * W;
    const value = (image: ArrayLike<number>) => {
      const patches = plainPatches(image, [C, H, W], p, pad);
      return patches.reduce((sum, patch) => sum + plainNll(mixture, patch.values), 0) / patches.length;
    };
    const items = [0, 1].map((b) => Array.from(data.subarray(b * pixels, (b + 1) * pixels)));
    assertNear(await (await prior.fn(x)).data(), items.map(value), 1e-5);
    const slopes = items.flatMap((image) =>
      image.map((_, i) => {
        const moved = (step: number) => value(image.map((pixel, j) => i === j ? pixel + step : pixel));
        return (moved(1e-4) - moved(-1e-4)) / 2e-4;
      })
    );
    assertNear(await (await prior.grad(x)).data(), slopes, 1e-4);
  }
});

onBothDevices("PatchPrior: some patches stand for all, the same again after reset", async () => {
  const negativePatchLogLikelihood = await modelOf(plainMixture(9));
  const all = new PatchPrior({ negativePatchLogLikelihood, patchSize: 3 });
  const some = new PatchPrior({ negativePatchLogLikelihood, patchSize: 3, nPatches: 60, seed: 2 });
  const x = Tensor.randn([1, 1, 20, 21], { seed: 8 });
  const mean = await (await all.fn(x)).item();
  const first = await (await some.fn(x)).item(), second = await (await some.fn(x)).item();
  assert.notEqual(first, second);
  for (const value of [first, second]) assert.ok(Math.abs(value - mean) < 0.5 * Math.abs(mean));
  some.reset();
  assert.equal(await (await some.fn(x)).item(), first);
  const more = new PatchPrior({ negativePatchLogLikelihood, patchSize: 3, nPatches: 10_000 });
  assert.equal(await (await more.fn(x)).item(), mean);
});

onBothDevices("EPLLDenoiser: the splitting in float64, per item, in batches of patches", async () => {
  for (const [C, H, W, p] of [[1, 9, 8, 3], [2, 6, 7, 2]] as const) {
    const mixture = plainMixture(C * p * p);
    const denoiser = await EPLLDenoiser.create({ gmm: await modelOf(mixture), patchSize: p, channels: C });
    const y = Tensor.randn([2, C, H, W], { seed: 4 });
    const sigmas = [0.3, 0.1], data = await y.data(), pixels = C * H * W;
    const expected = sigmas.flatMap((sigma, b) => {
      const noisy = Array.from(data.subarray(b * pixels, (b + 1) * pixels));
      return [1, 4, 8, 16, 32].reduce((x, step) => {
        const mean = plainPatchMean(mixture, x, [C, H, W], p, sigma ** 2 / step);
        return noisy.map((value, i) => (value + step * mean[i]) / (1 + step));
      }, noisy);
    });
    const clean = await denoiser.forward(y, Tensor.from(sigmas));
    assertNear(await clean.data(), expected, 1e-4);
    const pieces = await denoiser.forward(y, Tensor.from(sigmas), { batchSize: 7 });
    assertNear(await pieces.data(), await clean.data(), 1e-6);
    assert.deepEqual(await (await denoiser.forward(y, 0)).data(), data);
  }
});

onBothDevices("EPLL: the solution of each step, local, stacked and distributed physics alike", async () => {
  const mixture = plainMixture(9);
  const epll = await EPLL.create({ gmm: await modelOf(mixture), patchSize: 3 });
  const views = [1, 1.5].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
  const physics = stack(...views) as StackedLinearPhysics;
  const y = await physics.A(Tensor.randn([2, 1, 12, 11], { seed: 6 }));
  const sigma = 0.2;
  const x = await epll.forward(y, physics, { sigma, betas: [50] });
  const start = await physics.A_adjoint(y);
  const data = await start.data(), pixels = 12 * 11;
  const mean = [0, 1].flatMap((b) => [
    ...plainPatchMean(mixture, data.subarray(b * pixels, (b + 1) * pixels), [1, 12, 11], 3, 1 / 50),
  ]);
  const residual = (await physics.A_adjoint_A(x)).sub(start).addScaled(
    x.sub(Tensor.from(mean, x.shape)),
    50 * sigma ** 2,
  );
  assert.ok(await residual.norm().item() < 1e-3 * await start.norm().item());
  await using ctx = await DistributedContext.create({ device: x.device.kind === "cpu" ? "cpu" : "gpu" });
  const spread = await distribute(views, ctx, {
    typeObject: "linear_physics",
  }) as DistributedStackedLinearPhysics;
  const again = await epll.forward(y, spread, { sigma, betas: [50] });
  assertNear(await again.data(), await x.data(), 1e-4);
});

onBothDevices("patch models leave nothing behind", async () => {
  using x = Tensor.randn([2, 1, 10, 9], { seed: 1 });
  const negativePatchLogLikelihood = await modelOf(plainMixture(9));
  const prior = new PatchPrior({ negativePatchLogLikelihood, patchSize: 3 });
  const denoiser = await EPLLDenoiser.create({ gmm: negativePatchLogLikelihood, patchSize: 3 });
  await assertNothingLeaks(async () => {
    for (const result of [await prior.fn(x), await prior.grad(x), await denoiser.forward(x, 0.1)]) {
      result.dispose();
    }
    await assert.rejects(() => denoiser.forward(x, 0.1, { batchSize: 0 }));
  });
});

onBothDevices("patch models refuse what they cannot do", async () => {
  const gmm = new GaussianMixtureModel({ nComponents: 2, dimension: 9 });
  const refused = async (pattern: RegExp, attempt: () => unknown) =>
    await assert.rejects(async () => await attempt(), pattern);
  await refused(/nComponents must be/, () => new GaussianMixtureModel({ nComponents: 0, dimension: 2 }));
  await refused(/x must be of shape \(n, 9\)/, () => gmm.forward(Tensor.zeros([4, 8])));
  await refused(/at least one row/, () => gmm.fit(Tensor.zeros([0, 9])));
  await refused(/"mu" must be there/, () => gmm.loadStateDict(new Map([["_weights", Tensor.ones([2])]])));
  const singular = gmm.stateDict().set("_cov", Tensor.zeros([2, 9, 9]));
  await refused(/component 0 must be positive definite/, () => gmm.loadStateDict(singular));
  assert.ok(Number.isFinite(await (await gmm.forward(Tensor.zeros([1, 9]))).item()));
  await refused(/gmm must be of dimension 36/, () => EPLLDenoiser.create({ gmm }));
  const denoiser = await EPLLDenoiser.create({ gmm, patchSize: 3 });
  await refused(/at least 3 x 3 pixels, got 2 x 5/, () => denoiser.forward(Tensor.zeros([1, 1, 2, 5]), 0.1));
  await refused(/x must be of shape \(B, 1, H, W\)/, () => denoiser.forward(Tensor.zeros([1, 2, 5, 5]), 0.1));
  await refused(/sigma must be finite and >= 0/, () => denoiser.forward(Tensor.zeros([1, 1, 5, 5]), -1));
  await refused(
    /betas must be finite/,
    () => denoiser.forward(Tensor.zeros([1, 1, 5, 5]), 1, { betas: [0] }),
  );
  await refused(/batchSize must be/, () => denoiser.forward(Tensor.zeros([1, 1, 5, 5]), 1, { batchSize: 0 }));
  const value = { forward: (patches: Tensor) => Promise.resolve(patches.sum(1)) };
  const prior = new PatchPrior({ negativePatchLogLikelihood: value, patchSize: 3 });
  await refused(/one with grad/, () => prior.grad(Tensor.zeros([1, 1, 5, 5])));
  const wrong = { forward: (patches: Tensor) => Promise.resolve(patches.clone()) };
  const misshapen = new PatchPrior({ negativePatchLogLikelihood: wrong, patchSize: 3 });
  await refused(/patches' forward must be of shape \(9\,?\)/, () => misshapen.fn(Tensor.zeros([1, 1, 5, 5])));
});
