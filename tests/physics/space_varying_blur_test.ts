import assert from "node:assert/strict";
import { Blur, type BlurPadding, SpaceVaryingBlur, Tensor } from "../../src/physics/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";
import { convolved } from "./direct_blur.ts";

/** sum_k h_k * (w_k x) by its definition. */
function expected(x: Plain, filters: Plain, multipliers: Plain, padding: BlurPadding): Plain {
  const entry = (stack: Plain, k: number) =>
    Plain.build(
      [...stack.shape.slice(0, 2), ...stack.shape.slice(3)],
      ([b, c, ...rest]) => stack.at([b, c, k, ...rest]),
    );
  const parts = Array.from({ length: filters.shape[2] }, (_, k) => {
    const weight = entry(multipliers, k);
    return convolved(Plain.build(x.shape, (n) => x.at(n) * weight.at(n)), entry(filters, k), padding);
  });
  return Plain.build(parts[0].shape, (n) => parts.reduce((sum, part) => sum + part.at(n), 0));
}

const TASKS = [
  { x: [2, 3, 9, 7], filters: [1, 1, 2, 3, 4], multipliers: [1, 1, 2, 9, 7] },
  { x: [1, 2, 5, 11], filters: [1, 2, 3, 5, 2], multipliers: [1, 1, 3, 5, 11] },
  { x: [3, 2, 8, 6], filters: [3, 1, 1, 3, 3], multipliers: [3, 2, 1, 8, 6] },
  { x: [1, 2, 4, 5, 6], filters: [1, 1, 2, 2, 3, 3], multipliers: [1, 2, 2, 4, 5, 6] },
];

onBothDevices("a space-varying blur is its definition, for five paddings and both ways to blur", async () => {
  for (const padding of ["valid", "circular", "reflect", "replicate", "constant"] as const) {
    for (const [seed, shapes] of TASKS.entries()) {
      const x = Plain.random(shapes.x, seed + 1);
      const h = Plain.random(shapes.filters, seed + 20), w = Plain.random(shapes.multipliers, seed + 40);
      using filters = h.tensor();
      using multipliers = w.tensor();
      using image = x.tensor();
      for (const useFft of [false, true]) {
        const blur = new SpaceVaryingBlur({ filters, multipliers, padding, useFft });
        using y = await blur.A(image);
        const what = `${padding}, (${shapes.x}), ${useFft}`;
        await assertPlain(y, expected(x, h, w, padding), what, 1e-5);
        await assertAdjoint(blur, image, what);
      }
    }
  }
});

onBothDevices("equal filters and weights of sum one make a blur; parameters can be replaced", async () => {
  using filter = Plain.random([1, 1, 3, 3], 1).tensor();
  using image = Plain.random([1, 2, 8, 9], 2).tensor();
  using half = Tensor.full([1, 1, 2, 8, 9], 0.5);
  using filters = Tensor.stack([filter, filter], 2);
  const varying = new SpaceVaryingBlur({ filters, multipliers: half, padding: "reflect" });
  using y = await new Blur({ filter, padding: "reflect" }).A(image);
  assert.ok(await relativeGap(await varying.A(image), y) < 1e-6);
  using whole = Tensor.ones([1, 1, 2, 8, 9]);
  varying.update({ multipliers: whole });
  assert.ok(await relativeGap(await varying.A(image), y.mul(2)) < 1e-6);
  const copy = varying.clone();
  varying.update({ filters: filters.mul(3) });
  assert.ok(await relativeGap(await varying.A(image), y.mul(6)) < 1e-6);
  assert.ok(await relativeGap(await copy.A(image), y.mul(2)) < 1e-6);
  const both = async () => {
    using z = await copy.A(image);
    using _ = await copy.A_adjoint(z);
  };
  await both();
  await assertNothingLeaks(both);
});

onBothDevices("filters, multipliers and images that do not fit are refused", async () => {
  using filters = Tensor.ones([1, 1, 2, 3, 3]);
  using multipliers = Tensor.ones([1, 1, 2, 8, 9]);
  const build = (options: object) => () => new SpaceVaryingBlur({ filters, multipliers, ...options });
  assert.throws(build({ filters: Tensor.ones([1, 2, 3, 3]) }), /filters must be .* got shape \(1, 2, 3, 3\)/);
  assert.throws(
    build({ multipliers: Tensor.ones([1, 1, 3, 8, 9]) }),
    /multipliers must be .*\(1\|B, 1\|C, 2, H, W\)/,
  );
  assert.throws(build({ padding: "mirror" }), /padding/);
  const blur = new SpaceVaryingBlur({ filters, multipliers });
  await assert.rejects(
    () => blur.A(Tensor.ones([1, 1, 9, 8])),
    /of shape \(B, C, 8, 9\), got \(1, 1, 9, 8\)/,
  );
  await assert.rejects(() => blur.A_adjoint(Tensor.ones([1, 1, 8, 9])), /of shape \(B, C, 6, 7\)/);
  assert.throws(() => blur.update({ multipliers: Tensor.ones([1, 1, 1, 8, 9]) }), /multipliers/);
});
