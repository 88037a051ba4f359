import { distribute, DistributedContext } from "../../src/distributed/mod.ts";
import {
  ADMM,
  AmplitudeLoss,
  type BaseOptim,
  BurgEntropy,
  dpir,
  DRS,
  FISTA,
  GD,
  HQS,
  L1Prior,
  L2,
  MD,
  MLEM,
  NegEntropy,
  type OptimOptions,
  OSEM,
  PDCP,
  PGD,
  PMD,
  Prior,
  SIRT,
  StackedPhysicsDataFidelity,
  Tikhonov,
} from "../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack, Tensor } from "../../src/physics/mod.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import { Squares, Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { Plain } from "../tensor/plain.ts";
import { CLAMP } from "./toys.ts";
import assert from "node:assert/strict";

type Make = (options: OptimOptions) => Pick<BaseOptim, "run">;

const ALGORITHMS: Readonly<Record<string, Make>> = {
  GD: (options) => new GD(options),
  PGD: (options) => new PGD(options),
  FISTA: (options) => new FISTA(options),
  HQS: (options) => new HQS(options),
  ADMM: (options) => new ADMM(options),
  DRS: (options) => new DRS(options),
  PDCP: (options) => new PDCP({ ...options, stepsizeDual: 0.9 }),
  MLEM: (options) => new MLEM(options),
  SIRT: (options) => new SIRT(options),
  OSEM: (options) => new OSEM(options),
  MD: (options) => new MD(options),
  PMD: (options) => new PMD(options),
  "MD with Burg's entropy": (options) =>
    new MD({ ...options, bregmanPotential: new BurgEntropy(), stepsize: 0.1 }),
  "PMD with the negative entropy": (options) => new PMD({ ...options, bregmanPotential: new NegEntropy() }),
  "PGD with backtracking": (options) => new PGD({ ...options, backtracking: true }),
  "FISTA with Anderson acceleration": (options) => new FISTA({ ...options, andersonAcceleration: true }),
};

/** Those that minimise fidelity + lambda prior whatever the two are; HQS minimises an approximation. */
const MINIMISERS = ["GD", "PGD", "FISTA", "ADMM", "DRS", "PDCP", "MD", "PMD"];

const SHAPE = [2, 1, 3, 4];
const w = Plain.build([1, 1, 3, 4], (k) => 0.8 + Plain.random([1, 1, 3, 4], 3).at(k) / 5),
  y = Plain.random(SHAPE, 2);

onBothDevices("all minimisers end at the minimum of fidelity + lambda prior, in either order", async () => {
  const lambda = 0.3;
  const expected = Plain.build(SHAPE, (k) => w.at(k) * y.at(k) / (w.at(k) ** 2 + lambda)).tensor();
  using data = y.tensor();
  for (const name of MINIMISERS) {
    for (const gFirst of [false, true]) {
      const options = {
        dataFidelity: new L2(),
        prior: new Tikhonov(),
        stepsize: 0.9,
        lambda,
        maxIter: 60,
        gFirst,
      };
      using x = (await ALGORITHMS[name](options).run(data, new Weights(w.tensor()))).x;
      const error = await largestDifference(x, expected);
      assert.ok(error < 2e-3, `${name}, gFirst ${gFirst}: ${error}`);
    }
  }
});

onBothDevices("every algorithm takes a stack's measurements, and leaves nothing behind", async () => {
  const physics = stack(
    ...[0.5, 0.7].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })),
  );
  using truth = image(2, 1, 9, 8);
  using data = await physics.A(truth);
  using init = Tensor.full(truth.shape, 0.4);
  const options = { dataFidelity: new L2(), prior: new L1Prior(), stepsize: 0.4, lambda: 1e-4, maxIter: 3 };
  for (const [name, make] of Object.entries(ALGORITHMS)) {
    (await make(options).run(data, physics)).x.dispose();
    await assertNothingLeaks(async () => {
      const { x, metrics } = await make(options).run(data, physics, { init, xGt: truth });
      x.dispose();
      assert.deepEqual(metrics.cost.map((list) => list.length), [3, 3], name);
      const [before, , , after] = metrics.psnr[0];
      assert.ok(after > before, `${name}: ${before} dB, then ${after} dB`);
    });
  }
});

onBothDevices("a fidelity for each operator gives every algorithm what one for all does", async () => {
  const physics = stack(
    ...[0.5, 0.7].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })),
  );
  using truth = image(2, 1, 9, 8);
  using data = await physics.A(truth);
  const options = { prior: new Tikhonov(), stepsize: 0.4, lambda: 0.05, maxIter: 3 };
  const each = new StackedPhysicsDataFidelity([new L2(), new L2()]);
  for (const [name, make] of Object.entries(ALGORITHMS)) {
    using one = (await make({ ...options, dataFidelity: new L2() }).run(data, physics)).x;
    using many = (await make({ ...options, dataFidelity: each }).run(data, physics)).x;
    const difference = await largestDifference(one, many);
    assert.ok(difference < 1e-3, `${name}: ${difference}`);
  }
});

class Failing extends Prior {
  override readonly explicitPrior = true;

  override fn(x: Tensor): Promise<Tensor> {
    return Promise.resolve(Tensor.zeros([x.shape[0]], x));
  }

  override grad(): Promise<Tensor> {
    return Promise.reject(new Error("the prior failed"));
  }

  override prox(): Promise<Tensor> {
    return Promise.reject(new Error("the prior failed"));
  }
}

