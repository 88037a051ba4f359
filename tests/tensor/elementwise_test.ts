import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "./plain.ts";
import { assertNothingLeaks } from "./leaks.ts";
import assert from "node:assert/strict";

const BINARY = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  minimum: Math.min,
  maximum: Math.max,
  greater: (a: number, b: number) => Number(a > b),
  greaterEqual: (a: number, b: number) => Number(a >= b),
  equal: (a: number, b: number) => Number(a === b),
} as const;

const UNARY = {
  neg: (a: number) => -a,
  abs: Math.abs,
  sign: Math.sign,
  square: (a: number) => a * a,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  relu: (a: number) => (a < 0 ? 0 : a),
  clone: (a: number) => a,
  nonFinite: (a: number) => Number(!Number.isFinite(a)),
} as const;

const PAIRS: readonly [number[], number[], number[]][] = [
  [[2, 3, 4, 5], [2, 3, 4, 5], [2, 3, 4, 5]],
  [[2, 3, 4, 5], [4, 5], [2, 3, 4, 5]],
  [[2, 3, 4, 5], [2, 1, 1, 1], [2, 3, 4, 5]],
  [[3, 1, 5], [2, 1, 4, 1], [2, 3, 4, 5]],
  [[7], [], [7]],
  [[], [], []],
  [[1, 1], [1], [1, 1]],
  [[0, 3], [1, 3], [0, 3]],
  [[2, 0], [1], [2, 0]],
];

onBothDevices("two operands broadcast in every elementwise operation", async () => {
  for (const [left, right, shape] of PAIRS) {
    const a = Plain.random(left, 1), b = Plain.random(right, 2);
    using x = a.tensor();
    using y = b.tensor();
    for (const name of Object.keys(BINARY) as (keyof typeof BINARY)[]) {
      using result = x[name](y);
      const expected = Plain.build(shape, (index) => BINARY[name](a.at(index), b.at(index)));
      await assertPlain(result, expected, `${name} of (${left}) and (${right})`, 1e-6);
    }
    using scaled = x.addScaled(y, -0.5);
    await assertPlain(scaled, Plain.build(shape, (index) => a.at(index) - 0.5 * b.at(index)), "axpy", 1e-6);
  }
});

onBothDevices("numbers are operands too", async () => {
  const a = new Plain([5], [-2, -0.5, 0, 0.5, 2]);
  using x = a.tensor();
  for (const name of Object.keys(BINARY) as (keyof typeof BINARY)[]) {
    using result = x[name](0.5);
    await assertPlain(result, Plain.build([5], (index) => BINARY[name](a.at(index), 0.5)), name, 1e-6);
  }
  using third = x.div(3);
  await assertPlain(third, Plain.build([5], (index) => a.at(index) / 3), "div", 1e-6);
});

onBothDevices("unary operations, with NaN, infinities and empty tensors", async () => {
  const special = new Plain([9], [NaN, Infinity, -Infinity, 0, -1, 1, 0.25, -7.5, 1e-3]);
  for (const a of [special, Plain.random([2, 3, 5, 7]), Plain.random([0, 4]), Plain.random([])]) {
    using x = a.tensor();
    for (const name of Object.keys(UNARY) as (keyof typeof UNARY)[]) {
      using result = x[name]();
      await assertPlain(result, Plain.build(a.shape, (index) => UNARY[name](a.at(index))), name, 2e-6);
    }
  }
});

onBothDevices("NaN passes through minimum, maximum and clamp", async () => {
  using x = Tensor.from([NaN, 1, NaN]);
  using y = Tensor.from([2, NaN, NaN]);
  const nans = new Plain([3], [NaN, NaN, NaN]);
  using least = x.minimum(y);
  using most = x.maximum(y);
  await assertPlain(least, nans, "minimum");
  await assertPlain(most, nans, "maximum");
  using clamped = Tensor.from([NaN, -3, 3, Infinity]).clamp(-1, 2);
  await assertPlain(clamped, new Plain([4], [NaN, -1, 2, 2]), "clamp");
});

onBothDevices("clamp may be open at either side, and refuses limits out of order", async () => {
  using x = Tensor.from([-3, 0, 3]);
  using above = x.clamp(-1);
  await assertPlain(above, new Plain([3], [-1, 0, 3]), "from below");
  using below = x.clamp(undefined, 1);
  await assertPlain(below, new Plain([3], [-3, 0, 1]), "from above");
  assert.throws(() => x.clamp(1, 0), InvalidArgumentError);
  assert.throws(() => x.clamp(NaN, 0), InvalidArgumentError);
});

onBothDevices("where takes from three broadcast operands", async () => {
  const c = new Plain([2, 1, 3], [1, 0, -2, 0, 0, NaN]);
  const a = Plain.random([4, 1], 1), b = Plain.random([2, 4, 3], 2);
  using condition = c.tensor();
  using x = a.tensor();
  using y = b.tensor();
  using result = condition.where(x, y);
  const pick = (index: readonly number[]) => (c.at(index) !== 0 ? a.at(index) : b.at(index));
  await assertPlain(result, Plain.build([2, 4, 3], pick), "where");
  using constants = Tensor.where(condition, 5, -5);
  await assertPlain(constants, Plain.build([2, 1, 3], (index) => (c.at(index) !== 0 ? 5 : -5)), "constants");
});

onBothDevices("six dimensions work, and transposed operands of an operation stay apart", async () => {
  const a = Plain.random([2, 1, 3, 1, 2, 2], 3), b = Plain.random([1, 2, 1, 3, 1, 2], 4);
  using x = a.tensor();
  using y = b.tensor();
  using result = x.mul(y);
  const shape = [2, 2, 3, 3, 2, 2];
  await assertPlain(result, Plain.build(shape, (index) => a.at(index) * b.at(index)), "6-d", 1e-6);
});

onBothDevices(
  "shapes that do not broadcast, and operands that are none, are refused without a leak",
  async () => {
    using x = Tensor.ones([2, 3]);
    using y = Tensor.ones([2, 4]);
    await assertNothingLeaks(() => {
      assert.throws(() => x.add(y), /equal or 1 in every dimension.*\(2, 3\) and \(2, 4\)/);
      assert.throws(() => Tensor.where(x, y, 1), InvalidArgumentError);
      assert.throws(() => x.mul("2" as unknown as number), /must be a Tensor, got 2/);
      assert.throws(() => x.add(undefined as unknown as Tensor), InvalidArgumentError);
    });
  },
);
