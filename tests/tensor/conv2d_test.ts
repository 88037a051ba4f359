import type { Pair } from "../../src/compute/conv_geometry.ts";
import type { ConvolveKernel } from "../../src/compute/kernel.ts";
import {
  type ConvolutionOptions,
  defaultDevice,
  InvalidArgumentError,
  Tensor,
} from "../../src/tensor/mod.ts";
import { convolveReference, randomValues, relativeError } from "../compute/oracle.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "./leaks.ts";
import assert from "node:assert/strict";

/** conv2d and convTranspose2d, by the convolution engine, against their definition in float64. */

const TOLERANCE = 2e-5;

interface Case {
  readonly batch?: number;
  readonly channels: readonly [number, number];
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly transposed?: boolean;
  readonly bias?: boolean;
  readonly options?: Omit<ConvolutionOptions, "bias" | "padding"> & { padding?: Pair };
}

async function assertCase(layer: Case, seed = 1): Promise<void> {
  const { batch = 1, channels: [inChannels, outChannels], size: [height, width], options = {} } = layer;
  const { kernel: [kernelHeight, kernelWidth], transposed = false, bias = false } = layer;
  const { stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0 } = options;
  const sizes = { batch, inChannels, outChannels, height, width, kernelHeight, kernelWidth, groups };
  const places = { stride, padding, dilation, outputPadding, transposed };
  const kernel: ConvolveKernel = { kind: "convolve", ...sizes, ...places };
  const x = randomValues(batch * inChannels * height * width, seed);
  const taps = kernelHeight * kernelWidth;
  const w = randomValues(inChannels * outChannels / groups * taps, seed + 1);
  const b = randomValues(outChannels, seed + 2);
  const expected = convolveReference(kernel, x, w);
  const plane = expected.length / batch / outChannels;
  if (bias) expected.forEach((value, i) => expected[i] = value + b[Math.floor(i / plane) % outChannels]);
  using input = Tensor.from(x, [batch, inChannels, height, width]);
  const shape = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
  using weights = Tensor.from(w, [...shape, kernelHeight, kernelWidth]);
  using added = Tensor.from(b);
  const all = { ...options, ...(bias ? { bias: added } : {}) };
  using y = transposed ? input.convTranspose2d(weights, all) : input.conv2d(weights, all);
  assert.equal(y.shape[2] * y.shape[3], plane, JSON.stringify(layer));
  const error = relativeError(await y.data(), expected);
  assert.ok(error <= TOLERANCE, `${JSON.stringify(layer)}: ${error}`);
}