onBothDevices("a prior that fails leaves no image of any algorithm behind", async () => {
  using data = y.tensor();
  using init = Tensor.ones(SHAPE);
  const physics = new Weights(w.tensor());
  await assertNothingLeaks(async () => {
    for (const [name, make] of Object.entries(ALGORITHMS)) {
      if (name === "SIRT") continue;
      const algorithm = make({ dataFidelity: new L2(), prior: new Failing(), maxIter: 2 });
      await assert.rejects(() => algorithm.run(data, physics, { init }), /the prior failed/, name);
    }
    for (const algorithm of [new MLEM(), new SIRT()]) {
      await assert.rejects(
        () => algorithm.run(data, new Squares(), { init: data }),
        /physics must be linear/,
      );
    }
  });
});

onBothDevices("without a prior only the data count", async () => {
  using data = y.tensor();
  const { x, metrics } = await new GD({ dataFidelity: new L2(), stepsize: 1.2, maxIter: 80 })
    .run(data, new Weights(w.tensor()));
  using expected = Plain.build(SHAPE, (k) => y.at(k) / w.at(k)).tensor();
  assert.ok(await largestDifference(x, expected) < 1e-3);
  assert.ok(metrics.cost[0][79] < 1e-6);
});

onBothDevices("the dual stepsize and FISTA's a may change from iteration to iteration", async () => {
  using data = y.tensor();
  const physics = new Weights(w.tensor());
  const base = { dataFidelity: new L2(), prior: new Tikhonov(), stepsize: 0.5, lambda: 0.3, maxIter: 3 };
  const pairs = [
    [new PDCP({ ...base, stepsizeDual: 0.8 }), new PDCP({ ...base, stepsizeDual: [0.8, 0.8, 0.8] })],
    [new FISTA({ ...base, a: 4 }), new FISTA({ ...base, a: [4, 4, 4] })],
    [new PDCP({ ...base, stepsizeDual: [0.8, 0.4, 0.1] }), new FISTA({ ...base, a: [2, 5, 9] })],
  ];
  const found = [];
  for (const pair of pairs) {
    for (const algorithm of pair) found.push((await algorithm.run(data, physics)).x);
  }
  assert.equal(await largestDifference(found[0], found[1]), 0);
  assert.equal(await largestDifference(found[2], found[3]), 0);
  assert.ok(await largestDifference(found[0], found[4]) > 1e-4);
  assert.ok(await largestDifference(found[2], found[5]) > 1e-4);
});

onBothDevices("a non-linear stack is descended, with every entry's own fidelity", async () => {
  const physics = stack(new Squares(), new Squares());
  using truth = Plain.build(SHAPE, (k) => 0.5 + y.at(k) / 4).tensor();
  using data = await physics.A(truth);
  const dataFidelity = new StackedPhysicsDataFidelity([new AmplitudeLoss(), new L2()]);
  using init = Tensor.full(SHAPE, 0.6);
  for (
    const algorithm of [
      new GD({ dataFidelity, stepsize: 0.15, maxIter: 200 }),
      new GD({ dataFidelity, stepsize: 3, maxIter: 200, backtracking: { eta: 0.5 } }),
      new HQS({ dataFidelity, stepsize: 0.05, maxIter: 200 }),
    ]
  ) {
    using x = (await algorithm.run(data, physics, { init })).x;
    assert.ok(await largestDifference(x, truth) < 5e-3, algorithm.constructor.name);
  }
});

onBothDevices("DPIR lowers the noise level from 49/255 to sigma", async () => {
  const levels: number[] = [];
  const denoiser = {
    forward: (x: Tensor, sigma: number | Tensor) => {
      levels.push(sigma as number);
      return CLAMP.forward(x);
    },
  };
  using data = y.tensor();
  (await dpir({ sigma: 0.05, denoiser }).run(data, new Weights(w.tensor()))).x.dispose();
  const expected = [0.19216, 0.15854, 0.1308, 0.10791, 0.08903, 0.07346, 0.0606, 0.05];
  assert.equal(levels.length, expected.length);
  levels.forEach((level, k) => assert.ok(Math.abs(level - expected[k]) < 1e-5, `${k}: ${level}`));
  for (const sigma of [0, NaN]) {
    assert.throws(() => dpir({ sigma, denoiser }), /sigma must be finite and > 0/);
  }
  assert.throws(() => dpir({ sigma: 0.1, denoiser, maxIter: 0 }), /maxIter/);
});

Deno.test("every algorithm gives the same with distributed physics and fidelity", async () => {
  await using ctx = await DistributedContext.create({ device: "cpu" });
  const local = stack(
    ...[0.5, 0.7].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })),
  );
  const physics = await distribute(local, ctx);
  const dataFidelity = await distribute(new L2(), ctx);
  using truth = image(1, 1, 9, 8);
  using data = await local.A(truth);
  const options = { prior: new L1Prior(), stepsize: 0.4, lambda: 0.01, maxIter: 3 };
  for (const [name, make] of Object.entries(ALGORITHMS)) {
    using there = (await make({ ...options, dataFidelity }).run(data, physics)).x;
    using here = (await make({ ...options, dataFidelity: new L2() }).run(data, local)).x;
    assert.ok(await largestDifference(there, here) < 1e-4, name);
  }
});

Deno.test("options of single algorithms out of range are refused by name", () => {
  const options = { dataFidelity: new L2() };
  assert.throws(() => new FISTA({ ...options, a: 1 }), /build FISTA: a must be finite and >= 2/);
  assert.throws(() => new PDCP({ ...options, stepsizeDual: 0 }), /stepsizeDual/);
  assert.throws(() => new PDCP({ ...options, stepsizeDual: [1, 2] }), /stepsizeDual must be .* at least 100/);
  assert.throws(() => new FISTA({ ...options, a: [3], maxIter: 2 }), /a must be .* at least 2/);
  assert.throws(() => new PDCP({ ...options, K: (x) => x }), /K and KAdjoint must be given together/);
  assert.throws(() => new MLEM({ maxIter: -1 }), /build MLEM: maxIter/);
});
