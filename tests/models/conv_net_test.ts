import { ConvNet, type ConvNetLayer, maxBatchSizeFor, memoryPlan } from "../../src/models/mod.ts";
import { defaultDevice, Tensor } from "../../src/tensor/mod.ts";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { geometryOf, outputSize } from "../../src/compute/conv_geometry.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { layerReference, randomValues, relativeError } from "../compute/oracle.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

/** An image's planes in float64 rounded once per layer, as the oracle passes them on. */
interface Planes {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly values: Float32Array;
}

type State = ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>;

/** A network by its definition: layer by layer, the keys counted as in torch.nn.Sequential. */
function reference(layers: readonly ConvNetLayer[], state: State, input: Planes, prefix = ""): Planes {
  let x = input;
  let index = 0;
  const data = (key: string) => state.get(key)!.data;
  for (const layer of layers) {
    const [channels, height, width] = x.shape;
    const key = `${prefix}${("name" in layer ? layer.name : undefined) ?? index}`;
    index++;
    if (layer.type === "residual") {
      const inner = reference(layer.layers, state, x, `${key}.`);
      const sums = x.values.map((value, i) => value + inner.values[i]);
      x = { shape: x.shape, values: activated(sums, layer.activation, layer.alpha) };
      continue;
    }
    if (layer.type !== "conv") {
      x = shuffled(x, layer.factor, layer.type === "pixelShuffle");
      continue;
    }
    const { activation = "none", bias = true, batchNorm = false, padding, outChannels, ...rest } = layer;
    const [rows, columns] = [layer.kernel].flat().length === 1
      ? [layer.kernel, layer.kernel]
      : [layer.kernel].flat();
    const same = [rows, columns].map((taps) => (Number(taps) - 1) / 2 * Number(layer.dilation ?? 1));
    const spec = {
      ...rest,
      padding: padding === "same" ? [same[0], same[1]] : padding,
      inChannels: channels,
      outChannels,
      bias,
      activation: "none",
      addends: 0,
    } as ConvSpec;
    const size = outputSize(geometryOf(spec), height, width);
    const plane = size[0] * size[1];
    let values: ArrayLike<number> = layerReference(
      spec,
      height,
      width,
      x.values,
      data(`${key}.weight`),
      bias ? data(`${key}.bias`) : undefined,
      [],
    );
    if (batchNorm) {
      const norm = `${prefix}${index++}`;
      const [gain, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((name) =>
        data(`${norm}.${name}`)
      );
      values = Array.from(values, (value, i) => {
        const c = Math.floor(i / plane);
        return (value - mean[c]) / Math.sqrt(variance[c] + 1e-5) * gain[c] + shift[c];
      });
    }
    if (activation !== "none") index++;
    x = { shape: [outChannels, ...size], values: activated(values, activation, layer.alpha) };
  }
  return x;
}

/** An activation of every value, as the layers' reference has it. */
function activated(
  values: ArrayLike<number>,
  activation: ConvSpec["activation"] = "none",
  alpha?: number,
): Float32Array {
  const one = Float32Array.of(1);
  const identity: ConvSpec = {
    kernel: 1,
    inChannels: 1,
    outChannels: 1,
    bias: false,
    activation,
    alpha,
    addends: 0,
  };
  const x = Float32Array.from(values);
  return Float32Array.from(layerReference(identity, 1, x.length, x, one, undefined, []));
}

/** Pixel shuffle, or its inverse, index by index. */
function shuffled({ shape: [channels, height, width], values }: Planes, f: number, up: boolean): Planes {
  const shape = up ? [channels / f ** 2, height * f, width * f] : [channels * f ** 2, height / f, width / f];
  const result = new Float32Array(values.length);
  const [fineChannels, fineHeight, fineWidth] = up ? shape : [channels, height, width];
  const [h, w] = [fineHeight / f, fineWidth / f];
  for (let c = 0; c < fineChannels; c++) {
    for (let y = 0; y < fineHeight; y++) {
      for (let z = 0; z < fineWidth; z++) {
        const fine = (c * fineHeight + y) * fineWidth + z;
        const deep = c * f ** 2 + (y % f) * f + z % f;
        const coarse = (deep * h + Math.floor(y / f)) * w + Math.floor(z / f);
        if (up) result[fine] = values[coarse];
        else result[coarse] = values[fine];
      }
    }
  }
  return { shape: [shape[0], shape[1], shape[2]], values: result };
}

/** A state of random values for a network's keys; variances stay positive. */
function randomState(shapes: Iterable<readonly [string, readonly number[]]>, seed: number): State {
  return new Map([...shapes].map(([key, shape], k) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const scale = shape.length === 4 ? 2 / Math.sqrt(count / Math.min(shape[0], shape[1])) : 0.5;
    const positive = key.endsWith("running_var");
    const data = randomValues(count, seed + k).map((value) => positive ? 1 + 0.5 * value : scale * value);
    return [key, { shape: [...shape], data }];
  }));
}

