import {
  L12Prior,
  L1Prior,
  type Prior,
  RED,
  ScorePrior,
  Tikhonov,
  TVL1Prior,
  TVPrior,
  ZeroPrior,
} from "../../src/optim/mod.ts";
import { TVDenoiser } from "../../src/models/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { CLAMP, IDENTITY } from "./toys.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 1, 5, 6];
const x = Plain.random(SHAPE, 1);

const EXPLICIT: readonly [name: string, make: () => Prior, value: (item: Plain) => number][] = [
  ["ZeroPrior", () => new ZeroPrior(), () => 0],
  ["Tikhonov", () => new Tikhonov(), ({ values }) => sum(values, (v) => v * v) / 2],
  ["L1Prior", () => new L1Prior(), ({ values }) => sum(values, Math.abs)],
  ["L12Prior", () => new L12Prior(), (item) => sum([0, 1, 2, 3, 4], (i) => Math.hypot(...row(item, i)))],
  ["TVPrior", () => new TVPrior({ nItMax: 300 }), (item) => totalVariation(item)],
  [
    "TVL1Prior",
    () => new TVL1Prior({ nItMax: 300 }),
    (item) => totalVariation(item, (down, across) => Math.abs(down) + Math.abs(across)),
  ],
];

function sum(values: ArrayLike<number>, f: (value: number) => number): number {
  return Array.from(values).reduce((total, value) => total + f(value), 0);
}

function row(item: Plain, i: number): number[] {
  return [0, 1, 2, 3, 4, 5].map((j) => item.at([i, j]));
}

function totalVariation(item: Plain, length = Math.hypot): number {
  const lengths = Plain.build([5, 6], ([i, j]) => {
    const down = i < 4 ? item.at([i + 1, j]) - item.at([i, j]) : 0;
    const across = j < 5 ? item.at([i, j + 1]) - item.at([i, j]) : 0;
    return length(down, across);
  });
  return sum(lengths.values, (v) => v);
}

const item = (values: Float32Array, b: number) => new Plain([5, 6], values.slice(30 * b, 30 * b + 30));

for (const [name, make, value] of EXPLICIT) {
  onBothDevices(`${name}: its value per item, its slope, and a prox that no neighbour betters`, async () => {
    const prior = make();
    const gamma = 0.3;
    using a = x.tensor();
    const start = await a.data();
    assert.equal(prior.explicitPrior, true);
    await assertPlain(
      await prior.fn(a),
      new Plain([2], [0, 1].map((b) => value(item(start, b)))),
      "fn",
      1e-5,
    );

    const gradient = await (await prior.grad(a)).data();
    const direction = Plain.random([60], 7).values;
    const along = (step: number) => {
      const moved = start.map((v, k) => v + step * direction[k]);
      return value(item(moved, 0)) + value(item(moved, 1));
    };
    const slope = (along(1e-3) - along(-1e-3)) / 2e-3;
    const expected = gradient.reduce((total, v, k) => total + v * direction[k], 0);
    assert.ok(Math.abs(slope - expected) < 2e-2 * Math.max(1, Math.abs(slope)), `${slope}, ${expected}`);

    const near = await (await prior.prox(a, undefined, gamma)).data();
    const cost = (z: Float32Array) =>
      [0, 1].reduce((total, b) => total + gamma * value(item(z, b)), 0) +
      sum(z.map((v, k) => (v - start[k]) ** 2 / 2), (v) => v);
    for (let seed = 1; seed <= 20; seed++) {
      const step = Plain.random([60], seed).values;
      const moved = near.map((v, k) => v + 0.05 * step[k]);
      assert.ok(cost(moved) >= cost(near) - 1e-5, `a neighbour betters ${name}.prox`);
    }
    prior.reset();
  });
}

onBothDevices("the total variation equals deepinv", async () => {
  using clean = image(1, 3, 16, 16);
  const ripple = Float32Array.from({ length: clean.numel }, (_, m) => 0.1 * Math.sin(2.7 * m));
  using noisy = clean.add(Tensor.from(ripple, clean.shape));
  const prior = new TVPrior();
  await assertGolden(await prior.fn(noisy), "TVprior.fn", 1e-4);
  await assertGolden(await prior.grad(noisy), "TVprior.grad", 1e-4);
});

onBothDevices("TVPrior goes on where its last prox ended, until it is reset", async () => {
  using a = x.tensor();
  const warm = new TVPrior({ nItMax: 5 }), cold = new TVPrior({ nItMax: 5, warmStart: false });
  using first = await warm.prox(a, undefined, 0.3);
  using second = await warm.prox(a, undefined, 0.3);
  warm.reset();
  using third = await warm.prox(a, undefined, 0.3);
  assert.ok(await largestDifference(first, second) > 1e-4);
  assert.equal(await largestDifference(first, third), 0);
  using one = await cold.prox(a, undefined, 0.3);
  using two = await cold.prox(a, undefined, 0.3);
  assert.equal(await largestDifference(one, two), 0);
  assert.equal(await largestDifference(one, first), 0);
});

