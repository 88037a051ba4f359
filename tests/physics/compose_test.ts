import {
  Blur,
  compose,
  ComposedLinearPhysics,
  ComposedPhysics,
  Decolorize,
  Denoising,
  Downsampling,
  gaussianBlur,
  GaussianNoise,
  Inpainting,
  LinearPhysics,
  stack,
  Tensor,
  TensorList,
} from "../../src/physics/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertAdjoint } from "./adjoint.ts";
import { Squares } from "./toys.ts";
import assert from "node:assert/strict";

function values(shape: readonly number[], seed: number): Tensor {
  return Tensor.from(randomValues(shape.reduce((n, extent) => n * extent, 1), seed), shape);
}

const blur = () => new Blur({ filter: gaussianBlur({ sigma: 1, psfSize: [3, 5] }), padding: "reflect" });
const sampling = () => new Downsampling({ imgSize: [3, 8, 10], factor: 2 });

onBothDevices(
  "the first operator acts first, the adjoint goes backwards; nested compositions flatten",
  async () => {
    const parts = [blur(), sampling(), new Decolorize()] as const;
    const physics = compose(compose(parts[0], parts[1]), parts[2]);
    assert.ok(physics instanceof ComposedLinearPhysics && physics instanceof LinearPhysics);
    assert.deepEqual([...physics], parts);
    const x = values([2, 3, 8, 10], 1);
    const y = await parts[2].A(await parts[1].A(await parts[0].A(x)));
    assert.equal(await largestDifference(await physics.A(x), y), 0);
    const back = await parts[0].A_adjoint(await parts[1].A_adjoint(await parts[2].A_adjoint(y)));
    assert.equal(await largestDifference(await physics.A_adjoint(y), back), 0);
    await assertAdjoint(physics, x, "composition");
    const solved = await physics.prox_l2(x, y, 2, { maxIter: 100, tol: 1e-6 });
    const left = (await physics.A_adjoint_A(solved)).addScaled(solved, 0.5);
    assert.ok(await largestDifference(left, (await physics.A_adjoint(y)).addScaled(x, 0.5)) < 1e-5);
    const alone = compose(blur());
    assert.equal(await largestDifference(await alone.A(x), await parts[0].A(x)), 0);
  },
);

onBothDevices("noise and sensor are the outermost operator's, masks included", async () => {
  const x = values([1, 3, 8, 10], 2);
  const inner = new Denoising({ noiseModel: new GaussianNoise({ sigma: 9 }) });
  const mask = values([1, 3, 8, 10], 3).greater(0);
  const outer = () =>
    new Inpainting({
      imgSize: [3, 8, 10],
      mask,
      noiseModel: new GaussianNoise({ sigma: 0.1, seed: 3 }),
      sensor: (y) => y.clamp(-0.5, 0.5),
    });
  const physics = compose(inner, outer());
  const y = await physics.forward(x);
  assert.equal(await largestDifference(y, await outer().forward(x)), 0);
  assert.equal(await largestDifference(y, y.mul(mask)), 0);
  physics.update({ sigma: 0 });
  assert.equal(await largestDifference(await physics.forward(x), (await physics.A(x)).clamp(-0.5, 0.5)), 0);
  physics.setNoiseModel(null);
  assert.equal(await largestDifference(await physics.forward(x), (await physics.A(x)).clamp(-0.5, 0.5)), 0);
  const seeded = compose(blur(), outer());
  assert.equal(
    await largestDifference(await seeded.forward(x, { seed: 4 }), await seeded.forward(x, { seed: 4 })),
    0,
  );
});

onBothDevices("a composition that is not linear has the chain rule as its derivative", async () => {
  const physics = compose(blur(), new Squares(), sampling());
  assert.ok(physics instanceof ComposedPhysics);
  const x = values([1, 3, 8, 10], 4), d = values([1, 3, 8, 10], 5);
  const v = values([1, 3, 4, 5], 6);
  const step = 1e-2;
  const ahead = await physics.A(x.addScaled(d, step)), behind = await physics.A(x.addScaled(d, -step));
  const slope = ahead.sub(behind).mul(1 / (2 * step));
  const left = await slope.dot(v).item(), right = await (await physics.A_vjp(x, v)).dot(d).item();
  assert.ok(Math.abs(left - right) < 1e-3 * Math.abs(left), `${left} and ${right}`);
  const clean = await physics.A(x);
  assert.equal(await largestDifference(await physics.forward(x), clean), 0);
});

onBothDevices("a stack may be the outermost operator", async () => {
  const x = values([1, 3, 8, 10], 4);
  const noisy = new Denoising({ noiseModel: new GaussianNoise({ sigma: 0.5 }) });
  const physics = compose(blur(), stack(noisy, sampling()));
  const y = await physics.A(x);
  assert.ok(y instanceof TensorList);
  await assertAdjoint(physics, x, "composition with a stack");
  const measured = await physics.forward(x, { seed: 1 });
  assert.ok(await largestDifference(measured.get(0), y.get(0)) > 0.5);
  assert.equal(await largestDifference(measured.get(1), y.get(1)), 0);
  assert.deepEqual([...physics.parameterNames].sort(), ["filter", "sigma"]);
});

onBothDevices("compositions refuse what is no operator, and leave nothing behind", async () => {
  assert.throws(() => compose(blur(), 3 as never), /every part must be a Physics, got 3/);
  assert.throws(() => new ComposedPhysics([] as never), /at least one operator/);
  const physics = compose(blur(), new Squares(), sampling()), linear = compose(blur(), sampling());
  using x = values([1, 3, 8, 10], 4);
  using y = await linear.A(x);
  (await physics.A(x)).dispose();
  (await physics.A_vjp(x, y)).dispose();
  (await linear.A_adjoint(y)).dispose();
  await assertNothingLeaks(async () => {
    using _A = await physics.A(x);
    using _vjp = await physics.A_vjp(x, y);
    using _forward = await linear.forward(x);
    using _adjoint = await linear.A_adjoint(y);
    await assert.rejects(() => physics.A_vjp(x, x), /its argument must be of shape/);
    await assert.rejects(() => linear.A_adjoint(x), /its argument must be of shape/);
  });
});