/** Networks with every kind of layer, their input's channels, and sizes of images that they take. */
const NETWORKS:
  readonly (readonly [layers: readonly ConvNetLayer[], channels: number, size: [number, number]])[] = [
    [[{ type: "conv", outChannels: 1, kernel: 1 }], 1, [1, 1]],
    [
      [
        { type: "conv", outChannels: 9, kernel: 7, padding: "same", activation: "leaky_relu", alpha: 0.2 },
        {
          type: "conv",
          outChannels: 9,
          kernel: 3,
          padding: 2,
          dilation: 2,
          batchNorm: true,
          bias: false,
          activation: "relu",
        },
        { type: "conv", outChannels: 2, kernel: 5, padding: 2, activation: "tanh" },
      ],
      2,
      [13, 18],
    ],
    [
      [
        { type: "conv", outChannels: 12, kernel: 3, padding: 1, name: "head" },
        {
          type: "residual",
          name: "body.0",
          layers: [
            { type: "conv", outChannels: 7, kernel: [1, 3], padding: [0, 1], activation: "elu", alpha: 0.7 },
            { type: "residual", layers: [{ type: "conv", outChannels: 7, kernel: 1 }] },
            { type: "conv", outChannels: 12, kernel: 3, padding: 1, activation: "sigmoid" },
          ],
        },
        { type: "pixelShuffle", factor: 2 },
        { type: "conv", outChannels: 3, kernel: 3, padding: 1 },
      ],
      3,
      [9, 7],
    ],
    [
      [
        { type: "pixelUnshuffle", factor: 3 },
        {
          type: "conv",
          outChannels: 10,
          kernel: 4,
          stride: 2,
          padding: 1,
          batchNorm: true,
          activation: "relu",
        },
        {
          type: "conv",
          outChannels: 9,
          kernel: 4,
          stride: 2,
          padding: 1,
          transposed: true,
          batchNorm: true,
          activation: "leaky_relu",
        },
        { type: "pixelShuffle", factor: 3 },
      ],
      1,
      [24, 36],
    ],
    [
      [
        { type: "conv", outChannels: 9, kernel: 3, padding: 1, batchNorm: true, activation: "relu" },
        {
          type: "residual",
          activation: "relu",
          layers: [
            { type: "conv", outChannels: 9, kernel: 3, padding: 1, batchNorm: true, activation: "relu" },
            { type: "conv", outChannels: 9, kernel: 3, padding: 1, batchNorm: true },
          ],
        },
        {
          type: "residual",
          activation: "leaky_relu",
          alpha: 0.3,
          layers: [{ type: "conv", outChannels: 9, kernel: 5, padding: 2 }],
        },
        { type: "conv", outChannels: 2, kernel: 3, padding: 1 },
      ],
      2,
      [14, 11],
    ],
    [
      [{ type: "residual", layers: [{ type: "conv", outChannels: 5, kernel: 5, padding: 2 }] }],
      5,
      [1, 4],
    ],
  ];

onBothDevices("networks of one's own equal their definition in float64", async () => {
  for (const [k, [layers, inChannels, [height, width]]] of NETWORKS.entries()) {
    using network = await ConvNet.create({ inChannels, layers, seed: k });
    const shapes = [...network.stateDict()].map(([key, tensor]) => [key, tensor.shape] as const);
    const state = randomState(shapes, k + 5);
    await network.loadStateDict(state);
    const x = Plain.random([3, inChannels, height, width], k);
    using y = await network.forward(x.tensor());
    const item = inChannels * height * width;
    const expected = [0, 1, 2].map((n) =>
      reference(layers, state, {
        shape: [inChannels, height, width],
        values: Float32Array.from(x.values).slice(n * item, (n + 1) * item),
      })
    );
    assert.deepEqual(y.shape, [3, ...expected[0].shape]);
    const all = expected.flatMap(({ values }) => [...values]);
    const error = relativeError(await y.data(), all);
    assert.ok(error <= 2e-5, `network ${k}: ${error}`);
  }
});

onBothDevices("nothing leaks, also when an image does not fit", async () => {
  const [layers, inChannels, [height, width]] = NETWORKS[3];
  using network = await ConvNet.create({ inChannels, layers });
  const forward = async (h: number) => {
    using x = Tensor.ones([1, inChannels, h, width]);
    using _y = await network.forward(x);
  };
  await forward(height);
  await assertNothingLeaks(() => forward(height));
  await assertNothingLeaks(() => assert.rejects(forward(height + 1), /sides that are multiples of 3/));
  const planned = await memoryPlan(network, [2, inChannels, height, width]);
  assert.ok(planned > 0 && await maxBatchSizeFor(network, [1, inChannels, height, width], 4) === 4);
  assert.ok(defaultDevice().memory().live > 0);
});

