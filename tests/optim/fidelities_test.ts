import {
  AmplitudeLoss,
  type DataFidelity,
  IndicatorL2,
  L1,
  L2,
  LogPoissonLikelihood,
  PoissonLikelihood,
  StackedPhysicsDataFidelity,
  ZeroFidelity,
} from "../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack } from "../../src/physics/mod.ts";
import { Tensor, TensorList } from "../../src/tensor/mod.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { Squares, Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 1, 3, 4];
const positive = (seed: number) => Plain.build(SHAPE, (k) => 1.5 + Plain.random(SHAPE, seed).at(k));
const u = positive(1), y = positive(2), w = Plain.build([1, 1, 3, 4], (k) => 0.75 + u.at(k) / 10);

function soft(value: number, threshold: number): number {
  return Math.sign(value) * Math.max(Math.abs(value) - threshold, 0);
}

function perItem(f: (index: readonly number[]) => number): Plain {
  const terms = Plain.build(SHAPE, f).values;
  return new Plain(
    [2],
    [0, 1].map((b) => Array.from(terms).slice(12 * b, 12 * b + 12).reduce((s, v) => s + v, 0)),
  );
}

onBothDevices("L1: distance, subgradient and proximal operators equal their formulas", async () => {
  const l1 = new L1(), gamma = 0.3;
  using a = u.tensor();
  using b = y.tensor();
  await assertPlain(await l1.d(a, b), perItem((k) => Math.abs(u.at(k) - y.at(k))), "d", 1e-5);
  await assertPlain(
    await l1.gradD(a, b),
    Plain.build(SHAPE, (k) => Math.sign(u.at(k) - y.at(k))),
    "gradient",
  );
  const near = Plain.build(SHAPE, (k) => y.at(k) + soft(u.at(k) - y.at(k), gamma));
  await assertPlain(await l1.proxD(a, b, gamma), near, "proxD", 1e-6);
  const through = Plain.build(SHAPE, (k) => {
    const centre = y.at(k) / w.at(k);
    return centre + soft(u.at(k) - centre, gamma * w.at(k));
  });
  await assertPlain(await l1.prox(a, b, new Weights(w.tensor()), gamma), through, "prox", 1e-3);
});

onBothDevices("IndicatorL2: inside or out, and the nearest point of the ball", async () => {
  const ball = new IndicatorL2({ radius: 0.5 });
  using a = u.tensor();
  using b = y.tensor();
  const distances = perItem((k) => (u.at(k) - y.at(k)) ** 2).values;
  const near = Plain.build(
    SHAPE,
    (k) => y.at(k) + (u.at(k) - y.at(k)) * Math.min(1, 0.5 / Math.sqrt(distances[k[0]])),
  );
  await assertPlain(await ball.d(a, b), new Plain([2], [1e16, 1e16]), "outside");
  await assertPlain(await ball.d(b, b), new Plain([2], [0, 0]), "inside");
  await assertPlain(await ball.proxD(a, b, 3), near, "proxD", 1e-5);
  await assertPlain(await ball.prox(a, b, new Weights(Tensor.ones([1, 1, 3, 4])), 3), near, "prox", 1e-3);
  using z = await ball.prox(a, b, new Weights(w.tensor()), 3);
  using gap = z.mul(w.tensor()).sub(b);
  for (const distance of await gap.norm([1, 2, 3]).data()) assert.ok(distance < 0.501, String(distance));
  await assert.rejects(() => ball.gradD(a, b), /one with a gradient/);
});

onBothDevices(
  "PoissonLikelihood: the gradient is the slope of d, prox the minimiser, items apart",
  async () => {
    for (
      const options of [{}, { gain: 0.5 }, { gain: 2, bkg: 0.3 }, { gain: 0.5, bkg: 0.1, denormalize: false }]
    ) {
      const poisson = new PoissonLikelihood(options);
      const { gain = 1, bkg = 0, denormalize = true } = options as Record<string, number | undefined> & {
        denormalize?: boolean;
      };
      const loss = (value: number, k: readonly number[]) => {
        const expected = value / gain + bkg;
        const counted = denormalize ? y.at(k) / gain : y.at(k);
        return expected - counted - counted * Math.log(expected);
      };
      using a = u.tensor();
      using b = y.tensor();
      await assertPlain(await poisson.d(a, b), perItem((k) => loss(u.at(k), k)), "d", 1e-5);
      const slope = Plain.build(SHAPE, (k) => (loss(u.at(k) + 1e-5, k) - loss(u.at(k) - 1e-5, k)) / 2e-5);
      await assertPlain(await poisson.gradD(a, b), slope, "gradient", 1e-4);
      const gamma = 0.7;
      using near = await poisson.proxD(a, b, gamma);
      const values = new Plain(SHAPE, await near.data());
      Plain.build(SHAPE, (k) => {
        const value = values.at(k);
        const cost = (v: number) => gamma * loss(v, k) + (v - u.at(k)) ** 2 / 2;
        for (const step of [-0.01, 0.01]) {
          assert.ok(!(cost(value + step) < cost(value)), `${value} is not the minimiser at ${k}`);
        }
        return 0;
      });
    }
    using one = Tensor.from([2.5], [1, 1]);
    using five = Tensor.from([5], [1, 1]);
    using root = await new PoissonLikelihood().proxD(one, five, 0.5);
    assert.ok(Math.abs(await root.item() - (2 + Math.sqrt(14)) / 2) < 1e-5);
    using zero = Tensor.zeros([1, 1]);
    assert.equal(await (await new PoissonLikelihood().d(zero, zero)).item(), 0);
  },
);

