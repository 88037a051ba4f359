import {
  Blur,
  ComposedLinearPhysics,
  Denoising,
  gaussianBlur,
  GaussianNoise,
  InvalidArgumentError,
  type Physics,
  stack,
  StackedLinearPhysics,
  StackedPhysics,
  Tensor,
  TensorList,
} from "../../src/physics/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import { assertAdjoint } from "./adjoint.ts";
import { Squares } from "./toys.ts";
import assert from "node:assert/strict";

function blurs(): Blur[] {
  const paddings = ["circular", "valid", "reflect"] as const;
  return paddings.map((padding, i) => new Blur({ filter: gaussianBlur({ sigma: 0.4 + 0.2 * i }), padding }));
}

onBothDevices("a linear stack lists what its parts measure, and sums their adjoints", async () => {
  const parts = blurs();
  const physics = stack(...parts);
  assert.ok(physics instanceof StackedLinearPhysics);
  assert.equal(physics.length, 3);
  assert.deepEqual([...physics], parts);
  assert.equal(physics.get(-1), parts[2]);
  assert.throws(() => physics.get(3), /in \[-3, 2\]/);
  using x = Plain.random([2, 1, 12, 13]).tensor();
  using y = await physics.A(x);
  using sum = Tensor.zeros(x.shape);
  for (const [i, part] of parts.entries()) {
    using yi = await part.A(x);
    assert.equal(await largestDifference(y.get(i), yi), 0);
    using back = await part.A_adjoint(yi);
    using added = sum.add(back);
    sum.writeSlice(added, [0, 0, 0, 0]);
  }
  using adjoint = await physics.A_adjoint(y);
  using normal = await physics.A_adjoint_A(x);
  assert.ok(await largestDifference(adjoint, sum) < 1e-6);
  assert.ok(await largestDifference(normal, sum) < 1e-6);
  using both = await physics.A_A_adjoint(y);
  using expected = await physics.A(adjoint);
  assert.ok(await largestDifference(both, expected) < 1e-6);
  await assertAdjoint(physics, x, "stack");
});

onBothDevices("nested stacks are taken apart, in order", async () => {
  const [a, b, c] = blurs();
  const nested = stack(a, stack(b, stack(c)));
  assert.deepEqual([...nested], [a, b, c]);
  const mixed = stack(new Squares(), stack(a, b));
  assert.ok(mixed instanceof StackedPhysics);
  assert.equal(mixed.length, 3);
  using x = Tensor.full([1, 1, 8, 8], 0.5);
  using y = await mixed.A(x);
  assert.deepEqual(y.shape.map((shape) => shape.length), [4, 4, 4]);
});

onBothDevices("a non-linear stack has vector-Jacobian products and a descent to an estimate", async () => {
  const physics = stack(new Squares(), new Squares());
  const a = Plain.random([2, 1, 3, 4], 1), v = [2, 3].map((seed) => Plain.random([2, 1, 3, 4], seed));
  using x = a.tensor();
  using vs = TensorList.from(v.map((entry) => entry.tensor()));
  using back = await physics.A_vjp(x, vs);
  const expected = Plain.build(a.shape, (k) => 2 * a.at(k) * (v[0].at(k) + v[1].at(k)));
  await assertPlain(back, expected, "A_vjp", 1e-6);
  using truth = Tensor.full([1, 1, 4, 4], 0.7);
  using y = await physics.A(truth);
  using init = Tensor.ones([1, 1, 4, 4]);
  using estimate = await physics.A_dagger(y, { init, maxIter: 200, tol: 1e-8 });
  assert.ok(await largestDifference(estimate, truth) < 1e-3);
  await assert.rejects(() => physics.A_dagger(y), /options\.init must be a start/);
});

onBothDevices("every part adds its own noise, and nothing else stays", async () => {
  const parts = blurs();
  parts[0].noiseModel = new GaussianNoise({ sigma: 0.1, seed: 1 });
  const physics = stack(...parts);
  using x = Tensor.full([1, 1, 12, 12], 0.5);
  using clean = await physics.A(x);
  const measure = async () => {
    using noisy = await physics.forward(x);
    assert.ok(await largestDifference(noisy.get(0), clean.get(0)) > 0.05);
    assert.equal(await largestDifference(noisy.get(1), clean.get(1)), 0);
  };
  await measure();
  await assertNothingLeaks(measure);
  using spoiled = Tensor.full([1, 1, 12, 12], NaN);
  await assertNothingLeaks(() => assert.rejects(() => physics.forward(spoiled), /144 values that are NaN/));
});

onBothDevices("what is no stack or no measurement of it is refused", async () => {
  assert.throws(() => stack(), /of at least one operator/);
  assert.throws(() => stack({} as unknown as Physics<Tensor>), /every part must be a Physics/);
  const physics = stack(...blurs());
  using x = Tensor.ones([1, 1, 12, 12]);
  using short = TensorList.from([x.clone()]);
  await assert.rejects(() => physics.A_adjoint(short), /length 3, got length 1/);
  await assert.rejects(() => physics.A_adjoint(x as unknown as TensorList), InvalidArgumentError);
  // The second part fails on a small image: what the first one gave is freed. Its passes and tables stay.
  using small = Tensor.ones([1, 1, 3, 3]);
  const attempt = () => assert.rejects(() => physics.A(small), /fits inside/);
  await attempt();
  await assertNothingLeaks(attempt);
});

onBothDevices("a subclass of a stack or a composition says itself how it is cloned", () => {
  class Doubled extends StackedLinearPhysics {
    override async A(x: Tensor): Promise<TensorList> {
      using y = await super.A(x);
      return y.mul(2);
    }
  }
  class Own extends ComposedLinearPhysics {}
  const denoising = new Denoising({ noiseModel: null });
  const message = /Cannot clone a \w+: its class must be \w+ itself, or one that overrides clone/;
  assert.throws(() => new Doubled([denoising]).clone(), message);
  assert.throws(() => new Own([denoising]).clone(), message);
});
