import {
  type Bregman,
  BregmanL2,
  BurgEntropy,
  L1Prior,
  L2,
  MD,
  NegEntropy,
  PMD,
  Tikhonov,
} from "../../src/optim/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 1, 3, 4];
const positive = (seed: number) => Plain.build(SHAPE, (k) => 1.3 + Plain.random(SHAPE, seed).at(k));
const x = positive(1), z = positive(2);

const POTENTIALS: readonly [
  potential: Bregman,
  phi: (v: number) => number,
  gradient: (v: number) => number,
  divergence: (a: number, b: number) => number,
][] = [
  [new BregmanL2(), (v) => v * v / 2, (v) => v, (a, b) => (a - b) ** 2 / 2],
  [new BurgEntropy(), (v) => -Math.log(v), (v) => -1 / v, (a, b) => a / b - Math.log(a / b) - 1],
  [new NegEntropy(), (v) => v * Math.log(v), (v) => 1 + Math.log(v), (a, b) => a * Math.log(a / b) - a + b],
];

function perItem(f: (k: readonly number[]) => number): Plain {
  const terms = Array.from(Plain.build(SHAPE, f).values);
  return new Plain([2], [0, 1].map((b) => terms.slice(12 * b, 12 * b + 12).reduce((s, v) => s + v, 0)));
}

for (const [potential, phi, gradient, divergence] of POTENTIALS) {
  const name = potential.constructor.name;
  onBothDevices(
    `${name}: value, gradient, its inverse, conjugate and divergence equal their formulas`,
    async () => {
      using a = x.tensor();
      using b = z.tensor();
      await assertNothingLeaks(async () => {
        using value = await potential.fn(a);
        await assertPlain(value, perItem((k) => phi(x.at(k))), "fn", 1e-5);
        using slope = await potential.grad(a);
        await assertPlain(slope, Plain.build(SHAPE, (k) => gradient(x.at(k))), "grad", 1e-6);
        using back = await potential.gradConj(slope);
        await assertPlain(back, x, "gradConj", 1e-5);
        using conjugate = await potential.conjugate(slope);
        const dual = perItem((k) => gradient(x.at(k)) * x.at(k) - phi(x.at(k)));
        await assertPlain(conjugate, dual, "conjugate", 1e-5);
        using gap = await potential.div(a, b);
        await assertPlain(gap, perItem((k) => divergence(x.at(k), z.at(k))), "div", 1e-4);
      });
    },
  );

  onBothDevices(`MD and PMD with ${name} end at the minimum`, async () => {
    const w = Plain.build([1, 1, 3, 4], (k) => 0.9 + k[3] / 10), lambda = 0.2;
    using data = z.tensor();
    using init = Tensor.ones(SHAPE);
    using expected = Plain.build(SHAPE, (k) => w.at(k) * z.at(k) / (w.at(k) ** 2 + lambda)).tensor();
    using weights = w.tensor();
    const options = {
      dataFidelity: new L2(),
      prior: new Tikhonov(),
      lambda,
      stepsize: 0.2,
      maxIter: 200,
      bregmanPotential: potential,
    };
    for (const algorithm of [new MD(options), new PMD(options), new PMD({ ...options, gFirst: true })]) {
      using found = (await algorithm.run(data, new Weights(weights), { init })).x;
      const error = await largestDifference(found, expected);
      assert.ok(error < 3e-3, `${algorithm.constructor.name}: ${error}`);
    }
  });
}

onBothDevices("PMD with an entropy and sparse images multiplies, or shrinks the inverse", async () => {
  using data = z.tensor();
  using init = x.tensor();
  using weights = Tensor.ones([1, 1, 3, 4]);
  const tau = 0.1, lambda = 0.5;
  for (
    const [potential, next] of [
      [new NegEntropy(), (v: number) => v * Math.exp(-tau * lambda)],
      [new BurgEntropy(), (v: number) => v / (1 + tau * lambda * v)],
    ] as const
  ) {
    const algorithm = new PMD({
      dataFidelity: new L2(),
      prior: new L1Prior(),
      stepsize: tau,
      lambda,
      maxIter: 1,
      bregmanPotential: potential,
    });
    using found = (await algorithm.run(data, new Weights(weights), { init })).x;
    const step = (k: readonly number[]) => {
      const gradient = tau * (x.at(k) - z.at(k));
      return next(
        potential instanceof NegEntropy ? x.at(k) * Math.exp(-gradient) : x.at(k) / (1 + gradient * x.at(k)),
      );
    };
    await assertPlain(found, Plain.build(SHAPE, step), potential.constructor.name, 1e-4);
  }
});

onBothDevices("entropies want positive images, and say so", async () => {
  using data = z.tensor();
  using init = Tensor.zeros(SHAPE);
  using weights = Tensor.ones([1, 1, 3, 4]);
  const algorithm = new MD({ dataFidelity: new L2(), bregmanPotential: new BurgEntropy() });
  await assertNothingLeaks(() =>
    assert.rejects(
      () => algorithm.run(data, new Weights(weights), { init }),
      /options\.init must be positive, for BurgEntropy, got 0/,
    )
  );
  const wild = new MD({ dataFidelity: new L2(), bregmanPotential: new BurgEntropy(), stepsize: 50 });
  using ones = Tensor.full(SHAPE, 0.1);
  await assert.rejects(() => wild.run(data, new Weights(weights), { init: ones }), /smaller stepsize/);
  const wrong = {} as Bregman;
  assert.throws(() => new PMD({ dataFidelity: new L2(), bregmanPotential: wrong }), /a Bregman potential/);
});