onBothDevices("PoissonLikelihood: deepinvCompat gives the numbers of deepinv", async () => {
  const value = async (tensor: Tensor) => Array.from(await tensor.data());
  const one = (x: number) => Tensor.from([x], [1, 1]);
  const plain = new PoissonLikelihood({ deepinvCompat: true });
  const [near] = await value(await plain.proxD(one(2), one(3), 0.5));
  assert.ok(Math.abs(near + 3.898979) < 1e-4, "where the minimiser is 2.186");
  const [right] = await value(await new PoissonLikelihood().proxD(one(2), one(3), 0.5));
  assert.ok(Math.abs(right - 2.186141) < 1e-4);

  const poisson = new PoissonLikelihood({ gain: 0.5, bkg: 0.1, deepinvCompat: true });
  using u = Tensor.from([1, 2], [2, 1]), y = Tensor.from([0.5, 3], [2, 1]);
  const w = [2.1, 4.1], p = [1, 6];
  const logarithms = p[0] * Math.log(w[0]) + p[1] * Math.log(w[1]);
  for (const [item, found] of (await value(await poisson.d(u, y))).entries()) {
    assert.ok(Math.abs(found - (w[item] - p[item] - logarithms)) < 1e-5);
  }
  for (const [item, found] of (await value(await poisson.gradD(u, y))).entries()) {
    assert.ok(Math.abs(found - 0.5 * (1 - p[item] / w[item])) < 1e-5);
  }
  const identity = new Weights(Tensor.ones([1, 1]));
  let z = [1, 2];
  for (let k = 0; k < 50; k++) z = z.map((v, i) => [1, 2][i] - 0.1 * 0.5 * (1 - p[i] / (v / 0.5 + 0.1)));
  for (const [item, found] of (await value(await poisson.prox(u, y, identity, 0.1))).entries()) {
    assert.ok(Math.abs(found - z[item]) < 1e-3);
  }
});

const SMOOTH: readonly [string, DataFidelity, (value: number, data: number) => number][] = [
  ["AmplitudeLoss", new AmplitudeLoss(), (v, p) => (Math.sqrt(v) - Math.sqrt(p)) ** 2],
  [
    "LogPoissonLikelihood",
    new LogPoissonLikelihood({ N0: 30, mu: 0.4 }),
    (v, p) => 30 * (Math.exp(-0.4 * v) + 0.4 * v * Math.exp(-0.4 * p)),
  ],
  ["ZeroFidelity", new ZeroFidelity(), () => 0],
];

for (const [name, fidelity, loss] of SMOOTH) {
  onBothDevices(
    `${name}: its value per item, its slope, the minimiser, and the conjugate's prox`,
    async () => {
      using a = u.tensor();
      using b = y.tensor();
      await assertPlain(await fidelity.d(a, b), perItem((k) => loss(u.at(k), y.at(k))), "d", 1e-5);
      const slope = (v: number, p: number) => (loss(v + 1e-5, p) - loss(v - 1e-5, p)) / 2e-5;
      await assertPlain(
        await fidelity.gradD(a, b),
        Plain.build(SHAPE, (k) => slope(u.at(k), y.at(k))),
        "gradient",
        1e-4,
      );
      for (const gamma of [0.01, 0.7, 30]) {
        using near = await fidelity.proxD(a, b, gamma);
        const values = new Plain(SHAPE, await near.data());
        Plain.build(SHAPE, (k) => {
          const still = values.at(k) - u.at(k) + gamma * slope(values.at(k), y.at(k));
          assert.ok(Math.abs(still) < 2e-4 * (1 + gamma), `${values.at(k)} is not the minimiser: ${still}`);
          return 0;
        });
        using dual = await fidelity.proxDConjugate(a, b, gamma, 2);
        using scaled = a.mul(1 / gamma);
        using inner = await fidelity.proxD(scaled, b, 2 / gamma);
        using expected = a.addScaled(inner, -gamma);
        assert.ok(await largestDifference(dual, expected) < 1e-5);
      }
    },
  );
}