for (const Kind of [TVPrior, TVL1Prior]) {
  onBothDevices(`${Kind.name} of volumes: its value, its slope, and the least cost`, async () => {
    const shape = [1, 2, 3, 4, 5], gamma = 0.2;
    const volume = Plain.random(shape, 4);
    const value = (values: Float32Array) => {
      const plain = new Plain(shape, values);
      return sum(
        Plain.build(shape, (k) => {
          const steps = [2, 3, 4].map((d) =>
            k[d] + 1 < shape[d] ? plain.at(k.map((i, e) => i + Number(e === d))) - plain.at(k) : 0
          );
          return Kind === TVPrior ? Math.hypot(...steps) : sum(steps, Math.abs);
        }).values,
        (v) => v,
      );
    };
    const prior = new Kind({ nItMax: 400 });
    using a = volume.tensor();
    const start = await a.data();
    await assertPlain(await prior.fn(a), new Plain([1], [value(start)]), "fn", 1e-5);
    const gradient = await (await prior.grad(a)).data();
    const direction = Plain.random([120], 7).values;
    const along = (step: number) => value(start.map((v, k) => v + step * direction[k]));
    const slope = (along(1e-4) - along(-1e-4)) / 2e-4;
    const expected = gradient.reduce((total, v, k) => total + v * direction[k], 0);
    assert.ok(Math.abs(slope - expected) < 3e-2 * Math.max(1, Math.abs(slope)), `${slope}, ${expected}`);
    const near = await (await prior.prox(a, undefined, gamma)).data();
    const cost = (z: Float32Array) =>
      gamma * value(z) + sum(z.map((v, k) => (v - start[k]) ** 2 / 2), (v) => v);
    for (let seed = 1; seed <= 20; seed++) {
      const step = Plain.random([120], seed).values;
      assert.ok(cost(near.map((v, k) => v + 0.02 * step[k])) >= cost(near) - 1e-5, "a neighbour betters it");
    }
    using denoised = await new TVDenoiser({ nItMax: 400, crit: 1e-8 }).forward(a, gamma);
    const same = Math.max(...(await denoised.data()).map((v, k) => Math.abs(v - near[k])));
    assert.equal(same < 1e-3, Kind === TVPrior, `${same}`);
    prior.reset();
  });
}

onBothDevices(
  "a prior with a gradient alone has a prox by descent, and every prior that of its conjugate",
  async () => {
    using a = x.tensor();
    const red = new RED({ denoiser: { forward: (z: Tensor) => Promise.resolve(z.mul(0.5)) } });
    const near = Plain.build(SHAPE, (k) => x.at(k) / (1 + 0.2 * 0.5));
    await assertPlain(await red.prox(a, 0.1, 0.2), near, "prox", 2e-3);
    const l1 = new L1Prior(), gamma = 0.7, lamb = 0.4;
    const clipped = Plain.build(SHAPE, (k) => Math.min(lamb, Math.max(-lamb, x.at(k))));
    await assertPlain(await l1.proxConjugate(a, undefined, gamma, lamb), clipped, "conjugate", 1e-5);
  },
);

onBothDevices("RED and ScorePrior: what a denoiser takes away, scaled or not", async () => {
  using a = x.tensor();
  const removed = (v: number) => v - Math.min(1, Math.max(0, v));
  await assertPlain(
    await new RED({ denoiser: CLAMP }).grad(a, 0.5),
    Plain.build(SHAPE, (k) => removed(x.at(k))),
    "RED",
    1e-6,
  );
  const score = new ScorePrior({ denoiser: CLAMP });
  await assertPlain(
    await score.grad(a, 0.5),
    Plain.build(SHAPE, (k) => removed(x.at(k)) / 0.25),
    "grad",
    1e-5,
  );
  await assertPlain(
    await score.score(a, 0.5),
    Plain.build(SHAPE, (k) => -removed(x.at(k)) / 0.25),
    "score",
    1e-5,
  );
  using still = await new RED({ denoiser: IDENTITY }).grad(a, 0.5);
  assert.equal(await still.norm().item(), 0);
  await assert.rejects(() => score.grad(a), /sigmaDenoiser must be a noise level/);
  await assert.rejects(() => score.fn(a), /one with fn, got ScorePrior/);
  assert.throws(() => new RED({ denoiser: {} as typeof CLAMP }), /denoiser must be a Denoiser/);
  assert.throws(() => new L12Prior({ l2Axis: 0 }), /l2Axis/);
});
