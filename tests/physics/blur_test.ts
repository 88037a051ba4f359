import { Blur, type BlurPadding, DeviceError, gaussianBlur, InvalidArgumentError } from "../../mod.ts";
import { Tensor } from "../../mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { convolved, drawer, randomFilter } from "./direct_blur.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";
import assert from "node:assert/strict";

const PADDINGS = ["valid", "circular", "reflect", "replicate", "constant"] as const satisfies BlurPadding[];

const SIDES = [1, 2, 3, 5, 7, 8, 11, 13, 16, 17, 23, 31];

for (const padding of PADDINGS) {
  onBothDevices(
    `Blur with padding ${padding}: equal to its definition and to its adjoint, 20 random shapes`,
    async () => {
      const draw = drawer(PADDINGS.indexOf(padding) + 7);
      for (let trial = 0; trial < 20; trial++) {
        const [batch, channels] = [draw(1, 3), draw(1, 3)];
        const sides = [0, 1].map(() => SIDES[draw(0, SIDES.length - 1)]);
        const taps = sides.map((side) => {
          if (padding === "valid") return draw(1, Math.min(side, 9));
          if (padding === "reflect") return draw(1, Math.min(2 * side - 1, 9));
          return draw(1, 9);
        });
        const filterShape = [draw(0, 1) ? batch : 1, draw(0, 1) ? channels : 1, ...taps];
        const h = randomFilter(filterShape, trial % 2 === 0, trial + 1);
        const x = Plain.random([batch, channels, ...sides], trial + 100);
        using filter = h.tensor();
        using image = x.tensor();
        const blur = new Blur({ filter, padding });
        using y = await blur.A(image);
        const what = `image (${x.shape}), filter (${filterShape})`;
        await assertPlain(y, convolved(x, h, padding), what, 1e-5);
        await assertAdjoint(blur, image, what);
      }
    },
  );
}

onBothDevices("a filter larger than the image wraps around, repeats the border and meets zeros", async () => {
  for (const padding of ["circular", "replicate", "constant"] as const) {
    const h = Plain.random([1, 1, 9, 14], 3), x = Plain.random([2, 1, 4, 3], 4);
    using filter = h.tensor();
    using image = x.tensor();
    const blur = new Blur({ filter, padding });
    using y = await blur.A(image);
    await assertPlain(y, convolved(x, h, padding), padding, 1e-5);
    await assertAdjoint(blur, image, padding);
  }
  using filter = Tensor.ones([1, 1, 9, 9]);
  using image = Tensor.ones([1, 1, 4, 4]);
  const mirrored = new Blur({ filter, padding: "reflect" });
  await assert.rejects(() => mirrored.A(image), /whole numbers in \[0, 3\] for an axis of 4/);
  await assert.rejects(() => new Blur({ filter }).A(image), /fits inside it/);
});

onBothDevices("a constant image stays constant where the border is continued", async () => {
  using filter = gaussianBlur({ sigma: [1.5, 0.7], angle: 30 });
  using image = Tensor.full([1, 2, 17, 15], 0.7);
  for (const padding of ["valid", "circular", "reflect", "replicate"] as const) {
    using y = await new Blur({ filter, padding }).A(image);
    await assertPlain(y, Plain.build(y.shape, () => 0.7), padding, 1e-5);
  }
});

onBothDevices("filters and images that do not fit are refused, with what to do", async () => {
  using flat = Tensor.ones([3, 3]);
  assert.throws(() => new Blur({ filter: flat }), /filter\.reshape\(\[1, 1, h, w\]\)\), got shape \(3, 3\)/);
  assert.throws(() => new Blur({ filter: null as unknown as Tensor }), /got null/);
  using empty = Tensor.ones([1, 1, 0, 3]);
  assert.throws(() => new Blur({ filter: empty }), InvalidArgumentError);
  using filter = Tensor.ones([1, 3, 3, 3]);
  const unknown = { filter, padding: "mirror" as BlurPadding };
  assert.throws(() => new Blur(unknown), /one of "valid", "constant".*got "mirror"/);
  const blur = new Blur({ filter, padding: "circular" });
  for (const shape of [[1, 2, 8, 8], [3, 8, 8], [1, 3, 8, 8, 1]]) {
    using image = Tensor.ones(shape);
    await assert.rejects(() => blur.A(image), /apply Blur\.A: the image must be/);
    await assert.rejects(() => blur.A_adjoint(image), /apply Blur\.A_adjoint/);
  }
  using spoiled = Tensor.from([[[[1, NaN], [0, 1]]]]);
  using image = Tensor.ones([1, 1, 4, 4]);
  await assert.rejects(() => new Blur({ filter: spoiled }).A(image), /NaN or infinite/);
  const gone = Tensor.ones([1, 1, 2, 2]);
  const late = new Blur({ filter: gone });
  gone.dispose();
  await assert.rejects(() => late.A(image), DeviceError);
});

onBothDevices("A and its adjoint leave nothing behind but their result", async () => {
  using filter = gaussianBlur({ sigma: 1 });
  using image = Tensor.ones([1, 1, 16, 16]);
  for (const padding of PADDINGS) {
    const blur = new Blur({ filter, padding });
    const both = async () => {
      using y = await blur.A(image);
      using _ = await blur.A_adjoint(y);
    };
    await both(); // the two passes and the tables stay
    await assertNothingLeaks(both);
  }
});

onBothDevices("two passes and one give the same result", async () => {
  using filter = gaussianBlur({ sigma: 2, psfSize: [8, 11] });
  const values = await filter.data();
  values[0] += 1e-4; // no longer of rank one
  using other = Tensor.from(values, filter.shape);
  using image = Plain.random([2, 3, 21, 18]).tensor();
  using separable = await new Blur({ filter, padding: "circular" }).A(image);
  using direct = await new Blur({ filter: other, padding: "circular" }).A(image);
  assert.ok(await relativeGap(separable, direct) < 1e-3);
  assert.ok(await relativeGap(separable, direct) > 1e-6);
});
