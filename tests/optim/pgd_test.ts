import {
  DivergenceError,
  type IterationInfo,
  L2,
  type OptimOptions,
  PGD,
  PnP,
  Prior,
  type RunOptions,
} from "../../src/optim/mod.ts";
import {
  Blur,
  gaussianBlur,
  InvalidArgumentError,
  stack,
  Tensor,
  TensorList,
} from "../../src/physics/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { Squares, Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { CLAMP, HalfSquare, IDENTITY } from "./toys.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 1, 3, 4];
const y = Plain.random(SHAPE, 2), w = Plain.random([1, 1, 3, 4], 3);

async function run(options: Partial<OptimOptions>, runOptions: RunOptions = {}) {
  const algorithm = new PGD({ dataFidelity: new L2(), prior: new HalfSquare(), ...options });
  using data = y.tensor();
  return await algorithm.run(data, new Weights(w.tensor()), runOptions);
}

/** The iterates of a scalar problem: every pixel is one, with A = w and the prior lambda x^2 / 2. */
function iterate(
  steps: number,
  next: (x: number, w: number, y: number, k: number) => number,
): Plain {
  return Plain.build(SHAPE, (index) => {
    let x = w.at(index) * y.at(index);
    for (let k = 0; k < steps; k++) x = next(x, w.at(index), y.at(index), k);
    return x;
  });
}

onBothDevices("data first: a gradient step on the fidelity, then the prior's prox", async () => {
  const tau = 0.6, lambda = 0.3;
  const { x } = await run({ stepsize: tau, lambda, maxIter: 7 });
  const next = (x: number, w: number, y: number) => (x - tau * w * (w * x - y)) / (1 + lambda * tau);
  await assertPlain(x, iterate(7, next), "x", 1e-5);
});

onBothDevices("prior first: a gradient step on the prior, then the fidelity's prox", async () => {
  const tau = 0.6, lambda = 0.3;
  const { x } = await run({ stepsize: tau, lambda, maxIter: 5, gFirst: true });
  const next = (x: number, w: number, y: number) => (x - lambda * tau * x + tau * w * y) / (1 + tau * w * w);
  await assertPlain(x, iterate(5, next), "x", 1e-3);
});

onBothDevices("schedules give each iteration its own parameters, beta relaxes", async () => {
  const stepsize = [0.9, 0.5, 0.2, 0.1], lambda = [0.1, 0.2, 0.3, 0.4], beta = [1, 0.5, 1.5, 0];
  const { x } = await run({ stepsize, lambda, beta, maxIter: 4 });
  const next = (x: number, w: number, y: number, k: number) => {
    const full = (x - stepsize[k] * w * (w * x - y)) / (1 + lambda[k] * stepsize[k]);
    return beta[k] * full + (1 - beta[k]) * x;
  };
  await assertPlain(x, iterate(4, next), "x", 1e-5);
});

onBothDevices("the denoiser gets its scheduled noise level", async () => {
  const levels: (number | Tensor)[] = [];
  const denoiser = {
    forward: (x: Tensor, sigma: number | Tensor) => {
      levels.push(sigma);
      return Promise.resolve(x.clone());
    },
  };
  (await run({ prior: new PnP({ denoiser }), sigmaDenoiser: [0.3, 0.2, 0.1], maxIter: 3 })).x.dispose();
  assert.deepEqual(levels, [0.3, 0.2, 0.1]);
  await assert.rejects(() => run({ prior: new PnP({ denoiser }) }), /sigmaDenoiser must be a noise level/);
  await assert.rejects(
    () => run({ prior: new PnP({ denoiser }), sigmaDenoiser: 1, gFirst: true }),
    /one with grad, got PnP/,
  );
});

onBothDevices("metrics have one list per item, with the start's PSNR and the cost", async () => {
  using xGt = Plain.random(SHAPE, 9).tensor();
  const seen: IterationInfo[] = [];
  const { x, metrics } = await run({ stepsize: 0.5, maxIter: 4 }, {
    xGt,
    onIteration: (info) => void seen.push(info),
  });
  assert.deepEqual(metrics.residual.map((list) => list.length), [4, 4]);
  assert.deepEqual(metrics.psnr.map((list) => list.length), [5, 5]);
  assert.deepEqual(metrics.cost.map((list) => list.length), [4, 4]);
  for (const cost of metrics.cost) {
    for (const k of [1, 2, 3]) assert.ok(cost[k] <= cost[k - 1] + 1e-6, "the cost falls");
  }
  assert.deepEqual(seen.map(({ iteration, maxIter }) => [iteration, maxIter]), [[1, 4], [2, 4], [3, 4], [
    4,
    4,
  ]]);
  const mean = (lists: number[][], k: number) => (lists[0][k] + lists[1][k]) / 2;
  seen.forEach((info, k) => {
    assert.equal(info.residual, mean(metrics.residual, k));
    assert.equal(info.psnr, mean(metrics.psnr, k + 1));
    assert.equal(info.cost, mean(metrics.cost, k));
  });
  assert.equal(seen[3].x, x);
  const plain = await run({ prior: new PnP({ denoiser: CLAMP }), sigmaDenoiser: 0, maxIter: 2 });
  assert.deepEqual([plain.metrics.psnr, plain.metrics.cost], [[], []]);
});

