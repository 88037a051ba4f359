import {
  DRS,
  FISTA,
  GD,
  HQS,
  L2,
  type OptimOptions,
  PGD,
  PnP,
  Prior,
  Tikhonov,
  ZeroFidelity,
} from "../../src/optim/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { CLAMP } from "./toys.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 1, 3, 4];
const w = Plain.build([1, 1, 3, 4], (k) => 0.8 + Plain.random([1, 1, 3, 4], 3).at(k) / 3);
const y = Plain.random(SHAPE, 2);
const LAMBDA = 0.05;
const base: OptimOptions = { dataFidelity: new L2(), prior: new Tikhonov(), lambda: LAMBDA, stepsize: 0.4 };
const solution = Plain.build(SHAPE, (k) => w.at(k) * y.at(k) / (w.at(k) ** 2 + LAMBDA));

onBothDevices("Anderson acceleration reaches the same solution in fewer iterations", async () => {
  using data = y.tensor();
  using expected = solution.tensor();
  const physics = new Weights(w.tensor());
  const errors: Record<string, number> = {};
  for (
    const [name, options] of [
      ["plain", {}],
      ["accelerated", { andersonAcceleration: { historySize: 8, beta: 1, eps: 1e-8 } }],
    ] as const
  ) {
    using x = (await new GD({ ...base, ...options, maxIter: 12 }).run(data, physics)).x;
    errors[name] = await largestDifference(x, expected);
  }
  assert.ok(errors.accelerated < 0.1 * errors.plain, JSON.stringify(errors));
});

onBothDevices("its first step is the plain one mixed with the start, items apart", async () => {
  using data = y.tensor();
  const physics = new Weights(w.tensor());
  using x = (await new GD({ ...base, maxIter: 1, andersonAcceleration: true, betaAndersonAcc: 0.7 })
    .run(data, physics)).x;
  const step = (k: readonly number[]) => {
    const start = w.at(k) * y.at(k);
    const next = start - 0.4 * (w.at(k) * (w.at(k) * start - y.at(k)) + LAMBDA * start);
    return 0.7 * next + 0.3 * start;
  };
  await assertPlain(x, Plain.build(SHAPE, step), "x", 1e-5);
});

onBothDevices("backtracking makes a diverging stepsize descend, and counts what it refuses", async () => {
  using data = y.tensor();
  const physics = new Weights(w.tensor());
  using expected = solution.tensor();
  const seen: number[] = [];
  const { x, metrics } = await new GD({ ...base, stepsize: 8, backtracking: true, maxIter: 120 })
    .run(data, physics, { onIteration: ({ iteration }) => void seen.push(iteration) });
  assert.ok(await largestDifference(x, expected) < 1e-3);
  const costs = metrics.cost[0].map((cost, k) => cost + metrics.cost[1][k]);
  costs.slice(1).forEach((cost, k) => assert.ok(cost <= costs[k] + 1e-6, `${k}: ${costs[k]}, ${cost}`));
  assert.ok(seen[0] > 1 && seen.length === costs.length, `${seen}`);
  assert.ok(costs.length < 120);
  x.dispose();
});

class Rising extends Prior {
  override readonly explicitPrior = true;
  #calls = 0;

