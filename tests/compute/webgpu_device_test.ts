import assert from "node:assert/strict";
import { OutOfMemoryError } from "../../src/compute/errors.ts";
import { findAdapter, requestLargestDevice } from "../../src/compute/webgpu/adapter.ts";
import { sizeClass } from "../../src/compute/webgpu/buffer_pool.ts";
import { CommandQueue } from "../../src/compute/webgpu/command_queue.ts";
import { openWebGpuDevice } from "../../src/compute/webgpu/device.ts";
import { Params, type Program } from "../../src/compute/webgpu/dispatch.ts";
import { ErrorMonitor } from "../../src/compute/webgpu/error_monitor.ts";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import type { Kernel, MapKernel } from "../../src/compute/kernel.ts";
import { Readback } from "../../src/compute/webgpu/readback.ts";
import { GpuResource } from "../../src/compute/webgpu/resource_pool.ts";
import { randomValues, upload } from "./oracle.ts";
import { gpuTest, ignore, openDevice } from "./webgpu_open.ts";
import { openDevice as openChosen } from "../../src/compute/open.ts";

function affine(length: number, s: number, t: number): MapKernel {
  const view = { offset: 0, strides: [1] };
  return { kind: "map", fn: "affine", shape: [length], inputs: [view], output: view, scalars: [s, t] };
}

gpuTest("a software adapter is opened only when it is allowed", async (device) => {
  const found = await findAdapter();
  assert.equal(found.name, device.name);
  assert.equal(device.isSoftwareAdapter, found.class === "software");
  const plain = await openWebGpuDevice();
  assert.equal(plain === undefined, found.class === "software");
  plain?.close();
});

Deno.test("size classes hold their length, waste at most an eighth, and are multiples of 256 bytes", () => {
  for (let length = 1; length < 1e8; length = Math.ceil(length * 1.37)) {
    const bytes = sizeClass(length);
    assert.ok(bytes >= length * 4 && bytes % 256 === 0);
    assert.ok(bytes <= Math.max(length * 4 * 1.125, length * 4 + 256));
  }
  assert.equal(sizeClass(0), 256);
});

gpuTest("write and read: offsets, order with queued work, lengths across staging sizes", async (device) => {
  for (const length of [0, 1, 5, 16384, 16385, 300_000, 5_000_000]) {
    const values = randomValues(length);
    const buffer = upload(device, values);
    assert.deepEqual(await device.read(buffer), values);
    device.release(buffer);
  }
  const buffer = upload(device, new Float32Array([1, 2, 3, 4]));
  device.run(affine(4, 10, 0), [buffer], buffer);
  const before = device.read(buffer);
  device.write(buffer, new Float32Array([7, 8]), 1);
  device.run(affine(4, 2, 1), [buffer], buffer);
  assert.deepEqual([...await before], [10, 20, 30, 40]);
  assert.deepEqual([...await device.read(buffer)], [21, 15, 17, 81]);
  device.release(buffer);
});

gpuTest("a buffer that is released and reused while work on it is queued", async (device) => {
  const results = [];
  for (let i = 0; i < 40; i++) {
    const input = upload(device, new Float32Array(100).fill(i));
    const output = device.allocate(100);
    device.run(affine(100, 2, 1), [input], output);
    device.release(input);
    results.push(device.read(output));
    device.release(output);
  }
  for (const [i, result] of (await Promise.all(results)).entries()) {
    assert.ok(result.every((v) => v === 2 * i + 1));
  }
});

gpuTest("a read waits for heavy work", async (device) => {
  const length = 1 << 20;
  const buffer = upload(device, new Float32Array(length).fill(1));
  for (let i = 0; i < 300; i++) device.run(affine(length, 1, 1), [buffer], buffer);
  assert.ok((await device.read(buffer)).every((v) => v === 301));
  await device.synchronize();
  device.release(buffer);
});

