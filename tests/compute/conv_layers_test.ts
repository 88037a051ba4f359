import assert from "node:assert/strict";
import type { ConvActivation, ConvSpec } from "../../src/compute/conv_engine.ts";
import { geometryOf, outputSize, specialOf } from "../../src/compute/conv_geometry.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { Device } from "../../src/compute/device.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { weightCount } from "./layers.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";
import { CACHED_PRESET, DISCRETE_PRESET } from "../../src/compute/webgpu/presets.ts";
import { ignore, openDevice } from "./webgpu_open.ts";

/** Layers of any kernel, stride, padding, dilation and activation against their definition in float64. */

const TOLERANCE = 2e-5;

interface Case {
  readonly spec: ConvSpec;
  readonly height: number;
  readonly width: number;
}

/** Whole numbers low .. high, reproducible. */
function dice(seed: number): (low: number, high: number) => number {
  const values = randomValues(500, seed);
  let at = 0;
  return (low, high) => low + Math.min(Math.floor((values[at++] + 1) / 2 * (high - low + 1)), high - low);
}

const ACTIVATIONS: readonly ConvActivation[] = ["none", "relu", "leaky_relu", "elu", "sigmoid", "tanh"];

function randomCase(seed: number): Case {
  const roll = dice(seed);
  for (;;) {
    const pair = (low: number, high: number): number | [number, number] =>
      roll(0, 2) === 0 ? [roll(low, high), roll(low, high)] : roll(low, high);
    const transposed = roll(0, 2) === 0;
    const stride = roll(0, 1) ? 1 : pair(1, 3);
    const spec: ConvSpec = {
      kernel: pair(1, 7),
      stride,
      padding: pair(0, roll(0, 3) === 0 ? 9 : 3),
      dilation: roll(0, 2) === 0 ? pair(1, 3) : 1,
      transposed,
      outputPadding: transposed ? Math.min(...[stride].flat()) - 1 : 0,
      inChannels: roll(1, roll(0, 3) === 0 ? 70 : 9),
      outChannels: roll(1, roll(0, 3) === 0 ? 70 : 9),
      bias: roll(0, 1) === 1,
      activation: ACTIVATIONS[roll(0, 5)],
      ...(roll(0, 1) ? { alpha: 0.2 } : {}),
      addends: roll(0, 2) as 0 | 1 | 2,
      activationLast: seed % 3 === 0,
    };
    const [height, width] = [1, 2].map(() => roll(0, 4) === 0 ? 1 : roll(2, 23));
    const size = outputSize(geometryOf(spec), height, width);
    if (Math.min(...size) >= 1) return { spec, height, width };
  }
}

/** What the definition gives, by the case's number: every device is compared with the same. */
const references = new Map<number, Float64Array>();

/** The relative error of one layer; the output is its own first addend. */
async function layerError(device: Device, { spec, height, width }: Case, seed: number): Promise<number> {
  const { conv } = device;
  const shape = [spec.outChannels, ...outputSize(geometryOf(spec), height, width)] as const;
  const length = shape[0] * shape[1] * shape[2];
  const count = weightCount(spec);
  const weights = randomValues(count, seed).map((value) => value * 2 / Math.sqrt(count / spec.outChannels));
  const bias = spec.bias ? randomValues(spec.outChannels, seed + 1) : undefined;
  const x = randomValues(spec.inChannels * height * width, seed + 2);
  const added = [3, 4].slice(0, spec.addends).map((more) => randomValues(length, seed + more));
  const [source, ...sources] = [x, ...added].map((values) => upload(device, values));
  const [input, output] = [conv.allocate(spec.inChannels, height, width), conv.allocate(...shape)];
  conv.pack(source, 0, input);
  const addends = added.map((_, i) => {
    const map = i === 0 ? output : conv.allocate(...shape);
    conv.pack(sources[i], 0, map);
    return map;
  });
  const layer = conv.prepare(spec, weights, bias);
  conv.apply(layer, input, output, addends);
  const target = device.allocate(length);
  conv.unpack(output, target, 0);
  const result = await device.read(target);
  conv.discard(layer);
  for (const map of new Set([input, output, ...addends])) conv.release(map);
  for (const buffer of [source, ...sources, target]) device.release(buffer);
  const reference = references.get(seed) ?? layerReference(spec, height, width, x, weights, bias, added);
  references.set(seed, reference);
  return relativeError(result, reference);
}

/** How to open a device, and how many random layers it gets: shaders of many kinds take long to compile. */
const DEVICES: Record<string, [open: () => Promise<Device>, count: number]> = {
  cpu: [() => Promise.resolve(new CpuDevice()), 40],
  "cpu, 3 threads": [() => Promise.resolve(new CpuDevice({ threads: 3 })), 40],
  gpu: [() => openDevice(), 16],
  "gpu, as on a real one": [() => openDevice(undefined, CACHED_PRESET), 4],
  "gpu, as on a large one": [() => openDevice(undefined, DISCRETE_PRESET), 4],
};

