import { InvalidArgumentError, manualSeed, openDevice, Tensor } from "../../src/tensor/mod.ts";
import type { TensorData } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "./plain.ts";
import assert from "node:assert/strict";

onBothDevices("from takes nested lists, flat lists, typed arrays and numbers", async () => {
  await assertPlain(Tensor.from([[1, 2, 3], [4, 5, 6]]), new Plain([2, 3], [1, 2, 3, 4, 5, 6]), "nested");
  await assertPlain(Tensor.from([1, 2, 3, 4], [2, 2]), new Plain([2, 2], [1, 2, 3, 4]), "flat");
  await assertPlain(Tensor.from(Float64Array.of(0.1, 0.2)), new Plain([2], [0.1, 0.2]), "float64");
  await assertPlain(Tensor.from(Uint8Array.of(0, 255), [2, 1]), new Plain([2, 1], [0, 255]), "bytes");
  await assertPlain(Tensor.from(7), new Plain([], [7]), "number");
  await assertPlain(Tensor.from([[], []]), new Plain([2, 0], []), "empty");
  const values = Float32Array.of(1, 2);
  using copy = Tensor.from(values);
  values[0] = 9;
  await assertPlain(copy, new Plain([2], [1, 2]), "a copy");
});

onBothDevices(
  "from refuses ragged data, entries that are no numbers, and shapes that do not fit",
  () => {
    const wrong: unknown[] = [
      [[1, 2], [3]],
      [1, [2]],
      [[[1]], [2]],
      ["a"],
      [null],
      [undefined],
      "text",
      null,
      {},
    ];
    for (const data of wrong) {
      assert.throws(() => Tensor.from(data as TensorData), InvalidArgumentError, JSON.stringify(data));
    }
    assert.throws(() => Tensor.from([1, 2, 3], [2, 2]), /4 values for shape \(2, 2\), got 3 values/);
    for (const shape of [[-1], [1.5], [NaN]]) assert.throws(() => Tensor.zeros(shape), /whole numbers >= 0/);
  },
);

onBothDevices("constants, ranges and items", async () => {
  await assertPlain(Tensor.full([2, 2], -1.5), new Plain([2, 2], [-1.5, -1.5, -1.5, -1.5]), "full");
  await assertPlain(Tensor.ones([3]), new Plain([3], [1, 1, 1]), "ones");
  await assertPlain(Tensor.zeros([0, 3]), new Plain([0, 3], []), "zeros of nothing");
  await assertPlain(Tensor.arange(2, 5), new Plain([3], [2, 3, 4]), "arange");
  await assertPlain(Tensor.arange(1, -1, -0.5), new Plain([4], [1, 0.5, 0, -0.5]), "arange down");
  assert.equal(Tensor.arange(5, 2).numel, 0);
  assert.throws(() => Tensor.arange(0, 1, 0), InvalidArgumentError);
  assert.throws(() => Tensor.arange(0, Infinity), InvalidArgumentError);
  assert.equal(await Tensor.full([1, 1], 4).item(), 4);
  await assert.rejects(() => Tensor.ones([2]).item(), /exactly one value.*\(2\)/);
  await assert.rejects(() => Tensor.ones([0]).item(), InvalidArgumentError);
});

onBothDevices("randn repeats for a seed, continues without one, and is equal on every device", async () => {
  using other = await openDevice("cpu").then((device) => ({
    device,
    [Symbol.dispose]: () => device.close(),
  }));
  const values = await Tensor.randn([2, 501], { seed: 3 }).data();
  assert.deepEqual(await Tensor.randn([2, 501], { seed: 3, device: other.device }).data(), values);
  assert.notDeepEqual(await Tensor.randn([2, 501], { seed: 4 }).data(), values);
  manualSeed(3);
  const first = await Tensor.randn([501]).data(), second = await Tensor.randn([501]).data();
  assert.deepEqual(Float32Array.of(...first, ...second), values);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean) < 0.1 && Math.abs(variance - 1) < 0.15, `mean ${mean}, variance ${variance}`);
  assert.throws(() => Tensor.randn([1], { seed: 0.5 }), InvalidArgumentError);
});