  /** Larger at every call. */
  override fn(x: Tensor): Promise<Tensor> {
    return Promise.resolve(Tensor.full([x.shape[0]], this.#calls++, x));
  }

  override grad(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x.clone());
  }
}

onBothDevices("backtracking gives up after its limit of refused steps, at the last good image", async () => {
  using data = y.tensor();
  let steps = 0;
  class Counted extends GD {
    protected override step(...args: Parameters<GD["step"]>): ReturnType<GD["step"]> {
      steps++;
      return super.step(...args);
    }
  }
  await assertNothingLeaks(async () => {
    using init = data.clone();
    const algorithm = new Counted({
      dataFidelity: new ZeroFidelity(),
      prior: new Rising(),
      backtracking: { maxIter: 6 },
      maxIter: 50,
    });
    using physics = w.tensor();
    const { x, metrics } = await algorithm.run(data, new Weights(physics), { init });
    assert.equal(steps, 6);
    assert.deepEqual(metrics.cost, [[], []]);
    assert.equal(await largestDifference(x, init), 0);
    x.dispose();
  });
});

onBothDevices("a run may stop when the cost settles", async () => {
  using data = y.tensor();
  const physics = new Weights(w.tensor());
  const { x, metrics } = await new PGD({ ...base, earlyStop: true, critConv: "cost", thresConv: 1e-3 })
    .run(data, physics);
  x.dispose();
  const F = metrics.cost[0].map((_, k) => metrics.cost.map((list) => list[k]));
  const change = (k: number) =>
    Math.hypot(...F[k].map((f, b) => f - F[k - 1][b])) / (Math.hypot(...F[k]) + 1e-6);
  const last = F.length - 1;
  assert.ok(last >= 2 && last < 99 && change(last) < 1e-3, `${last}`);
  for (let k = 2; k < last; k++) assert.ok(change(k) >= 1e-3, `${k}`);
});

onBothDevices("fidelities and priors may change from iteration to iteration", async () => {
  using data = y.tensor();
  const physics = new Weights(w.tensor());
  class Scaled extends Tikhonov {
    constructor(readonly scale: number) {
      super();
    }

    override prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
      return super.prox(x, sigma, this.scale * gamma);
    }
  }
  const dataFidelity = [1, 2, 0.5].map((sigma) => new L2({ sigma })),
    prior = [1, 0, 3].map((s) => new Scaled(s));
  const { x } = await new PGD({ ...base, dataFidelity, prior, maxIter: 3 }).run(data, physics);
  const expected = Plain.build(SHAPE, (k) => {
    let value = w.at(k) * y.at(k);
    for (let i = 0; i < 3; i++) {
      const gradient = w.at(k) * (w.at(k) * value - y.at(k)) / dataFidelity[i].sigma ** 2;
      value = (value - 0.4 * gradient) / (1 + LAMBDA * 0.4 * prior[i].scale);
    }
    return value;
  });
  await assertPlain(x, expected, "x", 1e-5);
  const short = () => new PGD({ ...base, prior, maxIter: 4 });
  assert.throws(short, /prior must be one, or a list of at least 4, got a list of 3/);
  assert.throws(() => new PGD({ ...base, dataFidelity: [] }), /dataFidelity must be a DataFidelity/);
});

onBothDevices("a run may start from signals by name, or from what makes an image", async () => {
  using data = y.tensor();
  const physics = new Weights(w.tensor());
  using init = Plain.random(SHAPE, 8).tensor();
  using z = Plain.random(SHAPE, 9).tensor();
  const options = { ...base, maxIter: 3 };
  using given = (await new DRS(options).run(data, physics, { init })).x;
  using made = (await new DRS(options).run(data, physics, { init: () => init })).x;
  using both = (await new DRS(options).run(data, physics, { init: { x: init, z: init } })).x;
  using other = (await new DRS(options).run(data, physics, { init: { x: init, z } })).x;
  assert.equal(await largestDifference(given, made), 0);
  assert.equal(await largestDifference(given, both), 0);
  assert.ok(await largestDifference(given, other) > 1e-3);
  using flat = Tensor.ones([2, 1, 3, 1]);
  await assertNothingLeaks(async () => {
    await assert.rejects(
      () => new DRS(options).run(data, physics, { init: { x: init, u: z } }),
      /options\.init must be made of x,z, got u/,
    );
    await assert.rejects(
      () => new DRS(options).run(data, physics, { init: { x: init, z: flat } }),
      /options\.init\.z must be of shape/,
    );
  });
});

Deno.test("what acceleration and line search cannot work with is refused", () => {
  const build = (options: Partial<OptimOptions>) => () => new FISTA({ ...base, ...options });
  const prior = new PnP({ denoiser: CLAMP });
  assert.throws(build({ backtracking: true, prior }), /prior must be explicit, as backtracking .* got PnP/);
  assert.throws(build({ critConv: "cost", prior }), /prior must be explicit, as critConv/);
  assert.throws(build({ critConv: "x" as "cost" }), /critConv must be "residual" or "cost"/);
  assert.throws(
    build({ backtracking: true, stepsize: [1, 2], maxIter: 2 }),
    /stepsize must be one number > 0/,
  );
  assert.throws(build({ backtracking: { gamma: 0.5 } }), /backtracking\.gamma must be in \(0, 1\/2\)/);
  assert.throws(build({ backtracking: { eta: 1 } }), /backtracking\.eta/);
  assert.throws(build({ backtracking: { maxIter: 0 } }), /backtracking\.maxIter/);
  assert.throws(
    build({ andersonAcceleration: true, historySize: 0 }),
    /historySize must be a whole number >= 1/,
  );
  assert.throws(build({ andersonAcceleration: true, epsAndersonAcc: 0 }), /epsAndersonAcc/);
  assert.throws(build({ andersonAcceleration: { beta: NaN } }), /betaAndersonAcc/);
  new HQS({ ...base, backtracking: false, andersonAcceleration: false });
});