Deno.test(
  { name: "a shader that does not compile, and a lost device, surface at the next check", ignore },
  async () => {
    const { adapter } = await findAdapter();
    assert.ok(adapter);
    const gpu = await requestLargestDevice(adapter);
    const errors = new ErrorMonitor(gpu, "the adapter");
    const queue = new CommandQueue(gpu, errors);
    const program: Program = { key: "broken", bindings: "", source: () => "fn main() { let x: u32 = 1.5; }" };
    queue.dispatch({ program, resources: [], params: new Params(), workgroups: [1, 1, 1] });
    await assert.rejects(errors.check(), (error: Error) => {
      assert.equal(error.name, "DeviceError");
      assert.match(error.message, /Cannot compile kernel "broken" on the adapter:[^]*1\.5/);
      return true;
    });
    queue.submit();
    await assert.rejects(errors.check(), /the adapter failed/);
    await errors.check();
    gpu.destroy();
    await gpu.lost;
    await assert.rejects(errors.check(), /the adapter was lost \(destroyed\)/);
  },
);

Deno.test({ name: "readback at once and by awaiting give the same values", ignore }, async () => {
  const { adapter } = await findAdapter();
  assert.ok(adapter);
  const gpu = await requestLargestDevice(adapter);
  const queue = new CommandQueue(gpu, new ErrorMonitor(gpu, "the adapter"));
  const values = randomValues(5_000_000);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = gpu.createBuffer({ size: values.byteLength, usage });
  const resource = new GpuResource(values.byteLength, { buffer }, buffer);
  queue.writeBuffer(resource, 0, values);
  for (const atOnce of [true, false]) {
    const readback = await Readback.open(gpu, queue, atOnce);
    for (const length of [0, 1, 70_000, values.length]) {
      assert.deepEqual(await readback.read(resource, length), values.subarray(0, length));
    }
    for (const pieces of [[values.length], [1, 299_999, 131_072, 2_000_003, 7], []]) {
      const readers = [readback.reader(resource, values.length), readback.reader(resource, values.length)];
      let at = 0;
      for (const length of pieces) {
        for (const reader of readers) {
          const piece = new Float32Array(length);
          await reader.next(piece);
          assert.deepEqual(piece, values.subarray(at, at + length));
        }
        at += length;
      }
      await Promise.all(readers.map((reader) => reader.end()));
    }
    await readback.wait();
    readback.close();
  }
  gpu.destroy();
});

