import { mse, psnr, ssim } from "../../src/metrics/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { assertGolden, image, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

onBothDevices("metrics equal deepinv", async () => {
  using p = image(1, 3, 32, 32);
  const ripple = Float32Array.from({ length: p.numel }, (_, m) => 0.1 * Math.sin(2.7 * m));
  using q = p.add(Tensor.from(ripple, p.shape));
  await assertGolden(ssim(q, p), "metric.SSIM", 1e-5);
  await assertGolden(psnr(q, p), "metric.PSNR", 1e-5);
  await assertGolden(mse(q, p), "metric.MSE", 1e-5);
});

onBothDevices("identical images have SSIM 1, inverted ones less than 0, each item its own", async () => {
  using noise = Plain.random([2, 1, 12, 9]).tensor();
  using x = noise.mul(0.2).add(0.5);
  await assertPlain(ssim(x, x), new Plain([2], [1, 1]), "ssim", 1e-5);
  using inverted = x.neg().add(1);
  using mixed = Tensor.cat([x.slice([[0, 1]]), inverted.slice([[1, 2]])]);
  const [same, opposite] = await ssim(mixed, x).data();
  assert.ok(Math.abs(same - 1) < 1e-5 && opposite < 0, `${same} and ${opposite}`);
});

onBothDevices("images that cannot be compared are refused, and nothing stays", async () => {
  using x = Tensor.ones([1, 1, 8, 8]);
  using small = Tensor.ones([1, 1, 5, 8]);
  ssim(x, x).dispose();
  await assertNothingLeaks(() => {
    assert.throws(() => ssim(small, small), /H and W > 5/);
    assert.throws(() => ssim(x, small), /one shape, here \(1, 1, 5, 8\), got \(1, 1, 8, 8\)/);
    assert.throws(() => ssim(x, x, { max: 0 }), /larger than min/);
    ssim(x, x).dispose();
  });
});