onBothDevices("amplitudes from nothing, and from far away, have their minimiser", async () => {
  using a = Tensor.from([0, 4, -2, 1e4, 0.5], [1, 5]);
  using b = Tensor.from([0, 0, 1, 1e-3, 1e4], [1, 5]);
  const [none, shrunk, pulled, far, high] = await (await new AmplitudeLoss().proxD(a, b, 1)).data();
  assert.ok(none < 1e-4 && Math.abs(shrunk - 3) < 1e-4, `${none}, ${shrunk}`);
  for (const [v, start, data] of [[pulled, -2, 1], [far, 1e4, 1e-3], [high, 0.5, 1e4]]) {
    const still = v - start + 1 - Math.sqrt(data / v);
    assert.ok(Math.abs(still) < 1e-4 * (1 + Math.abs(start)), `${v}: ${still}`);
  }
});

onBothDevices("where the physics is not linear, smooth fidelities have a prox too", async () => {
  using a = u.tensor();
  using b = y.tensor();
  const gamma = 0.02;
  using near = await new L2().prox(a, b, new Squares(), gamma);
  const values = new Plain(SHAPE, await near.data());
  Plain.build(SHAPE, (k) => {
    const v = values.at(k), still = v - u.at(k) + gamma * 2 * v * (v * v - y.at(k));
    assert.ok(Math.abs(still) < 5e-3, `${still}`);
    return 0;
  });
});

onBothDevices("a fidelity for each operator of a stack equals deepinv", async () => {
  const filters = [1, 1.5, 2].map((sigma) => gaussianBlur({ sigma }));
  const physics = stack(...filters.map((filter) => new Blur({ filter, padding: "circular" })));
  using x = image(1, 1, 16, 16);
  using clean = await physics.A(x);
  using data = TensorList.from([...clean].map((entry, i) => {
    const ripple = Float32Array.from({ length: 256 }, (_, m) => 0.05 * Math.sin(3.1 * m + i));
    return entry.add(Tensor.from(ripple, entry.shape));
  }));
  const fidelity = new StackedPhysicsDataFidelity([new L2({ sigma: 0.5 }), new L1(), new L2()]);
  await assertGolden(await fidelity.fn(x, data, physics), "stackedDF.fn", 1e-4);
  await assertGolden(await fidelity.grad(x, data, physics), "stackedDF.grad", 1e-4);
  const squares = new StackedPhysicsDataFidelity([new L2(), new L2(), new L2()]);
  using near = await squares.prox(x, data, physics, 0.5);
  using direct = await physics.prox_l2(x, data, 0.5);
  assert.ok(await largestDifference(near, direct) < 1e-3);
  using short = TensorList.from([x.clone()]);
  await assert.rejects(
    () => fidelity.grad(x, short, physics),
    /length 3, one entry for each fidelity, got length 1/,
  );
  await assert.rejects(() => fidelity.d(x, x), /given with its fidelity/);
  assert.equal([...fidelity].length, fidelity.length);
});

onBothDevices("what fidelities cannot take is refused, and nothing stays", async () => {
  using a = u.tensor();
  await assertNothingLeaks(async () => {
    for (const fidelity of [new L1(), new IndicatorL2({ radius: 1 }), new PoissonLikelihood()]) {
      if (!(fidelity instanceof PoissonLikelihood)) {
        await assert.rejects(
          () => fidelity.prox(a, a, new Squares(), 1),
          /physics must be linear, got Squares/,
        );
      }
      (await fidelity.fn(a, a, new Squares())).dispose();
      using physics = w.tensor();
      (await fidelity.prox(a, a, new Weights(physics), 0.5)).dispose();
    }
  });
  assert.throws(() => new IndicatorL2({ radius: -1 }), /radius must be finite and >= 0/);
  assert.throws(() => new PoissonLikelihood({ gain: 0 }), /gain must be finite and > 0/);
  assert.throws(() => new PoissonLikelihood({ bkg: -1 }), /bkg/);
  assert.throws(() => new StackedPhysicsDataFidelity([]), /at least one DataFidelity/);
  assert.throws(() => new StackedPhysicsDataFidelity([{} as DataFidelity]), /nothing else, got \[Object\]/);
});

onBothDevices("the prox of stacked L2 fidelities solves its linear system", async () => {
  const physics = stack(
    new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" }),
    new Blur({ filter: gaussianBlur({ sigma: 0.6 }), padding: "valid" }),
  );
  const x = image(2, 1, 13, 14), gamma = 0.7;
  const y = await physics.A(x.mul(0.8));
  const fidelity = new StackedPhysicsDataFidelity([new L2({ sigma: 0.5 }), new L2({ sigma: 2 })]);
  const z = await fidelity.prox(x, y, physics, gamma);
  const slope = (await fidelity.grad(z, y, physics)).mul(gamma).add(z);
  assert.ok(await largestDifference(slope, x) < 1e-3);
});