/** Cases that a random choice may miss. */
const CORNERS: readonly Case[] = [
  // A padding larger than the image, and taps that never meet it.
  { spec: { ...plain(3, 5), padding: 9 }, height: 2, width: 1 },
  { spec: { ...plain(5, 3), kernel: 7, padding: 10, dilation: 3 }, height: 1, width: 1 },
  // Outputs of a transposed layer that no tap reaches: a stride larger than the kernel.
  { spec: { ...plain(4, 6), kernel: 2, stride: 3, transposed: true, bias: true }, height: 4, width: 5 },
  {
    spec: { ...plain(2, 3), kernel: 1, stride: 2, transposed: true, outputPadding: 1, addends: 1 },
    height: 3,
    width: 3,
  },
  // 2x2 layers of stride 2 drop what is left over at odd sides.
  { spec: { ...plain(3, 4), kernel: 2, stride: 2 }, height: 5, width: 7 },
  { spec: { ...plain(64, 70), kernel: 1 }, height: 19, width: 33 },
  { spec: { ...plain(70, 64), kernel: 5, padding: 2 }, height: 9, width: 20 },
  { spec: { ...plain(33, 34), padding: 1, stride: 2, activation: "leaky_relu" }, height: 19, width: 21 },
  // Work that threads share.
  { spec: { ...plain(64, 64), kernel: 7, padding: 3, activation: "elu" }, height: 17, width: 13 },
];

function plain(inChannels: number, outChannels: number): ConvSpec {
  return { kernel: 3, inChannels, outChannels, bias: false, activation: "none", addends: 0 };
}

for (const [name, [open, count]] of Object.entries(DEVICES)) {
  Deno.test({
    name: `random layers match their definition [${name}]`,
    ignore: name.startsWith("gpu") && ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const device = await open();
      const cases = [...CORNERS, ...Array.from({ length: count }, (_, i) => randomCase(i + 1))];
      for (const [i, one] of cases.entries()) {
        const error = await layerError(device, one, i);
        assert.ok(error <= TOLERANCE, `case ${i}, ${JSON.stringify(one)}: ${error}`);
      }
      assert.equal(device.memory().live, 0);
      device.close();
    },
  });
}

Deno.test("the random layers cover every option", () => {
  const specs = Array.from({ length: 40 }, (_, i) => randomCase(i + 1));
  const some = (test: (one: Case) => boolean) => assert.ok(specs.some(test), `${test}`);
  assert.deepEqual(new Set(specs.map(({ spec }) => spec.activation)), new Set(ACTIVATIONS));
  assert.deepEqual(new Set(specs.map(({ spec }) => spec.addends)), new Set([0, 1, 2]));
  some(({ spec }) => spec.transposed === true && spec.outputPadding !== 0);
  some(({ spec, height }) => geometryOf(spec).padding[0] > height);
  some(({ spec }) => geometryOf(spec).dilation[0] > 1 && spec.transposed === true);
  some(({ height, width }) => height === 1 || width === 1);
  some(({ spec }) => spec.inChannels > 40);
  some(({ spec }) => spec.activationLast === true && spec.addends > 0 && spec.activation !== "none");
});

async function assertSpecialValues(device: Device): Promise<void> {
  const x = Float32Array.of(NaN, Infinity, -Infinity, 1e-6, -1e-6, 200, -200, 0);
  const source = upload(device, x);
  const expected: Record<ConvActivation, number[]> = {
    none: [...x],
    relu: [NaN, Infinity, 0, 1e-6, 0, 200, 0, 0],
    leaky_relu: [NaN, Infinity, -Infinity, 1e-6, -1e-8, 200, -2, 0],
    elu: [NaN, Infinity, -1, 1e-6, -1e-6, 200, -1, 0],
    sigmoid: [NaN, 1, 0, 0.5, 0.5, 1, 0, 0.5],
    tanh: [NaN, 1, -1, 1e-6, -1e-6, 1, -1, 0],
  };
  for (const activation of ACTIVATIONS) {
    const { conv } = device;
    const [from, to] = [conv.allocate(1, 1, 8), conv.allocate(1, 1, 8)];
    conv.pack(source, 0, from);
    conv.apply(conv.prepare({ ...plain(1, 1), kernel: 1, activation }, Float32Array.of(1)), from, to, []);
    const target = device.allocate(8);
    conv.unpack(to, target, 0);
    const values = [...await device.read(target)];
    const close = values.map((value, i) => {
      const wanted = expected[activation][i];
      return Object.is(value, wanted) || value === wanted ||
          Math.abs(value - wanted) <= 1e-6 * Math.max(Math.abs(wanted), 1e-6)
        ? wanted
        : value;
    });
    assert.deepEqual(close.map(String), expected[activation].map(String), activation);
  }
  device.close();
}

Deno.test("activations keep NaN and infinity as their formulas do [cpu]", () =>
  assertSpecialValues(new CpuDevice()));

for (const preset of [undefined, CACHED_PRESET]) {
  Deno.test({
    name: `activations keep NaN and infinity as their formulas do [gpu${preset ? ", buffers" : ""}]`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => assertSpecialValues(await openDevice(undefined, preset)),
  });
}

Deno.test("special layers are known by what they do, however they are written", () => {
  const of = (spec: Partial<ConvSpec>) => specialOf(geometryOf({ ...plain(1, 1), ...spec }));
  assert.equal(of({ kernel: [3, 3], padding: [1, 1] }), "conv3x3");
  assert.equal(of({ kernel: 2, stride: [2, 2] }), "down2x2");
  assert.equal(of({ kernel: 2, stride: 2, transposed: true }), "up2x2");
  assert.equal(of({ padding: 1, dilation: 2 }), undefined);
  assert.equal(of({ padding: 1, transposed: true }), undefined);
  assert.equal(of({ kernel: [3, 1], padding: [1, 0] }), undefined);
  assert.throws(
    () => of({ kernel: 3, stride: 2, transposed: true, outputPadding: 2 }),
    (error) => error instanceof InvalidArgumentError && /less than the stride/.test(error.message),
  );
});
