import {
  defaultDevice,
  type Device,
  DeviceError,
  openDevice,
  OutOfMemoryError,
  setDefaultDevice,
  Tensor,
} from "../../src/tensor/mod.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks, collectGarbage } from "./leaks.ts";
import assert from "node:assert/strict";

onBothDevices("dispose frees once, using frees at the end of the scope", async () => {
  await assertNothingLeaks(async () => {
    using x = Tensor.ones([100]);
    const y = x.add(1);
    y.dispose();
    y.dispose();
    assert.throws(() => y.add(1), DeviceError);
    assert.throws(() => x.add(y), /disposed/);
    assert.throws(() => y.device, /disposed/);
    await assert.rejects(() => y.data(), /disposed/);
    assert.deepEqual(y.shape, [100]);
  });
});

onBothDevices("memory that tensors share is freed with the last of them", async () => {
  await assertNothingLeaks(async () => {
    const x = Tensor.arange(0, 6);
    const y = x.reshape([2, 3]);
    x.dispose();
    assert.deepEqual([...await y.data()], [0, 1, 2, 3, 4, 5]);
    y.dispose();
  });
});

onBothDevices("an operation leaves nothing behind but its result", async () => {
  using x = Tensor.randn([2, 3, 4, 5], { seed: 1 });
  using h = Tensor.ones([1, 1, 2, 2]);
  const operations: (() => Tensor)[] = [
    () => x.div(2),
    () => x.where(1, 0),
    () => x.mean([0, 2]),
    () => x.norm([0]),
    () => x.dot(x, [1]),
    () => x.pad([[1, 1], [1, 1], [2, 2]], "circular"),
    () => x.roll(2, 1),
    () => x.correlate(h),
    () => Tensor.stack([x, x], 1),
    () => x.reshape([-1]),
  ];
  for (const operation of operations) operation().dispose(); // devices keep what they upload for tables
  for (const operation of operations) await assertNothingLeaks(() => operation().dispose());
});

onBothDevices("tensors of two devices do not mix", () => {
  const other = new CpuDevice();
  using x = Tensor.ones([2]);
  const y = Tensor.ones([2], { device: other });
  assert.throws(() => x.add(y), /different devices/);
  assert.throws(() => Tensor.cat([x, y]), /different devices/);
  assert.throws(() => x.dot(y), DeviceError);
  using there = Tensor.zeros([3], y);
  assert.equal(there.device, other);
  other.close();
});

onBothDevices("nothing can be done on a closed device, except to let go of its tensors", async () => {
  const device = await openDevice(defaultDevice().kind === "webgpu" ? "gpu" : "cpu");
  const x = Tensor.ones([4], { device });
  device.close();
  device.close();
  assert.throws(() => x.add(1), DeviceError);
  await assert.rejects(async () => await x.data(), DeviceError);
  assert.throws(() => Tensor.ones([1], { device }), DeviceError);
  x.dispose();
});

onBothDevices("a result that does not fit the budget takes nothing with it", () => {
  const device: Device = new CpuDevice({ memoryBudget: 4096 });
  using x = Tensor.ones([512], { device });
  using column = x.reshape([512, 1]);
  const { live } = device.memory();
  assert.throws(() => x.mul(column), OutOfMemoryError);
  assert.throws(() => Tensor.cat([x, x, x]), OutOfMemoryError);
  assert.throws(() => x.expand([9, 512]), OutOfMemoryError);
  assert.throws(() => x.pad([[300, 300]], "circular"), OutOfMemoryError);
  assert.equal(device.memory().live, live);
});

Deno.test("without a device a tensor says what to do", () => {
  setDefaultDevice(undefined);
  assert.throws(() => Tensor.ones([1]), /create a DistributedContext first, or call setDefaultDevice/);
  assert.throws(() => Tensor.from([1]), DeviceError);
});

onBothDevices(
  "tensors that were dropped are freed, and may be found after their device was closed",
  async () => {
    const device = await openDevice(defaultDevice().kind === "webgpu" ? "gpu" : "cpu");
    const drop = () => void Tensor.ones([1000], { device });
    for (let i = 0; i < 8; i++) drop();
    await collectGarbage();
    assert.equal(device.memory().live, 0);
    drop();
    device.close();
    await collectGarbage();
  },
);
