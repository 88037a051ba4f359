import { L2 } from "../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack, Tensor, TensorList } from "../../src/physics/mod.ts";
import { onBothDevices } from "../golden.ts";
import { Squares, Weights } from "../physics/toys.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 1, 3, 4];
const u = Plain.random(SHAPE, 1), y = Plain.random(SHAPE, 2), w = Plain.random([1, 1, 3, 4], 3);

function perItem(f: (index: readonly number[]) => number): Plain {
  return new Plain(
    [2],
    [0, 1].map((item) =>
      Array.from(Plain.build([1, 3, 4], (k) => f([item, ...k])).values).reduce((sum, value) => sum + value, 0)
    ),
  );
}

onBothDevices("distance, gradient and proximal operator equal their formulas", async () => {
  const sigma = 0.4, gamma = 0.3, share = gamma / sigma ** 2;
  const l2 = new L2({ sigma });
  using a = u.tensor();
  using b = y.tensor();
  await assertPlain(await l2.d(a, b), perItem((k) => (u.at(k) - y.at(k)) ** 2 / (2 * sigma ** 2)), "d", 1e-5);
  await assertPlain(
    await l2.gradD(a, b),
    Plain.build(SHAPE, (k) => (u.at(k) - y.at(k)) / sigma ** 2),
    "gradient",
    1e-5,
  );
  await assertPlain(
    await l2.proxD(a, b, gamma),
    Plain.build(SHAPE, (k) => (u.at(k) + share * y.at(k)) / (1 + share)),
    "prox",
    1e-5,
  );
});

onBothDevices(
  "through an operator: f = d(Ax, y), grad = A' (Ax - y) / sigma^2, prox by its system",
  async () => {
    const sigma = 0.5, gamma = 0.8, l2 = new L2({ sigma });
    const physics = new Weights(w.tensor());
    using x = u.tensor();
    using data = y.tensor();
    const gap = (k: readonly number[]) => w.at(k) * u.at(k) - y.at(k);
    await assertPlain(
      await l2.fn(x, data, physics),
      perItem((k) => gap(k) ** 2 / (2 * sigma ** 2)),
      "fn",
      1e-5,
    );
    await assertPlain(
      await l2.grad(x, data, physics),
      Plain.build(SHAPE, (k) => w.at(k) * gap(k) / sigma ** 2),
      "grad",
      1e-5,
    );
    const share = gamma / sigma ** 2;
    const expected = Plain.build(
      SHAPE,
      (k) => (share * w.at(k) * y.at(k) + u.at(k)) / (share * w.at(k) ** 2 + 1),
    );
    await assertPlain(await l2.prox(x, data, physics, gamma), expected, "prox", 1e-3);
  },
);

onBothDevices(
  "the gradient is the derivative of fn, for linear, non-linear and stacked operators",
  async () => {
    const l2 = new L2({ sigma: 0.7 });
    const blur = new Blur({ filter: gaussianBlur({ sigma: 0.4, psfSize: 3 }), padding: "circular" });
    for (const physics of [blur, new Squares(), stack(blur, new Squares())]) {
      using x = u.tensor();
      using truth = y.tensor();
      using data = await physics.A(truth);
      using gradient = await l2.grad(x, data, physics);
      using direction = Plain.random(SHAPE, 5).tensor();
      const step = 1e-2;
      using ahead = x.addScaled(direction, step);
      using behind = x.addScaled(direction, -step);
      const value = async (at: Tensor) => await (await l2.fn(at, data, physics)).sum().item();
      const slope = (await value(ahead) - await value(behind)) / (2 * step);
      const expected = await gradient.dot(direction).item();
      assert.ok(Math.abs(slope - expected) < 1e-2 * Math.max(1, Math.abs(expected)), `${slope}, ${expected}`);
    }
  },
);

onBothDevices("measurements of another shape are refused, and nothing stays", async () => {
  const l2 = new L2();
  const physics = new Weights(w.tensor());
  using x = u.tensor();
  using channels = Tensor.ones([2, 3, 3, 4]);
  using list = TensorList.from([Tensor.ones(SHAPE), Tensor.ones(SHAPE)]);
  await assertNothingLeaks(async () => {
    await assert.rejects(
      () => l2.fn(x, channels, physics),
      /y must be of shape \(2, 1, 3, 4\), got \(2, 3, 3, 4\)/,
    );
    await assert.rejects(() => l2.grad(x, list, physics), /compare measurements/);
  });
  for (const sigma of [0, -1, NaN, Infinity]) assert.throws(() => new L2({ sigma }), /finite and > 0/);
});