const CASES: Record<string, Case> = {
  "1 x 1": { batch: 3, channels: [5, 7], size: [6, 9], kernel: [1, 1], bias: true },
  "1 x 1, transposed": { channels: [5, 7], size: [6, 9], kernel: [1, 1], transposed: true, bias: true },
  "3 x 3 by Winograd": {
    batch: 2,
    channels: [9, 21],
    size: [13, 18],
    kernel: [3, 3],
    options: { padding: 1 },
  },
  "3 x 3, grey to features": {
    channels: [1, 16],
    size: [17, 5],
    kernel: [3, 3],
    options: { padding: 1 },
    bias: true,
  },
  "3 x 3, features to colours": { channels: [33, 3], size: [8, 21], kernel: [3, 3], options: { padding: 1 } },
  "3 x 3, dilated": {
    channels: [6, 10],
    size: [19, 14],
    kernel: [3, 3],
    options: { padding: 4, dilation: 4 },
  },
  "2 x 2, half": { batch: 2, channels: [8, 12], size: [10, 14], kernel: [2, 2], options: { stride: 2 } },
  "2 x 2, double": {
    channels: [8, 12],
    size: [5, 7],
    kernel: [2, 2],
    transposed: true,
    options: { stride: 2 },
  },
  "4 x 4, half": {
    channels: [4, 6],
    size: [9, 16],
    kernel: [4, 4],
    options: { stride: 2, padding: 1 },
    bias: true,
  },
  "4 x 4, double": {
    channels: [6, 4],
    size: [9, 16],
    kernel: [4, 4],
    transposed: true,
    options: { stride: 2, padding: 1 },
  },
  "5 x 5, half": { channels: [3, 8], size: [31, 24], kernel: [5, 5], options: { stride: 2, padding: 2 } },
  "even sides": { channels: [4, 4], size: [7, 9], kernel: [6, 2], options: { padding: [3, 0] } },
  "larger than the image": { channels: [4, 5], size: [3, 2], kernel: [7, 9], options: { padding: [4, 6] } },
  "one channel": {
    batch: 2,
    channels: [1, 1],
    size: [9, 12],
    kernel: [3, 5],
    options: { padding: [1, 2] },
    bias: true,
  },
  "one pixel": {
    batch: 2,
    channels: [4, 4],
    size: [1, 1],
    kernel: [3, 3],
    options: { padding: 1 },
    bias: true,
  },
  "another stride along each axis": {
    channels: [4, 6],
    size: [12, 17],
    kernel: [3, 5],
    options: { stride: [3, 2], padding: [0, 3], dilation: [2, 1] },
  },
  "transposed, all places": {
    batch: 2,
    channels: [6, 5],
    size: [7, 6],
    kernel: [3, 4],
    transposed: true,
    bias: true,
    options: { stride: [3, 2], padding: [2, 1], dilation: [1, 2], outputPadding: [2, 1] },
  },
  "wider than a texture": { channels: [4, 4], size: [2, 20_000], kernel: [3, 3], options: { padding: 1 } },
  "more taps than a loop has turns": { channels: [1, 1], size: [251, 252], kernel: [250, 250] },
  "31 x 31 taps": {
    channels: [2, 3],
    size: [20, 24],
    kernel: [31, 31],
    options: { padding: 15 },
    bias: true,
  },
  "far apart": { channels: [5, 6], size: [40, 45], kernel: [3, 3], options: { padding: 9, dilation: 9 } },
  "stride beyond the kernel": { channels: [4, 4], size: [11, 13], kernel: [2, 2], options: { stride: 5 } },
  "transposed, stride beyond the kernel": {
    channels: [4, 4],
    size: [3, 4],
    kernel: [2, 2],
    transposed: true,
    options: { stride: 5, outputPadding: 3 },
  },
  "groups": {
    batch: 2,
    channels: [16, 24],
    size: [9, 9],
    kernel: [3, 3],
    options: { padding: 1, groups: 4 },
    bias: true,
  },
  "groups, transposed": {
    batch: 2,
    channels: [16, 8],
    size: [5, 6],
    kernel: [3, 3],
    transposed: true,
    options: { stride: 2, groups: 2 },
    bias: true,
  },
  "depthwise": {
    batch: 2,
    channels: [6, 6],
    size: [12, 10],
    kernel: [3, 3],
    options: { padding: 1, groups: 6 },
    bias: true,
  },
  "depthwise, dilated": {
    channels: [6, 12],
    size: [12, 30],
    kernel: [3, 3],
    options: { padding: [2, 3], dilation: [2, 3], stride: [1, 2], groups: 6 },
  },
  "depthwise, transposed": {
    channels: [3, 6],
    size: [6, 5],
    kernel: [4, 3],
    transposed: true,
    options: { stride: [2, 3], padding: 1, dilation: [1, 2], outputPadding: [0, 2], groups: 3 },
    bias: true,
  },
};

for (const [name, layer] of Object.entries(CASES)) {
  onBothDevices(`convolution layers: ${name}`, () => assertCase(layer));
}

