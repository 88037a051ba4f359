import {
  Blur,
  conjugateGradient,
  gaussianBlur,
  InvalidArgumentError,
  Tensor,
} from "../../src/physics/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { Weights } from "./toys.ts";
import assert from "node:assert/strict";

/** Weights 0.5 .. 2 on 4 x 5 pixels. */
function weights(): { plain: Plain; physics: Weights } {
  const plain = Plain.build([1, 1, 4, 5], ([, , i, j]) => 0.5 + 1.5 * (i * 5 + j) / 19);
  return { plain, physics: new Weights(plain.tensor()) };
}

onBothDevices("computeSqnorm finds known norms, and is the same for a seed", async () => {
  const { physics } = weights();
  using x = Tensor.ones([1, 1, 4, 5]);
  const norm = await physics.computeSqnorm(x, { maxIter: 500, tol: 1e-6 });
  assert.ok(Math.abs(norm - 4) < 1e-2, String(norm));
  assert.equal(
    await physics.computeSqnorm(x, { maxIter: 5, seed: 1 }),
    await physics.computeSqnorm(x, { maxIter: 5, seed: 1 }),
  );
  const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
  using image = Tensor.zeros([1, 1, 16, 16]);
  const one = await blur.computeSqnorm(image, { maxIter: 500, tol: 1e-6 });
  assert.ok(Math.abs(one - 1) < 1e-3, String(one));
  const nothing = new Weights(Tensor.zeros([1, 1, 4, 5]));
  assert.equal(await nothing.computeSqnorm(x), 0);
});

onBothDevices("adjointnessTest is near 0 for an adjoint, and not for something else", async () => {
  const { physics } = weights();
  using x = Plain.random([3, 1, 4, 5]).tensor();
  assert.ok(Math.abs(await physics.adjointnessTest(x)) < 1e-4);
  physics.A_adjoint = async (y: Tensor) => await Promise.resolve(y.mul(2));
  assert.ok(Math.abs(await physics.adjointnessTest(x)) > 1e-2);
});

onBothDevices("prox_l2 solves its system for every item with its own gamma", async () => {
  const { plain: w, physics } = weights();
  const z = Plain.random([2, 1, 4, 5], 1), y = Plain.random([2, 1, 4, 5], 2);
  using start = z.tensor();
  using data = y.tensor();
  const solution = (gamma: (item: number) => number) =>
    Plain.build(
      z.shape,
      (k) => (w.at(k) * y.at(k) + z.at(k) / gamma(k[0])) / (w.at(k) ** 2 + 1 / gamma(k[0])),
    );
  const options = { maxIter: 100, tol: 1e-7 };
  using one = await physics.prox_l2(start, data, 0.7, options);
  await assertPlain(one, solution(() => 0.7), "one gamma", 1e-4);
  for (const shape of [[2], [2, 1, 1, 1]]) {
    using gamma = Tensor.from([0.2, 5], shape);
    using own = await physics.prox_l2(start, data, gamma, options);
    await assertPlain(own, solution((item) => [0.2, 5][item]), `gamma (${shape})`, 1e-4);
  }
  using constant = await physics.prox_l2(0.25, data, 2, options);
  const flat = Plain.build(z.shape, (k) => (w.at(k) * y.at(k) + 0.125) / (w.at(k) ** 2 + 0.5));
  await assertPlain(constant, flat, "constant z", 1e-4);
  using inverse = await physics.A_dagger(data, { maxIter: 200, tol: 1e-7 });
  await assertPlain(inverse, Plain.build(z.shape, (k) => y.at(k) / w.at(k)), "A_dagger", 1e-3);
});

onBothDevices("each item is solved as if it were alone", async () => {
  const blur = new Blur({ filter: gaussianBlur({ sigma: 1 }), padding: "circular" });
  using y = Plain.random([3, 1, 12, 12], 4).tensor();
  using together = await blur.prox_l2(0, y, 3);
  for (const item of [0, 1, 2]) {
    using own = y.slice([[item, item + 1]]);
    using alone = await blur.prox_l2(0, own, 3);
    using part = together.slice([[item, item + 1]]);
    assert.ok(await largestDifference(part, alone) < 1e-3);
  }
});

onBothDevices("prox_l2 refuses a gamma or a z that does not fit, and leaves nothing behind", async () => {
  const { physics } = weights();
  using y = Tensor.ones([2, 1, 4, 5]);
  using z = Tensor.ones([1, 1, 4, 5]);
  using three = Tensor.ones([3]);
  await assertNothingLeaks(async () => {
    for (const gamma of [0, -1, NaN]) {
      await assert.rejects(() => physics.prox_l2(y, y, gamma), /gamma must be > 0/);
    }
    await assert.rejects(() => physics.prox_l2(y, y, three), /one value per item \(2,\), got \(3\)/);
    await assert.rejects(() => physics.prox_l2(z, y, 1), /z must be of shape \(2, 1, 4, 5\)/);
  });
});

onBothDevices("conjugateGradient solves within as many steps as there are eigenvalues", async () => {
  const diagonal = Plain.build([2, 6], ([, i]) => 1 + (i % 3));
  const b = Plain.random([2, 6], 3);
  using d = diagonal.tensor();
  using right = b.tensor();
  let calls = 0;
  const A = async (x: Tensor) => {
    calls++;
    return await Promise.resolve(x.mul(d));
  };
  using x = await conjugateGradient(A, right, { tol: 1e-4 });
  await assertPlain(x, Plain.build([2, 6], (k) => b.at(k) / diagonal.at(k)), "solution", 1e-3);
  assert.ok(calls <= 4, `${calls} products`);
  using again = await conjugateGradient(A, right, { init: x, tol: 1e-3 });
  assert.equal(await largestDifference(again, x), 0);
  using none = await conjugateGradient(A, right, { maxIter: 0 });
  await assertPlain(none, Plain.build([2, 6], () => 0), "no iterations");
});

onBothDevices("conjugateGradient leaves nothing behind when the operator fails", async () => {
  using b = Plain.random([1, 4]).tensor();
  for (const failing of [1, 2, 3]) {
    let calls = 0;
    const A = (x: Tensor) => {
      calls++;
      if (calls < failing) return Promise.resolve(x.mul(Number(calls + 1)));
      return Promise.reject(new InvalidArgumentError("test", "A", "well", "ill"));
    };
    await assertNothingLeaks(() => assert.rejects(() => conjugateGradient(A, b, { init: b, tol: 0 }), /ill/));
  }
});
