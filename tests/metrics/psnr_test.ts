import { mse, psnr } from "../../src/metrics/mod.ts";
import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import assert from "node:assert/strict";

onBothDevices("identical images have 80 dB", async () => {
  using x = Plain.random([3, 2, 5, 7]).tensor();
  await assertPlain(psnr(x, x), new Plain([3], [80, 80, 80]), "psnr", 1e-6);
});

onBothDevices("mse and psnr of every item equal their definitions", async () => {
  const a = Plain.random([3, 2, 5, 7], 1), b = Plain.random([3, 2, 5, 7], 2);
  const errors = [0, 1, 2].map((item) => {
    const gaps = Plain.build([2, 5, 7], (k) => (a.at([item, ...k]) - b.at([item, ...k])) ** 2).values;
    return Array.from(gaps).reduce((sum, value) => sum + value, 0) / 70;
  });
  using x = a.tensor();
  using y = b.tensor();
  await assertPlain(mse(x, y), new Plain([3], errors), "mse", 1e-6);
  const decibel = (range: number) => errors.map((error) => -10 * Math.log10(error / range ** 2 + 1e-8));
  await assertPlain(psnr(x, y), new Plain([3], decibel(1)), "psnr", 1e-5);
  await assertPlain(psnr(x, y, { min: -1, max: 1 }), new Plain([3], decibel(2)), "psnr of a range", 1e-5);
});

onBothDevices("images that cannot be compared are refused, and nothing stays", async () => {
  using x = Tensor.ones([1, 3, 4, 4]);
  using y = Tensor.ones([1, 1, 4, 4]);
  await assertNothingLeaks(() => {
    assert.throws(() => psnr(x, y), /one shape, here \(1, 1, 4, 4\), got \(1, 3, 4, 4\)/);
    assert.throws(() => psnr(x, x, { max: 0 }), InvalidArgumentError);
    psnr(x, x).dispose();
  });
});