onBothDevices("convolution layers: thirty random ones", async () => {
  const dice = randomValues(1000, 5);
  let at = 0;
  const roll = (low: number, high: number) =>
    low + Math.min(Math.floor((dice[at++] + 1) / 2 * (high - low + 1)), high - low);
  for (let seed = 0; seed < 30; seed++) {
    const transposed = roll(0, 2) === 0;
    const groups = [1, 1, 1, 2, 3][roll(0, 4)];
    const kernel = [roll(1, 6), roll(1, 6)] as const;
    const stride = [roll(1, 3), roll(1, 3)] as const, dilation = [roll(1, 3), roll(1, 3)] as const;
    const reach = kernel.map((taps, axis) => dilation[axis] * (taps - 1));
    const padding = [
      roll(0, transposed ? reach[0] >> 1 : 5),
      roll(0, transposed ? reach[1] >> 1 : 5),
    ] as const;
    const outputPadding = transposed ? [roll(0, stride[0] - 1), roll(0, stride[1] - 1)] as const : 0;
    const size = reach.map((taps, axis) => {
      return Math.max(transposed ? 1 : taps + 1 - 2 * padding[axis], 1) + roll(0, 9);
    });
    await assertCase({
      batch: roll(1, 3),
      channels: [groups * roll(1, 9), groups * roll(1, 9)],
      size: [size[0], size[1]],
      kernel,
      transposed,
      bias: roll(0, 1) === 1,
      options: { stride, padding, dilation, groups, outputPadding },
    }, seed);
  }
});

onBothDevices(
  'padding "same" keeps the size, one zero more behind where they are odd; "valid" is none',
  async () => {
    const dilation = [2, 1] as const;
    for (const [kernelHeight, kernelWidth] of [[3, 3], [2, 4], [1, 6]]) {
      const x = randomValues(4 * 7 * 8, 1), w = randomValues(16 * kernelHeight * kernelWidth, 2);
      using input = Tensor.from(x, [1, 4, 7, 8]);
      using weights = Tensor.from(w, [4, 4, kernelHeight, kernelWidth]);
      using same = input.conv2d(weights, { padding: "same", dilation });
      assert.deepEqual(same.shape, [1, 4, 7, 8]);
      const [rows, columns] = [dilation[0] * (kernelHeight - 1), kernelWidth - 1];
      using padded = input.pad(
        [[rows >> 1, Math.ceil(rows / 2)], [columns >> 1, Math.ceil(columns / 2)]],
        "constant",
      );
      using expected = padded.conv2d(weights, { padding: "valid", dilation });
      const error = relativeError(await same.data(), await expected.data());
      assert.ok(error < 1e-5, `${kernelHeight} x ${kernelWidth}: ${error}`);
    }
  },
);

onBothDevices("weights and biases that change between two calls count", async () => {
  const values = randomValues(4 * 4 * 9, 1);
  using x = Tensor.from(randomValues(4 * 6 * 6, 2), [1, 4, 6, 6]);
  using weights = Tensor.from(values, [4, 4, 3, 3]);
  using bias = Tensor.zeros([4]);
  const run = async (options: ConvolutionOptions = { padding: 1, bias }) => {
    using y = x.conv2d(weights, options);
    return await y.data();
  };
  const first = await run();
  assert.deepEqual(await run(), first);
  using one = Tensor.full([1, 1, 3, 3], 2);
  weights.writeSlice(one, [0, 0, 0, 0]);
  const second = await run();
  assert.notDeepEqual(second, first);
  using fresh = Tensor.from(await weights.data(), [4, 4, 3, 3]);
  using expected = x.conv2d(fresh, { padding: 1 });
  assert.deepEqual(second, await expected.data());
  using three = Tensor.full([4], 3);
  bias.writeSlice(three, [0]);
  const third = await run();
  assert.ok(third.every((value, i) => Math.abs(value - second[i] - 3) < 1e-4));
  const without = await run({ padding: 1 });
  assert.deepEqual(without, second);
});

