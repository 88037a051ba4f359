import { InvalidArgumentError, Tensor, TensorList } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "./leaks.ts";
import { assertPlain, Plain } from "./plain.ts";
import assert from "node:assert/strict";

const SHAPES = [[2, 3], [4], []];

function list(seed: number): { plain: Plain[]; tensors: TensorList } {
  const plain = SHAPES.map((shape, k) => Plain.random(shape, seed + k));
  return { plain, tensors: TensorList.from(plain.map((entry) => entry.tensor())) };
}

onBothDevices("arithmetic works entry by entry, with lists and numbers", async () => {
  const a = list(1), b = list(10);
  using x = a.tensors;
  using y = b.tensors;
  const binary = {
    add: (u: number, v: number) => u + v,
    sub: (u: number, v: number) => u - v,
    mul: (u: number, v: number) => u * v,
    div: (u: number, v: number) => u / v,
  } as const;
  for (const name of Object.keys(binary) as (keyof typeof binary)[]) {
    using withList = x[name](y);
    using withNumber = x[name](3);
    for (const [i, shape] of SHAPES.entries()) {
      const u = a.plain[i], v = b.plain[i];
      await assertPlain(
        withList.get(i),
        Plain.build(shape, (index) => binary[name](u.at(index), v.at(index))),
        name,
        1e-5,
      );
      await assertPlain(
        withNumber.get(i),
        Plain.build(shape, (index) => binary[name](u.at(index), 3)),
        name,
        1e-6,
      );
    }
  }
  using shifted = x.addScaled(y, 2);
  using negative = x.neg();
  using copy = x.clone();
  for (const [i, shape] of SHAPES.entries()) {
    const u = a.plain[i], v = b.plain[i];
    await assertPlain(
      shifted.get(i),
      Plain.build(shape, (index) => u.at(index) + 2 * v.at(index)),
      "axpy",
      1e-6,
    );
    await assertPlain(negative.get(i), Plain.build(shape, (index) => -u.at(index)), "neg");
    await assertPlain(copy.get(i), u, "clone");
  }
});

onBothDevices("length, shapes, entries from both ends, and iteration", () => {
  using x = list(1).tensors;
  assert.equal(x.length, 3);
  assert.equal(x.numel, 11);
  assert.deepEqual(x.shape, SHAPES);
  assert.equal(x.get(-1), x.get(2));
  assert.deepEqual([...x].map((entry) => entry.shape), SHAPES);
  for (const wrong of [3, -4, 0.5, NaN]) assert.throws(() => x.get(wrong), /in \[-3, 2\]/);
  assert.equal(TensorList.from([]).length, 0);
  assert.throws(() => TensorList.from([1 as unknown as Tensor]), /every entry must be a Tensor/);
});

onBothDevices("a list owns its entries, and a failed operation leaves none behind", async () => {
  await assertNothingLeaks(() => {
    using x = list(1).tensors;
    using short = TensorList.from([Tensor.ones([2, 3])]);
    using wrong = TensorList.from([Tensor.ones([2, 3]), Tensor.ones([5]), Tensor.ones([])]);
    const { live } = x.get(0).device.memory();
    assert.throws(() => x.add(short), /TensorList of length 3, got one of length 1/);
    assert.throws(() => x.add(x.get(0) as unknown as TensorList), InvalidArgumentError);
    assert.throws(() => x.add(wrong), InvalidArgumentError);
    assert.equal(x.get(0).device.memory().live, live);
  });
});
