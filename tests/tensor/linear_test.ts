import type { ConvolveKernel } from "../../src/compute/kernel.ts";
import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { convolveReference, correlateReference } from "../compute/oracle.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "./plain.ts";
import assert from "node:assert/strict";

onBothDevices("matmul of matrices and of batches", async () => {
  for (
    const [m, k, n, ...lead] of [[3, 4, 5], [1, 1, 1], [2, 7, 3, 2, 3], [4, 0, 2], [0, 3, 2], [17, 33, 9, 2]]
  ) {
    const a = Plain.random([...lead, m, k], 1), b = Plain.random([...lead, k, n], 2);
    using x = a.tensor();
    using y = b.tensor();
    using z = x.matmul(y);
    const expected = Plain.build([...lead, m, n], (index) => {
      const batch = index.slice(0, -2), [i, j] = index.slice(-2);
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a.at([...batch, i, l]) * b.at([...batch, l, j]);
      return sum;
    });
    await assertPlain(z, expected, `(${[...lead, m, k]}) (${[...lead, k, n]})`, 1e-6);
  }
  using x = Tensor.ones([2, 3]);
  for (const wrong of [[2, 3], [3], [1, 3, 2]]) {
    assert.throws(() => x.matmul(Tensor.ones(wrong)), InvalidArgumentError);
  }
});

const LAYERS = [
  { inChannels: 3, outChannels: 4, kernelHeight: 3, kernelWidth: 3, stride: 1, padding: 1, groups: 1 },
  { inChannels: 4, outChannels: 6, kernelHeight: 3, kernelWidth: 2, stride: 2, padding: 0, groups: 2 },
  { inChannels: 2, outChannels: 2, kernelHeight: 5, kernelWidth: 4, stride: 3, padding: 2, groups: 2 },
  { inChannels: 1, outChannels: 1, kernelHeight: 1, kernelWidth: 1, stride: 1, padding: 0, groups: 1 },
];

onBothDevices("conv2d and convTranspose2d equal their definitions", async () => {
  for (const layer of LAYERS) {
    for (const transposed of [false, true]) {
      const kernel: ConvolveKernel = {
        kind: "convolve",
        batch: 2,
        height: 7,
        width: 6,
        transposed,
        ...layer,
      };
      const { stride, padding, groups, inChannels, outChannels } = layer;
      const x = Plain.random([2, inChannels, 7, 6], 1);
      const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
      const w = Plain.random([...channels, layer.kernelHeight, layer.kernelWidth], 2);
      using input = x.tensor();
      using weights = w.tensor();
      const options = { stride, padding, groups };
      using y = transposed ? input.convTranspose2d(weights, options) : input.conv2d(weights, options);
      const values = convolveReference(
        kernel,
        Float32Array.from(x.values),
        Float32Array.from(w.values),
      );
      await assertPlain(y, new Plain(y.shape, values), JSON.stringify(kernel), 1e-5);
    }
  }
});

onBothDevices("a transposed layer is the adjoint of the layer", async () => {
  using weights = Plain.random([4, 3, 3, 3], 3).tensor();
  using x = Plain.random([2, 3, 9, 7], 1).tensor();
  const options = { stride: 2, padding: 1 };
  using y = x.conv2d(weights, options);
  using v = Plain.random(y.shape, 2).tensor();
  using back = v.convTranspose2d(weights, options);
  assert.deepEqual(back.shape, x.shape);
  assert.ok(Math.abs(await y.dot(v).item() - await x.dot(back).item()) < 1e-4);
});

onBothDevices("correlate takes filters per item, per channel and shared", async () => {
  for (const [filterBatch, filterChannels] of [[1, 1], [2, 1], [1, 3], [2, 3]]) {
    for (const [filterHeight, filterWidth] of [[3, 4], [1, 1], [6, 5]]) {
      for (const flip of [false, true]) {
        const x = Plain.random([2, 3, 6, 5], 1);
        const h = Plain.random([filterBatch, filterChannels, filterHeight, filterWidth], 2);
        using input = x.tensor();
        using filter = h.tensor();
        using y = input.correlate(filter, { flip });
        const sizes = { batch: 2, channels: 3, height: 6, width: 5, filterBatch, filterChannels };
        const values = correlateReference(
          { kind: "correlate", ...sizes, filterHeight, filterWidth, flip },
          Float32Array.from(x.values),
          Float32Array.from(h.values),
        );
        const expected = new Plain([2, 3, 7 - filterHeight, 6 - filterWidth], values);
        await assertPlain(y, expected, `filter (${h.shape}), flip ${flip}`, 1e-6);
      }
    }
  }
});

onBothDevices("layers and filters that do not fit are refused", () => {
  using x = Tensor.ones([1, 4, 5, 5]);
  using w = Tensor.ones([2, 4, 3, 3]);
  assert.throws(() => x.conv2d(Tensor.ones([2, 3, 3, 3])), /\(O, C\/groups, h, w\)/);
  assert.throws(() => x.conv2d(w, { groups: 2 }), InvalidArgumentError);
  assert.throws(() => x.conv2d(w, { groups: 1.5 }), InvalidArgumentError);
  assert.throws(() => x.conv2d(w, { stride: 0 }), /stride must be/);
  assert.throws(() => x.conv2d(w, { padding: -1 }), /padding must be/);
  assert.throws(() => x.conv2d(Tensor.ones([2, 4, 6, 6])), /no larger than the padded input/);
  assert.throws(() => x.convTranspose2d(w), InvalidArgumentError);
  assert.throws(
    () => x.convTranspose2d(Tensor.ones([4, 2, 1, 1]), { padding: 3 }),
    /larger than the padding/,
  );
  assert.throws(() => x.correlate(Tensor.ones([1, 1, 6, 1])), /h <= H/);
  assert.throws(() => x.correlate(Tensor.ones([1, 3, 2, 2])), InvalidArgumentError);
  assert.throws(() => x.correlate(Tensor.ones([3, 3])), InvalidArgumentError);
});
