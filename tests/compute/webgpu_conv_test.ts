import assert from "node:assert/strict";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { planLayer } from "../../src/compute/webgpu/conv_plan.ts";
import { sharedBytes } from "../../src/compute/webgpu/kernels/conv_shared.ts";
import {
  CACHED_PRESET,
  type ConvPreset,
  DISCRETE_PRESET,
  hardwareClass,
  INTEGRATED_PRESET,
} from "../../src/compute/webgpu/presets.ts";
import type { WebGpuDevice } from "../../src/compute/webgpu/device.ts";
import { geometryOf, outputSize } from "../../src/compute/conv_geometry.ts";
import { type LayerName, LAYERS, weightCount } from "./layers.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";
import { gpuTest, openDevice } from "./webgpu_open.ts";

/** Runs one layer on the device and compares it with the definition; returns the relative error. */
async function layerError(
  device: WebGpuDevice,
  spec: ConvSpec,
  height: number,
  width: number,
): Promise<number> {
  const { inChannels, outChannels } = spec;
  const [outHeight, outWidth] = outputSize(geometryOf(spec), height, width);
  const weights = randomValues(weightCount(spec), 1);
  const bias = spec.bias ? randomValues(outChannels, 2) : undefined;
  const x = randomValues(inChannels * height * width, 3);
  const added = [4, 5].slice(0, spec.addends).map((seed) =>
    randomValues(outChannels * outHeight * outWidth, seed)
  );

  const { conv } = device;
  const buffers = [x, ...added].map((values) => upload(device, values));
  const input = conv.allocate(inChannels, height, width);
  const output = conv.allocate(outChannels, outHeight, outWidth);
  conv.pack(buffers[0], 0, input);
  const maps = added.map((_, i) => {
    const map = i === 0 ? output : conv.allocate(outChannels, outHeight, outWidth);
    conv.pack(buffers[i + 1], 0, map);
    return map;
  });
  const layer = conv.prepare(spec, weights, bias);
  conv.apply(layer, input, output, maps);
  const target = device.allocate(outChannels * outHeight * outWidth + 3);
  conv.unpack(output, target, 3);
  const result = (await device.read(target)).subarray(3);
  conv.discard(layer);
  for (const map of new Set([input, output, ...maps])) conv.release(map);
  for (const buffer of [...buffers, target]) device.release(buffer);
  return relativeError(result, layerReference(spec, height, width, x, weights, bias, added));
}

/** Layer, channels in and out, image size, addends. Few combinations, because each compiles a large shader. */
const CASES: readonly [LayerName, number, number, number, number, ConvSpec["addends"]][] = [
  ["conv3x3", 1, 1, 1, 1, 0],
  ["conv3x3", 16, 3, 17, 9, 0],
  ["conv3x3", 4, 8, 5, 7, 0],
  ["conv3x3", 3, 16, 13, 34, 1],
  ["conv3x3", 16, 16, 24, 24, 2],
  ["conv3x3", 5, 13, 6, 3, 2],
  ["conv3x3", 64, 64, 12, 12, 1],
  ["conv3x3", 6, 45, 33, 19, 1],
  ["down2x2", 16, 32, 8, 12, 0],
  ["down2x2", 3, 5, 2, 2, 0],
  ["down2x2", 6, 9, 10, 6, 1],
  ["up2x2", 32, 16, 5, 3, 0],
  ["up2x2", 2, 5, 1, 1, 0],
  ["up2x2", 7, 12, 6, 9, 1],
];

async function checkCases(device: WebGpuDevice, tolerance = 5e-6): Promise<void> {
  let variant = 0;
  for (const [op, inChannels, outChannels, height, width, addends] of CASES) {
    const spec: ConvSpec = {
      ...LAYERS[op],
      inChannels,
      outChannels,
      bias: variant % 2 === 0,
      activation: variant++ % 3 === 0 ? "relu" : "none",
      addends,
    };
    const error = await layerError(device, spec, height, width);
    assert.ok(error < tolerance, `${JSON.stringify(spec)} at ${height} x ${width}: ${error}`);
  }
}

const HALF_SPEC: ConvSpec = {
  ...LAYERS.conv3x3,
  inChannels: 64,
  outChannels: 64,
  bias: false,
  activation: "none",
  addends: 0,
};

gpuTest(
  "layers of every kind, any size and channels, fused bias, activation and addends",
  (device) => checkCases(device),
);

for (const [name, preset] of Object.entries({ CACHED_PRESET, INTEGRATED_PRESET, DISCRETE_PRESET })) {
  gpuTest(`what GPUs get computes the same on this adapter: ${name}`, async () => {
    const device = await openDevice(undefined, preset);
    await checkCases(device);
    device.close();
  });
}

gpuTest("float16 storage keeps three digits", async () => {
  const device = await openDevice(undefined, { ...DISCRETE_PRESET, half: true });
  await checkCases(device, 2e-3);
  assert.ok(await layerError(device, HALF_SPEC, 12, 12) > 1e-5, "this is float32");
  device.close();
});