gpuTest("misuse is refused", async (device) => {
  const buffer = device.allocate(4);
  assert.throws(() => device.allocate(-1), /length must be a whole number >= 0, got -1/);
  assert.throws(() => device.allocate(2 ** 40), /a buffer must be at most/);
  assert.throws(() => device.write(buffer, new Float32Array(3), 2), /at most the buffer's 4 values/);
  assert.throws(() => device.run(affine(4, 1, 0), [], buffer), /inputs must be 1 buffers, got 0/);
  const reduce: Kernel = { kind: "reduce", fn: "sum", rows: 1, length: 4 };
  assert.throws(() => device.run(reduce, [buffer], buffer), /output must be none of the inputs/);
  device.release(buffer);
  assert.throws(() => device.release(buffer), /live/);
  await assert.rejects(device.read(buffer), /live/);
});

gpuTest("the budget: pooled memory is given back first, then OutOfMemoryError", async () => {
  const device = await openDevice(1 << 20);
  const buffers = [1, 2, 3].map(() => device.allocate(1 << 16));
  assert.throws(() => device.allocate(1 << 17), (error: Error) => {
    assert.ok(error instanceof OutOfMemoryError);
    assert.deepEqual([error.requested, error.live, error.budget], [1 << 19, 3 << 18, 1 << 20]);
    return true;
  });
  device.run(affine(1 << 16, 0, 5), [buffers[0]], buffers[0]);
  const read = device.read(buffers[0]);
  for (const buffer of buffers) device.release(buffer);
  assert.equal(device.memory().pooled, 3 << 18);
  const large = device.allocate(1 << 17);
  assert.ok(device.memory().live + device.memory().pooled <= 1 << 20);
  assert.equal((await read)[0], 5);
  assert.throws(() => device.conv.allocate(64, 100, 100), OutOfMemoryError);
  device.release(large);
  await device.synchronize();
  device.close();
  device.close();
  assert.throws(() => device.allocate(1), /must be open/);
  assert.throws(() => device.conv.allocate(1, 1, 1), /must be open/);
  await assert.rejects(device.synchronize(), /must be open/);
});

gpuTest("the budget comes from DEEPINV_MEMORY_BUDGET, and nonsense there is refused", async () => {
  const before = Deno.env.get("DEEPINV_MEMORY_BUDGET");
  try {
    Deno.env.set("DEEPINV_MEMORY_BUDGET", "1e6");
    const device = await openDevice();
    assert.equal(device.memory().budget, 1e6);
    device.close();
    Deno.env.set("DEEPINV_MEMORY_BUDGET", "plenty");
    await assert.rejects(
      openDevice(),
      /DEEPINV_MEMORY_BUDGET must be a positive number of bytes, got plenty/,
    );
  } finally {
    if (before === undefined) Deno.env.delete("DEEPINV_MEMORY_BUDGET");
    else Deno.env.set("DEEPINV_MEMORY_BUDGET", before);
  }
});

gpuTest("ranks of a host share a software adapter's memory, which is the host's", async () => {
  const total = Deno.systemMemoryInfo().total;
  for (const ranks of [1, 3, 1000]) {
    const device = await openChosen("gpu", { localWorldSize: ranks });
    assert.equal(device.memory().budget, Math.min(2 ** 31, Math.floor(total * 0.8 / ranks)));
    device.close();
  }
});

gpuTest("two thousand iterations of mixed work hold memory flat", async (device) => {
  const [height, width] = [24, 24];
  const plane = height * width;
  const image = upload(device, randomValues(3 * plane));
  const filter = upload(device, new Float32Array(25).fill(1 / 25));
  const spec: ConvSpec = {
    kernel: 3,
    padding: 1,
    inChannels: 3,
    outChannels: 3,
    bias: false,
    activation: "none",
    addends: 1,
  };
  const layer = device.conv.prepare(spec, new Float32Array(81));
  const offsets = Int32Array.from({ length: height + 1 }, (_, i) => i);
  const iterate = async (i: number) => {
    // A fresh table each time: its upload must be released with it.
    const table = {
      columns: height,
      offsets,
      indices: Int32Array.from({ length: height }, (_, r) => (r + i) % height),
    };
    const rolled = device.allocate(3 * plane);
    device.run({ kind: "axis", outer: 3, inner: width, table }, [image], rolled);
    const blurred = device.allocate(3 * 20 * 20);
    device.run(
      {
        kind: "correlate",
        batch: 1,
        channels: 3,
        height,
        width,
        filterBatch: 1,
        filterChannels: 1,
        filterHeight: 5,
        filterWidth: 5,
        flip: true,
      },
      [rolled, filter],
      blurred,
    );
    const [from, to] = [device.conv.allocate(3, height, width), device.conv.allocate(3, height, width)];
    device.conv.pack(rolled, 0, from);
    device.conv.apply(layer, from, to, [from]);
    device.conv.unpack(to, rolled, 0);
    device.conv.release(from);
    device.conv.release(to);
    const sum = device.allocate(1);
    device.run({ kind: "reduce", fn: "sumSquares", rows: 1, length: 3 * plane }, [rolled], sum);
    const [value] = await device.read(sum);
    assert.ok(value > 0);
    for (const buffer of [rolled, blurred, sum]) device.release(buffer);
    if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
  };
  const held = () => device.memory().live + device.memory().pooled;
  for (let i = 0; i < 500; i++) await iterate(i);
  const [rss, bytes] = [Deno.memoryUsage().rss, held()];
  for (let i = 0; i < 1500; i++) await iterate(i);
  assert.ok(Deno.memoryUsage().rss - rss < 24 * 2 ** 20, `RSS grew by ${Deno.memoryUsage().rss - rss} bytes`);
  assert.ok(held() - bytes < 2 ** 20, `${held()} bytes held, ${bytes} before`);
  device.conv.discard(layer);
  for (const buffer of [image, filter]) device.release(buffer);
});
