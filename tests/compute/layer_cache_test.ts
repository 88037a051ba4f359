import assert from "node:assert/strict";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { Device } from "../../src/compute/device.ts";
import { OutOfMemoryError } from "../../src/compute/errors.ts";
import { type CountedBuffer, LayerCache, layerSource } from "../../src/compute/layer_cache.ts";
import { CACHED_PRESET } from "../../src/compute/webgpu/presets.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";
import { ignore, openDevice } from "./webgpu_open.ts";

const SPEC: ConvSpec = {
  kernel: 3,
  padding: 1,
  inChannels: 48,
  outChannels: 48,
  bias: false,
  activation: "none",
  addends: 0,
};

Deno.test("layers are found again while their buffers are as they were", () => {
  const buffer = () => ({ device: {} as Device, length: 9, version: 0, released: false });
  const dropped: string[] = [];
  const cache = new LayerCache<string>((layer) => dropped.push(layer));
  const weights = buffer(), bias = buffer();
  const source = (offset = 0, spec = SPEC, added: CountedBuffer | undefined = bias) =>
    layerSource(spec, { buffer: weights, offset }, added && { buffer: added, offset: 0 });
  assert.equal(cache.take(source()), undefined);
  assert.ok(cache.put(source(), "a"));
  assert.ok(!cache.put(source(), "twin"), "one of a kind is kept");
  assert.ok(cache.put(source(3), "b"));
  assert.equal(cache.take(source(0, { ...SPEC, stride: 2 })), undefined);
  assert.equal(cache.take(source()), "a");
  assert.equal(cache.take(source()), undefined, "it is handed out once");
  cache.put(source(), "a");
  weights.version++;
  assert.equal(cache.take(source()), undefined);
  assert.deepEqual(dropped, ["a"]);
  cache.put(source(), "c");
  bias.version++;
  assert.equal(cache.take(source()), undefined);
  assert.deepEqual(dropped, ["a", "c"]);
  cache.put(source(0, SPEC, buffer()), "d");
  cache.forget(weights);
  assert.deepEqual(dropped.toSorted(), ["a", "b", "c", "d"]);
  weights.released = true;
  assert.ok(!cache.put(source(), "e"), "nothing is kept for a released buffer");
});

/** Layers from buffers: what is counted, what the cache gives back, and that results stay right. */
async function assertKept(device: Device, budget: number): Promise<void> {
  const { conv } = device;
  const w = randomValues(48 * 48 * 9, 1), x = randomValues(48 * 9 * 9, 2);
  const weights = upload(device, w), source = upload(device, x), target = device.allocate(48 * 81);
  const [from, to] = [conv.allocate(48, 9, 9), conv.allocate(48, 9, 9)];
  conv.pack(source, 0, from);
  const expected = layerReference(SPEC, 9, 9, x, w, undefined, []);
  const run = async () => {
    const layer = conv.prepareFrom(SPEC, { buffer: weights, offset: 0 });
    conv.apply(layer, from, to, []);
    conv.discard(layer);
    conv.unpack(to, target, 0);
    assert.ok(relativeError(await device.read(target), expected) < 2e-5);
  };
  const before = device.memory();
  await run();
  const after = device.memory();
  assert.equal(after.live, before.live, "a layer that is kept is not live");
  await run();
  let length = budget / 4;
  while (device.bufferBytes(length) > budget - after.live - 1024) length -= 1024;
  assert.ok(
    device.bufferBytes(length) + device.memory().pooled > budget - after.live,
    "it needs what is kept",
  );
  device.release(device.allocate(length));
  await run();
  device.release(weights);
  await assert.rejects(async () => await device.read(weights));
  for (const buffer of [source, target]) device.release(buffer);
  for (const map of [from, to]) conv.release(map);
  assert.equal(device.memory().live, 0);
  assert.throws(() => device.allocate(budget), OutOfMemoryError);
}

Deno.test("layers that are kept give way to other memory [cpu]", async () => {
  const budget = 1 << 20;
  const device = new CpuDevice({ memoryBudget: budget });
  await assertKept(device, budget);
  device.close();
});

for (const preset of [undefined, CACHED_PRESET]) {
  Deno.test({
    name: `layers that are kept give way to other memory [gpu${preset ? ", buffers" : ""}]`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const budget = 1 << 20;
      const device = await openDevice(budget, preset);
      await assertKept(device, budget);
      device.close();
    },
  });
}