Deno.test("adapters are classed by vendor, in hexadecimal or decimal, or name", () => {
  const classOf = (vendor: string, description = "") => hardwareClass({ vendor, description });
  assert.deepEqual(["0x10de", "4318", "0x1002", "nvidia"].map((vendor) => classOf(vendor)), [
    ...Array(4).fill("discrete"),
  ]);
  assert.deepEqual(["0x8086", "32902", "apple", "0x5143"].map((vendor) => classOf(vendor)), [
    ...Array(4).fill("integrated"),
  ]);
  assert.equal(classOf("", "Intel(R) UHD Graphics 620"), "integrated");
});

Deno.test("the workgroup memory of every preset fits the smallest limit of WebGPU", () => {
  for (const { shared, channels } of [INTEGRATED_PRESET, DISCRETE_PRESET]) {
    assert.ok(
      sharedBytes({
        ...shared!,
        tileHeight: 2,
        channels,
        addends: 0,
        activation: "relu",
        activationLast: false,
      }) <= 16384,
    );
    assert.ok(shared!.across * shared!.down * shared!.deep <= 256);
  }
});

gpuTest(
  "a map's border stays zero through layers, reuse and a smaller image of the same padding",
  async (device) => {
    const spec: ConvSpec = {
      ...LAYERS.conv3x3,
      inChannels: 8,
      outChannels: 8,
      bias: true,
      activation: "none",
      addends: 0,
    };
    for (const [height, width] of [[8, 8], [7, 6], [8, 8], [5, 5]]) {
      assert.ok(await layerError(device, spec, height, width) < 5e-6, `${height} x ${width}`);
    }
  },
);

gpuTest("layers chained through maps match the definition", async (device) => {
  const { conv } = device;
  const [height, width, channels] = [11, 21, 16];
  const spec: ConvSpec = {
    ...LAYERS.conv3x3,
    inChannels: channels,
    outChannels: channels,
    bias: false,
    activation: "relu",
    addends: 1,
  };
  const weights = randomValues(channels * channels * 9).map((w) => w / 20);
  let expected: Float32Array = randomValues(channels * height * width, 2);
  const buffer = upload(device, expected);
  let [from, to] = [conv.allocate(channels, height, width), conv.allocate(channels, height, width)];
  conv.pack(buffer, 0, from);
  const layer = conv.prepare(spec, weights);
  for (let i = 0; i < 6; i++) {
    conv.apply(layer, from, to, [from]);
    expected = Float32Array.from(
      layerReference(spec, height, width, expected, weights, undefined, [expected]),
    );
    [from, to] = [to, from];
  }
  conv.unpack(from, buffer, 0);
  assert.ok(relativeError(await device.read(buffer), expected) < 1e-5);
  conv.discard(layer);
  for (const map of [from, to]) conv.release(map);
  device.release(buffer);
});

gpuTest("misuse is refused", async (device) => {
  const { conv } = device;
  const spec: ConvSpec = {
    ...LAYERS.conv3x3,
    inChannels: 4,
    outChannels: 4,
    bias: false,
    activation: "none",
    addends: 0,
  };
  const layer = conv.prepare(spec, new Float32Array(144));
  const [a, b, small] = [conv.allocate(4, 6, 6), conv.allocate(4, 6, 6), conv.allocate(4, 5, 6)];
  assert.throws(
    () => conv.apply(layer, a, small, []),
    /output must be of shape \(4, 6, 6\), got \(4, 5, 6\)/,
  );
  assert.throws(() => conv.apply(layer, a, a, []), /another map than input/);
  assert.throws(() => conv.apply(layer, a, b, [b]), /addends must be 0 feature maps/);
  assert.throws(() => conv.prepare(spec, new Float32Array(143)), /weights must be 144 values, got 143/);
  assert.throws(() => conv.prepare({ ...spec, bias: true }, new Float32Array(144)), /bias must be 4 values/);
  assert.throws(() => conv.allocate(4, 0, 6), /height must be a whole number >= 1/);
  assert.throws(() => conv.pack(device.allocate(143), 0, a), /large enough/);
  conv.release(small);
  assert.throws(() => conv.release(small), /live/);
  conv.discard(layer);
  assert.throws(() => conv.apply(layer, a, b, []), /discarded/);
  await device.synchronize();
});

Deno.test("a network at several image sizes compiles each kind of layer once", () => {
  const software: ConvPreset = {
    storage: "texture",
    broadcastLanes: 8,
    workgroup: 8,
    winograd: true,
    channels: 8,
  };
  for (const preset of [software, CACHED_PRESET, DISCRETE_PRESET]) {
    const keys = new Set<string>();
    for (const channels of [16, 32, 64, 128]) {
      for (const activation of ["none", "relu"] as const) {
        const spec = {
          ...LAYERS.conv3x3,
          inChannels: channels,
          outChannels: channels,
          bias: false,
          activation,
          addends: 0,
        } as const;
        keys.add(planLayer(spec, preset).program.key);
      }
    }
    assert.equal(keys.size, 1);
  }
});
