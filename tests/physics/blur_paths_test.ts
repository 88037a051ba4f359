import assert from "node:assert/strict";
import { Blur, BlurFFT, type BlurPadding, Tensor } from "../../src/physics/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";
import { convolved, drawer, randomFilter } from "./direct_blur.ts";

const PADDINGS = ["valid", "circular", "reflect", "replicate", "constant"] as const satisfies BlurPadding[];

/** A task that fits the padding: extents of images and filters for `dims` spatial axes. */
function drawTask(padding: BlurPadding, dims: number, draw: (from: number, to: number) => number) {
  const [batch, channels] = [draw(1, 3), draw(1, 3)];
  const sides = Array.from({ length: dims }, () => [1, 2, 3, 5, 7, 8, 11, 13][draw(0, 7)]);
  const taps = sides.map((side) => {
    if (padding === "valid") return draw(1, Math.min(side, 5));
    if (padding === "reflect") return draw(1, Math.min(2 * side - 1, 5));
    return draw(1, 5);
  });
  const filterShape = [draw(0, 1) ? batch : 1, draw(0, 1) ? channels : 1, ...taps];
  return { shape: [batch, channels, ...sides], filterShape };
}

for (const padding of PADDINGS) {
  onBothDevices(`${padding}: every way to blur images is the definition, forward and backward`, async () => {
    const draw = drawer(PADDINGS.indexOf(padding) + 70);
    for (let trial = 0; trial < 10; trial++) {
      const { shape, filterShape } = drawTask(padding, 2, draw);
      const h = randomFilter(filterShape, trial % 2 === 0, trial + 1), x = Plain.random(shape, trial + 100);
      using filter = h.tensor();
      using image = x.tensor();
      const fourier = new Blur({ filter, padding, useFft: true });
      const spatial = new Blur({ filter, padding, useFft: false });
      const what = `image (${shape}), filter (${filterShape})`;
      using y = await fourier.A(image);
      using other = await spatial.A(image);
      await assertPlain(y, convolved(x, h, padding), what, 1e-5);
      assert.ok(await relativeGap(y, other) < 1e-5, what);
      using back = await fourier.A_adjoint(y);
      using otherBack = await spatial.A_adjoint(y);
      assert.ok(await relativeGap(back, otherBack) < 1e-5, `adjoint, ${what}`);
      await assertAdjoint(fourier, image, what);
    }
  });

  onBothDevices(`${padding}: every way to blur volumes is the definition, forward and backward`, async () => {
    const draw = drawer(PADDINGS.indexOf(padding) + 90);
    for (let trial = 0; trial < 6; trial++) {
      const { shape, filterShape } = drawTask(padding, 3, draw);
      const h = randomFilter(filterShape, trial % 2 === 0, trial + 1), x = Plain.random(shape, trial + 100);
      using filter = h.tensor();
      using volume = x.tensor();
      const what = `volume (${shape}), filter (${filterShape})`;
      for (const useFft of [false, true]) {
        const blur = new Blur({ filter, padding, useFft });
        using y = await blur.A(volume);
        await assertPlain(y, convolved(x, h, padding), `${what}, ${useFft}`, 1e-5);
        await assertAdjoint(blur, volume, `${what}, ${useFft}`);
      }
    }
  });
}

onBothDevices("a filter much larger than the image, by transforms", async () => {
  for (const padding of ["circular", "replicate", "constant"] as const) {
    const h = Plain.random([1, 1, 9, 14], 3), x = Plain.random([2, 1, 4, 3], 4);
    using filter = h.tensor();
    using image = x.tensor();
    const blur = new Blur({ filter, padding, useFft: true });
    using y = await blur.A(image);
    await assertPlain(y, convolved(x, h, padding), padding, 1e-5);
    await assertAdjoint(blur, image, padding);
  }
});

onBothDevices(
  "large filters: the ways agree at 1e-5 on sizes that are prime, odd and of three channels",
  async () => {
    for (
      const [channels, height, width, padding] of [[3, 97, 64, "reflect"], [1, 128, 128, "circular"]] as const
    ) {
      using filter = randomFilter([1, 1, 31, 30], false, 5).tensor();
      using image = Plain.random([1, channels, height, width], 6).tensor();
      const [direct, fourier, chosen] = [false, true, undefined].map((useFft) =>
        new Blur({ filter, padding, useFft })
      );
      using y = await direct.A(image);
      using back = await direct.A_adjoint(y);
      for (const blur of [fourier, chosen]) {
        using other = await blur.A(image);
        assert.ok(await relativeGap(other, y) < 1e-5);
        using otherBack = await blur.A_adjoint(y);
        assert.ok(await relativeGap(otherBack, back) < 1e-5);
      }
    }
  },
);

onBothDevices("many image sizes with one blur leave nothing behind but the latest plans", async () => {
  using filter = randomFilter([1, 1, 5, 5], false, 7).tensor();
  const blur = new Blur({ filter, padding: "reflect", useFft: true });
  const visit = async (side: number) => {
    using image = Tensor.ones([1, 1, side, side]);
    using y = await blur.A(image);
    using _ = await blur.A_adjoint(y);
  };
  for (const side of [8, 9, 10, 11, 12]) await visit(side);
  await visit(12);
  await assertNothingLeaks(() => visit(12));
});

onBothDevices(
  "BlurFFT of volumes equals the circular blur; its proximal operator solves the system",
  async () => {
    for (const filterShape of [[1, 1, 3, 4, 5], [2, 3, 2, 2, 3]]) {
      using filter = randomFilter(filterShape, false, 8).tensor();
      using x = Plain.random([2, 3, 5, 6, 7], 9).tensor();
      const transform = new BlurFFT({ imgSize: [3, 5, 6, 7], filter });
      const blur = new Blur({ filter, padding: "circular" });
      using y = await transform.A(x);
      assert.ok(await relativeGap(y, await blur.A(x)) < 1e-5);
      await assertAdjoint(transform, x, String(filterShape));
      using solution = await transform.prox_l2(x, y, 0.7);
      using normal = await transform.A_adjoint_A(solution);
      using left = normal.addScaled(solution, 1 / 0.7);
      using data = await transform.A_adjoint(y);
      using right = data.addScaled(x, 1 / 0.7);
      assert.ok(await relativeGap(left, right) < 1e-5);
    }
    using flat = Tensor.ones([1, 1, 3, 3]);
    assert.throws(() => new BlurFFT({ imgSize: [1, 4, 4, 4], filter: flat }), /\(1\|B, 1\|1, d, h, w\)/);
  },
);

onBothDevices("what a blur of volumes refuses", async () => {
  using filter = Tensor.ones([1, 1, 2, 3, 3]);
  const blur = new Blur({ filter });
  await assert.rejects(() => blur.A(Tensor.ones([1, 1, 8, 8])), /\(B, C, D, H, W\) matching the filter/);
  await assert.rejects(() => blur.A(Tensor.ones([1, 1, 1, 8, 8])), /fits inside it/);
  assert.throws(() => new Blur({ filter, useFft: "yes" as unknown as boolean }), /useFft must be/);
});