onBothDevices("nothing is held but the result, and layers that were kept go with their weights", async () => {
  const device = defaultDevice();
  using x = Tensor.ones([1, 8, 12, 12]);
  await assertNothingLeaks(() => {
    for (let round = 0; round < 3; round++) {
      using weights = Tensor.ones([8, 8, 3, 3]);
      using bias = Tensor.ones([8]);
      using _first = x.conv2d(weights, { padding: 1 });
      using _second = x.conv2d(weights, { padding: 1, bias });
      using _third = x.convTranspose2d(weights, { stride: 2 });
    }
  });
  using weights = Tensor.ones([8, 8, 3, 3]);
  const before = device.memory().live;
  using y = x.conv2d(weights, { padding: 1 });
  assert.equal(device.memory().live - before, device.bufferBytes(y.numel));
});

onBothDevices("an empty batch gives an empty batch", async () => {
  using x = Tensor.zeros([0, 4, 5, 5]);
  using weights = Tensor.ones([6, 4, 3, 3]);
  using y = x.conv2d(weights, { padding: 1 });
  assert.deepEqual(y.shape, [0, 6, 5, 5]);
  assert.equal((await y.data()).length, 0);
  using filters = Tensor.ones([4, 1, 3, 3]);
  using bias = Tensor.ones([4]);
  using z = x.conv2d(filters, { groups: 4, bias });
  assert.deepEqual(z.shape, [0, 4, 3, 3]);
  using up = x.convTranspose2d(filters, { stride: 2 });
  assert.deepEqual(up.shape, [0, 1, 11, 11]);
});

onBothDevices("layers that do not fit are refused by name", () => {
  using x = Tensor.ones([1, 4, 5, 5]);
  using w = Tensor.ones([2, 4, 3, 3]);
  const refused = (message: RegExp, options: unknown, weights = w) =>
    assert.throws(() => x.conv2d(weights, options as ConvolutionOptions), (error: unknown) => {
      assert.ok(error instanceof InvalidArgumentError);
      assert.match(error.message, message);
      return true;
    });
  refused(/groups must be a whole number >= 1, got 1\.5/, { groups: 1.5 });
  refused(/\(O, C\/groups, h, w\) with 2 groups/, { groups: 2 });
  refused(/\(O, C\/groups, h, w\)/, {}, Tensor.ones([2, 3, 3, 3]));
  refused(/\(O, C\/groups, h, w\)/, {}, Tensor.ones([4, 3, 3]));
  refused(/Cannot conv2d: stride must be/, { stride: 0 });
  refused(/stride must be a whole number >= 1, or two of them, got 1,2,3/, { stride: [1, 2, 3] });
  refused(/dilation must be/, { dilation: [1, 0] });
  refused(/padding must be/, { padding: -1 });
  refused(/padding must be/, { padding: 0.5 });
  refused(/padding must be numbers, "valid", or/, { padding: "same", stride: 2 });
  refused(/padding must be numbers, "valid", or/, { padding: "reflect" });
  refused(/outputPadding must be 0 unless transposed, got 1/, { outputPadding: 1 });
  refused(/no larger than the padded input/, {}, Tensor.ones([2, 4, 6, 6]));
  refused(/no larger than the padded input/, { dilation: 3 });
  refused(/bias must be of shape \(2\), got \(3\)/, { bias: Tensor.ones([3]) });
  refused(/bias must be of shape \(2\), got \(1, 2\)/, { bias: Tensor.ones([1, 2]) });
  refused(/an operand must be a Tensor/, { bias: [1, 2] });
  using back = Tensor.ones([4, 2, 2, 2]);
  const refusedBack = (message: RegExp, options: ConvolutionOptions) =>
    assert.throws(() => x.convTranspose2d(back, options), message);
  refusedBack(/outputPadding must be less than the stride or the dilation/, { outputPadding: 1 });
  refusedBack(/larger than the padding/, { padding: 3 });
  refusedBack(/padding must be numbers for a transposed layer/, { padding: "same" });
  assert.throws(() => x.convTranspose2d(w), InvalidArgumentError);
});