onBothDevices("early stop waits for the third iteration, and without it all are run", async () => {
  const still = { prior: new PnP({ denoiser: IDENTITY }), sigmaDenoiser: 0, stepsize: 0, maxIter: 10 };
  const stopped = await run({ ...still, earlyStop: true });
  assert.deepEqual(stopped.metrics.residual, [[0, 0, 0], [0, 0, 0]]);
  assert.equal((await run(still)).metrics.residual[0].length, 10);
  const loose = await run({ earlyStop: true, thresConv: 1e9, maxIter: 2 });
  assert.equal(loose.metrics.residual[0].length, 2);
  const never = await run({ earlyStop: true, thresConv: 0, maxIter: 6 });
  assert.equal(never.metrics.residual[0].length, 6);
});

onBothDevices("a start may be given, and stays the caller's", async () => {
  using init = Plain.random(SHAPE, 4).tensor();
  const { x } = await run({ maxIter: 0 }, { init });
  assert.equal(await largestDifference(x, init), 0);
  x.dispose();
  assert.equal(init.shape.length, 4);
  assert.ok(await init.data());
});

onBothDevices("denoisers, priors and operators may give back their input", async () => {
  const { x } = await run({
    prior: new PnP({ denoiser: IDENTITY }),
    sigmaDenoiser: 0,
    stepsize: 0.5,
    maxIter: 3,
  });
  await assertPlain(x, iterate(3, (x, w, y) => x - 0.5 * w * (w * x - y)), "x", 1e-5);
});

onBothDevices("spoiled measurements and starts are refused, divergence is told", async () => {
  const physics = new Weights(w.tensor());
  const algorithm = new PGD({ dataFidelity: new L2(), prior: new HalfSquare(), maxIter: 200 });
  using good = y.tensor();
  using spoiled = Tensor.full(SHAPE, NaN);
  using endless = Tensor.full(SHAPE, Infinity);
  await assertNothingLeaks(async () => {
    for (const bad of [spoiled, endless]) {
      await assert.rejects(() => algorithm.run(bad, physics), /run PGD: y must be finite, got 24 values/);
      await assert.rejects(() => algorithm.run(good, physics, { init: bad }), /options\.init must be finite/);
    }
    await assert.rejects(() => algorithm.run(good, new Squares()), /options\.init must be given/);
  });
  const steep = new PGD({
    dataFidelity: new L2(),
    prior: new HalfSquare(),
    stepsize: 1e9,
    lambda: 0,
    maxIter: 99,
  });
  await assertNothingLeaks(() =>
    assert.rejects(() => steep.run(good, physics), (error: unknown) => {
      assert.ok(error instanceof DivergenceError);
      assert.equal(error.algorithm, "PGD");
      assert.ok(error.iteration >= 2 && error.iteration < 20, String(error.iteration));
      return true;
    })
  );
});

onBothDevices("whatever fails in an iteration, no image is left behind", async () => {
  using data = y.tensor();
  using xGt = Tensor.ones([1, 1, 2, 2]);
  const physics = new Weights(w.tensor());
  class Failing extends Prior {
    override prox(): Promise<Tensor> {
      return Promise.reject(new Error("the prior failed"));
    }
  }
  const algorithm = new PGD({ dataFidelity: new L2(), prior: new HalfSquare(), maxIter: 3 });
  await assertNothingLeaks(async () => {
    const failing = new PGD({ dataFidelity: new L2(), prior: new Failing() });
    await assert.rejects(() => failing.run(data, physics), /the prior failed/);
    const onIteration = () => Promise.reject(new Error("the callback failed"));
    await assert.rejects(() => algorithm.run(data, physics, { onIteration }), /the callback failed/);
    await assert.rejects(() => algorithm.run(data, physics, { xGt }), /compare images/);
  });
});

onBothDevices("a stack of blurs is inverted", async () => {
  const blurs = [0.5, 0.7].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
  const physics = stack(...blurs);
  using truth = Plain.build([1, 1, 16, 16], ([, , i, j]) => Number((i >> 2) % 2 === (j >> 2) % 2)).tensor();
  using data = await physics.A(truth);
  const prior = new PnP({ denoiser: CLAMP });
  const algorithm = new PGD({ dataFidelity: new L2(), prior, stepsize: 0.9, sigmaDenoiser: 0, maxIter: 60 });
  using x = (await algorithm.run(data, physics)).x;
  assert.ok(await largestDifference(x, truth) < 0.05);
  using short = TensorList.from([truth.clone()]);
  await assert.rejects(() => algorithm.run(short, physics), /length 2, got length 1/);
});

Deno.test("options out of range are refused by name", () => {
  const build = (options: Partial<OptimOptions>) => () =>
    new PGD({ dataFidelity: new L2(), prior: new HalfSquare(), ...options });
  assert.throws(build({ maxIter: 1.5 }), /build PGD: maxIter/);
  assert.throws(build({ maxIter: -1 }), /maxIter/);
  assert.throws(build({ stepsize: -0.1 }), /stepsize must be finite and >= 0/);
  assert.throws(build({ lambda: NaN }), /lambda/);
  assert.throws(build({ beta: "1" as unknown as number }), /beta/);
  assert.throws(build({ sigmaDenoiser: [0.1, 0.2], maxIter: 3 }), /a list of at least 3, got a list of 2/);
  assert.throws(build({ thresConv: -1 }), /thresConv/);
  assert.throws(build({ prior: {} as Prior }), /prior must be a Prior/);
  assert.throws(build({ dataFidelity: undefined }), /dataFidelity must be a DataFidelity/);
  assert.throws(() => new PnP({ denoiser: {} as typeof CLAMP }), InvalidArgumentError);
  build({ stepsize: undefined, maxIter: undefined })();
});
