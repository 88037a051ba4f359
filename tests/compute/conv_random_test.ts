import assert from "node:assert/strict";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { Device } from "../../src/compute/device.ts";
import { type LayerName, LAYERS, SCALES, weightCount } from "./layers.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";
import { ignore, openDevice } from "./webgpu_open.ts";

/** Small networks of random shape, on batches of random size, against their definition in float64. */

const TOLERANCE = 2e-5;

interface Network {
  readonly seed: number;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly layers: readonly (Omit<ConvSpec, "addends"> & {
    readonly op: LayerName;
    readonly addends: readonly number[];
  })[];
}

/** Whole numbers low .. high, reproducible. */
function dice(seed: number): (low: number, high: number) => number {
  const values = randomValues(500, seed);
  let at = 0;
  return (low, high) => low + Math.min(Math.floor((values[at++] + 1) / 2 * (high - low + 1)), high - low);
}

/** Layers whose addends are maps (0 the input, k the output of layer k) of the same shape. */
function randomNetwork(seed: number): Network {
  const roll = dice(seed);
  const size = () => [1, 3, 5, 7, 12, 17, 26, 33][roll(0, 7)];
  const channels = roll(1, 21);
  const [height, width] = [size(), size()];
  const shapes = [[channels, height, width]];
  const layers = Array.from({ length: roll(2, 4) }, () => {
    const [inChannels, h, w] = shapes.at(-1)!;
    const ops = ["conv3x3", "conv3x3", "conv3x3"] as LayerName[];
    if (h % 2 === 0 && w % 2 === 0) ops.push("down2x2", "down2x2");
    if (h * w < 600) ops.push("up2x2");
    const op = ops[roll(0, ops.length - 1)];
    const scale = SCALES[op];
    const outChannels = op === "conv3x3" && roll(0, 1) ? inChannels : roll(1, 40);
    const shape = [outChannels, h * scale, w * scale];
    const alike = shapes.flatMap((other, i) => `${other}` === `${shape}` ? [i] : []);
    const addends = alike.slice(0, roll(0, 2));
    shapes.push(shape);
    const activation = roll(0, 1) ? "relu" as const : "none" as const;
    return { op, ...LAYERS[op], inChannels, outChannels, bias: roll(0, 1) === 1, activation, addends };
  });
  return { seed, batch: seed % 4 === 0 ? 3 : 1, channels, height, width, layers };
}

/** The largest relative error over the items of a batch. */
async function networkError(device: Device, network: Network): Promise<number> {
  const { seed, batch, channels, height, width } = network;
  const { conv } = device;
  const prepared = network.layers.map((layer, i) => {
    const spec: ConvSpec = { ...layer, addends: layer.addends.length as 0 | 1 | 2 };
    const length = weightCount(spec);
    const scale = 2 / Math.sqrt(length / spec.outChannels);
    const weights = randomValues(length, seed + 31 * i).map((value) => value * scale);
    const bias = spec.bias ? randomValues(spec.outChannels, seed + 7 * i) : undefined;
    return {
      op: layer.op,
      spec,
      weights,
      bias,
      addends: layer.addends,
      layer: conv.prepare(spec, weights, bias),
    };
  });
  const values = randomValues(batch * channels * height * width, seed);
  const source = upload(device, values);
  let worst = 0;
  for (let item = 0; item < batch; item++) {
    const start = item * channels * height * width;
    const maps = [conv.allocate(channels, height, width)];
    conv.pack(source, start, maps[0]);
    const expected = [values.slice(start, start + channels * height * width)];
    for (const { op, spec, weights, bias, addends, layer } of prepared) {
      const from = maps.at(-1)!;
      const scale = SCALES[op];
      const to = conv.allocate(spec.outChannels, from.height * scale, from.width * scale);
      conv.apply(layer, from, to, addends.map((i) => maps[i]));
      const { height: h, width: w } = from;
      const added = addends.map((i) => expected[i]);
      expected.push(
        Float32Array.from(layerReference(spec, h, w, expected.at(-1)!, weights, bias, added)),
      );
      maps.push(to);
    }
    const last = expected.at(-1)!;
    const target = device.allocate(last.length);
    conv.unpack(maps.at(-1)!, target, 0);
    worst = Math.max(worst, relativeError(await device.read(target), last));
    device.release(target);
    maps.forEach((map) => conv.release(map));
  }
  prepared.forEach(({ layer }) => conv.discard(layer));
  device.release(source);
  return worst;
}

const DEVICES: Record<string, () => Promise<Device>> = {
  cpu: () => Promise.resolve(new CpuDevice()),
  "cpu, 2 threads": () => Promise.resolve(new CpuDevice({ threads: 2 })),
  gpu: () => openDevice(),
};

for (const [name, open] of Object.entries(DEVICES)) {
  Deno.test({
    name: `ten random networks match their definition [${name}]`,
    ignore: name === "gpu" && ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const device = await open();
      for (let seed = 1; seed <= 10; seed++) {
        const network = randomNetwork(seed);
        const error = await networkError(device, network);
        assert.ok(error <= TOLERANCE, `${JSON.stringify(network)}: ${error}`);
      }
      assert.equal(device.memory().live, 0);
      device.close();
    },
  });
}

Deno.test("the random networks cover odd sizes, single pixels, batches and every kind of layer", () => {
  const networks = Array.from({ length: 10 }, (_, i) => randomNetwork(i + 1));
  const layers = networks.flatMap((network) => network.layers);
  assert.deepEqual(new Set(layers.map(({ op }) => op)), new Set(["conv3x3", "down2x2", "up2x2"]));
  assert.deepEqual(new Set(layers.map(({ addends }) => addends.length)), new Set([0, 1, 2]));
  assert.ok(networks.some(({ height, width }) => height % 2 === 1 || width % 2 === 1));
  assert.ok(networks.some(({ height, width }) => Math.min(height, width) === 1));
  assert.ok(networks.some(({ batch }) => batch === 3));
  assert.ok(layers.some(({ inChannels }) => inChannels % 4 !== 0));
});