onBothDevices("a noise map is a further channel; sizes are completed and cropped", async () => {
  const layers: ConvNetLayer[] = [
    { type: "pixelUnshuffle", factor: 2 },
    { type: "conv", outChannels: 4, kernel: 1, bias: false },
    { type: "pixelShuffle", factor: 2 },
  ];
  // Every output channel passes on the noise level of its pixel.
  const pick = new Float32Array(4 * 8);
  for (let k = 0; k < 4; k++) pick[k * 8 + 4 + k] = 1;
  const weights = new Map([["net.1.weight", { shape: [4, 8, 1, 1], data: pick }]]);
  using network = await ConvNet.create({
    inChannels: 1,
    layers,
    noiseMap: true,
    sizeMultiple: 2,
    prefix: "net",
    weights,
  });
  using x = Tensor.zeros([2, 1, 5, 3]);
  using y = await network.forward(x, Tensor.from([0.25, 0.5]));
  assert.deepEqual([...await y.data()], [...Array(15).fill(0.25), ...Array(15).fill(0.5)]);
  await assert.rejects(network.forward(x), /sigma must be/);
});

Deno.test("layers that do not fit together are refused by name", async () => {
  const conv: ConvNetLayer = { type: "conv", outChannels: 4, kernel: 3, padding: 1 };
  const refused = (layers: unknown, message: RegExp) =>
    assert.rejects(
      ConvNet.create({ inChannels: 4, layers: layers as ConvNetLayer[] }),
      (error) => error instanceof InvalidArgumentError && message.test(error.message),
    );
  await refused([], /layers must be at least one/);
  await refused(undefined, /layers must be at least one/);
  await refused([{ type: "pool" }], /type must be "conv", "pixelShuffle".* got pool/);
  await refused([{ ...conv, outChannels: 0 }], /outChannels must be a whole number >= 1/);
  await refused([{ ...conv, kernel: undefined }], /kernel must be a whole number >= 1/);
  await refused([{ ...conv, kernel: 2, padding: "same" }], /padding must be .* got "same" for a kernel of 2/);
  await refused([{ ...conv, stride: 2, padding: "same" }], /padding must be/);
  await refused([{ ...conv, activation: "gelu" }], /activation must be none, relu/);
  await refused([{ ...conv, alpha: Infinity }], /alpha must be finite/);
  await refused([{ type: "pixelShuffle", factor: 3 }], /factor must be one whose square divides 4 channels/);
  await refused([{ type: "pixelShuffle", factor: 0 }], /factor must be a whole number >= 1/);
  await refused([{ type: "residual", layers: [] }], /last layer must be "conv"/);
  await refused([{ type: "residual", layers: [conv, { type: "pixelShuffle", factor: 2 }] }], /last layer/);
  await refused(
    [{ type: "residual", activation: "relu", layers: [{ ...conv, activation: "elu" }] }],
    /the activation of a residual's last layer must be "none", as the block has one, got elu/,
  );
  await refused([{ type: "residual", activation: "gelu", layers: [conv] }], /activation must be none, relu/);
  await refused(
    [{ type: "residual", layers: [{ ...conv, outChannels: 5 }] }],
    /outChannels must be its inChannels/,
  );
  await refused(
    [{ ...conv, name: "a" }, { ...conv, name: "a" }],
    /name must be another for every layer, got "a" twice/,
  );
});

onBothDevices("images that a layer cannot take are refused", async () => {
  using small = await ConvNet.create({
    inChannels: 1,
    layers: [{ type: "conv", outChannels: 1, kernel: 5 }],
  });
  await assert.rejects(
    small.forward(Tensor.ones([1, 1, 4, 9])),
    /large enough for the kernel of 0, got \(1, 4, 9\)/,
  );
  await assert.rejects(small.forward(Tensor.ones([1, 2, 9, 9])), /\(B, 1, H, W\)/);
  assert.deepEqual((await small.forward(Tensor.ones([1, 1, 5, 9]))).shape, [1, 1, 1, 5]);
  using shrinking = await ConvNet.create({
    inChannels: 1,
    layers: [{ type: "residual", layers: [{ type: "conv", outChannels: 1, kernel: 3 }] }],
  });
  await assert.rejects(shrinking.forward(Tensor.ones([1, 1, 8, 8])), /a size that a residual's layers keep/);
  await assert.rejects(small.loadStateDict(new Map()), /missing 0.weight, 0.bias/);
});
