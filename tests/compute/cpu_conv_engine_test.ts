import assert from "node:assert/strict";
import type { ConvSpec, FeatureMap } from "../../src/compute/conv_engine.ts";
import { Arena } from "../../src/compute/cpu/arena.ts";
import type { CpuBuffer } from "../../src/compute/cpu/buffer.ts";
import { CpuConvEngine } from "../../src/compute/cpu/conv_engine.ts";
import { ThreadPool } from "../../src/compute/cpu/threads/pool.ts";
import { arithmetic } from "../../src/compute/cpu/wasm/simd.ts";
import type { Device } from "../../src/compute/device.ts";
import { DeviceError, OutOfMemoryError } from "../../src/compute/errors.ts";
import { geometryOf, outputSize } from "../../src/compute/conv_geometry.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { convolution, random, relativeError } from "./cpu_reference.ts";
import { LAYERS, weightCount } from "./layers.ts";

const TOLERANCE = 2e-5;
const PLAIN: ConvSpec = {
  ...LAYERS.conv3x3,
  inChannels: 1,
  outChannels: 1,
  bias: false,
  activation: "none",
  addends: 0,
};

function buffer(data: Float32Array): CpuBuffer {
  return { device: {} as Device, length: data.length, data, version: 0, released: false };
}

function load(
  engine: CpuConvEngine,
  x: Float32Array,
  channels: number,
  height: number,
  width: number,
): FeatureMap {
  const map = engine.allocate(channels, height, width);
  engine.pack(buffer(x), 0, map);
  return map;
}

function values(engine: CpuConvEngine, map: FeatureMap): Float32Array {
  const out = new Float32Array(map.channels * map.height * map.width).fill(NaN);
  engine.unpack(map, buffer(out), 0);
  return out;
}

/** Applies a layer of random weights through the engine and from its definition; the relative error. */
function compare(engine: CpuConvEngine, spec: ConvSpec, height: number, width: number): number {
  const x = random(spec.inChannels * height * width, 1);
  const weights = random(weightCount(spec), 2);
  const bias = spec.bias ? random(spec.outChannels, 3) : undefined;
  const input = load(engine, x, spec.inChannels, height, width);
  const shape = [spec.outChannels, ...outputSize(geometryOf(spec), height, width)] as const;
  const addends = [4, 5].slice(0, spec.addends).map((seed) => random(shape[0] * shape[1] * shape[2], seed));
  const maps = addends.map((addend) => load(engine, addend, ...shape));
  const output = engine.allocate(...shape);
  const layer = engine.prepare(spec, weights, bias);
  engine.apply(layer, input, output, maps);
  const expected = convolution(spec, x, height, width, weights, bias);
  for (const addend of addends) addend.forEach((value, i) => expected[i] += value);
  const error = relativeError(values(engine, output), expected);
  engine.discard(layer);
  for (const map of [input, output, ...maps]) engine.release(map);
  return error;
}

Deno.test("convolutions of every size and channel count match their definition", () => {
  const arena = new Arena();
  const engine = new CpuConvEngine(arena);
  const channels = [[1, 1], [3, 5], [4, 16], [16, 3], [5, 20], [20, 64], [64, 4], [1, 37]];
  const sizes = [[1, 1], [1, 7], [5, 7], [4, 4], [13, 3], [8, 12], [9, 31]];
  for (const op of ["conv3x3", "down2x2", "up2x2"] as const) {
    for (const [inChannels, outChannels] of channels) {
      for (const [h, w] of sizes) {
        const [height, width] = op === "down2x2" ? [2 * h, 2 * w] : [h, w];
        const spec = { ...PLAIN, ...LAYERS[op], inChannels, outChannels };
        const error = compare(engine, spec, height, width);
        assert.ok(error <= TOLERANCE, `${op} ${inChannels}->${outChannels} at ${height}x${width}: ${error}`);
      }
    }
  }
  assert.deepEqual([arena.live, engine.live], [0, 0]);
});

Deno.test("bias, activation and addends in every combination", () => {
  const engine = new CpuConvEngine(new Arena());
  for (const op of ["conv3x3", "down2x2", "up2x2"] as const) {
    for (const bias of [false, true]) {
      for (const activation of ["none", "relu"] as const) {
        for (const addends of [0, 1, 2] as const) {
          const spec = { ...LAYERS[op], inChannels: 6, outChannels: 37, bias, activation, addends };
          const error = compare(engine, spec, 6, 10);
          assert.ok(error <= TOLERANCE, `${JSON.stringify(spec)}: ${error}`);
        }
      }
    }
  }
});

Deno.test("many channels and many tiles stay within the tolerance", () => {
  const engine = new CpuConvEngine(new Arena());
  for (const [inChannels, outChannels, size] of [[128, 128, 20], [300, 24, 9], [520, 8, 6]]) {
    const error = compare(engine, { ...PLAIN, inChannels, outChannels }, size, size + 1);
    assert.ok(error <= TOLERANCE, `${inChannels}->${outChannels}: ${error}`);
  }
});

Deno.test("without relaxed SIMD the results agree", () => {
  const engine = new CpuConvEngine(new Arena(), arithmetic(false));
  for (const op of ["conv3x3", "down2x2", "up2x2"] as const) {
    const spec = {
      ...LAYERS[op],
      inChannels: 16,
      outChannels: 12,
      bias: true,
      activation: "relu",
      addends: 1,
    } as const;
    assert.ok(compare(engine, spec, 14, 18) <= TOLERANCE, op);
  }
});

Deno.test("memory with dirty contents never leaks into a result", () => {
  const arena = new Arena();
  const engine = new CpuConvEngine(arena);
  const bytes = 4 << 20;
  for (const [inChannels, outChannels, height, width] of [[3, 5, 5, 7], [4, 4, 8, 8], [1, 3, 2, 9]]) {
    const address = arena.reserve(bytes);
    arena.view(address, bytes / 4).fill(NaN);
    arena.release(address, bytes);
    for (const op of ["conv3x3", "up2x2"] as const) {
      const spec = { ...PLAIN, ...LAYERS[op], inChannels, outChannels };
      assert.ok(compare(engine, spec, height, width) <= TOLERANCE, `${op} at ${height}x${width}`);
    }
  }
});

Deno.test("addresses beyond 2 GiB work", () => {
  const arena = new Arena();
  arena.reserve(2 ** 31 + 2 ** 20);
  const engine = new CpuConvEngine(arena);
  for (const op of ["conv3x3", "down2x2", "up2x2"] as const) {
    const spec = { ...PLAIN, ...LAYERS[op], inChannels: 5, outChannels: 6, addends: 2 as const };
    assert.ok(compare(engine, spec, 6, 10) <= TOLERANCE, op);
  }
});

Deno.test("a chain of layers sees zeros around every image", () => {
  const engine = new CpuConvEngine(new Arena());
  const channels = 6;
  const spec = { ...PLAIN, inChannels: channels, outChannels: channels, bias: true };
  const weights = random(channels * channels * 9, 1);
  const bias = random(channels, 2);
  const layer = engine.prepare(spec, weights, bias);
  for (const [height, width] of [[1, 4], [4, 5], [5, 6], [6, 7], [7, 9]]) {
    let x = random(channels * height * width, 3);
    const [a, b] = [load(engine, x, channels, height, width), engine.allocate(channels, height, width)];
    for (const [from, to] of [[a, b], [b, a], [a, b]]) {
      engine.apply(layer, from, to, []);
      x = new Float32Array(convolution(spec, x, height, width, weights, bias));
    }
    assert.ok(relativeError(values(engine, b), x) <= TOLERANCE, `${height}x${width}`);
  }
});

Deno.test("the output may be one of the addends", () => {
  const engine = new CpuConvEngine(new Arena());
  const spec = { ...PLAIN, inChannels: 5, outChannels: 5, addends: 2 as const };
  const [x, y] = [random(5 * 63, 1), random(5 * 63, 2)];
  const weights = random(225, 3);
  const [input, output] = [load(engine, x, 5, 7, 9), load(engine, y, 5, 7, 9)];
  engine.apply(engine.prepare(spec, weights), input, output, [input, output]);
  const expected = convolution(spec, x, 7, 9, weights).map((value, i) => value + x[i] + y[i]);
  assert.ok(relativeError(values(engine, output), expected) <= TOLERANCE);
});

Deno.test("pack and unpack respect offsets and leave the rest alone", () => {
  const arena = new Arena();
  const engine = new CpuConvEngine(arena);
  const source = arena.view(arena.reserve(4 * 100), 100);
  source.set(random(100, 1));
  const map = engine.allocate(3, 2, 5);
  engine.pack(buffer(source), 7, map);
  const target = new Float32Array(40).fill(9);
  engine.unpack(map, buffer(target), 4);
  assert.deepEqual(target.slice(4, 34), new Float32Array(source.slice(7, 37)));
  assert.ok([...target.slice(0, 4), ...target.slice(34)].every((value) => value === 9));
  assert.throws(() => engine.pack(buffer(source), 71, map), InvalidArgumentError);
  assert.throws(() => engine.unpack(map, buffer(target), -1), InvalidArgumentError);
});

Deno.test("pack and unpack of any shape, inside the arena and outside, by any number of threads", () => {
  for (const threads of [1, 3]) {
    const arena = new Arena();
    using pool = threads > 1 ? new ThreadPool(arena, threads) : undefined;
    const engine = new CpuConvEngine(arena, undefined, pool);
    for (
      const [c, h, w] of [[1, 1, 1], [3, 2, 5], [4, 9, 4], [6, 1, 7], [7, 5, 3], [33, 20, 31], [66, 64, 65]]
    ) {
      const length = c * h * w;
      const planes = random(length, c);
      const inside = arena.view(arena.reserve(4 * (length + 8)), length + 8);
      inside.fill(9).set(planes, 3);
      const [map, other] = [engine.allocate(c, h, w), load(engine, planes, c, h, w)];
      engine.pack(buffer(inside), 3, map);
      assert.deepEqual(values(engine, map), planes, `${c}x${h}x${w}: packed`);
      inside.fill(9);
      engine.unpack(other, buffer(inside), 5);
      assert.deepEqual(inside.slice(5, 5 + length), planes, `${c}x${h}x${w}: unpacked`);
      assert.deepEqual([...inside.slice(0, 5), ...inside.slice(5 + length)], Array(8).fill(9));
      // A layer of ones sees zeros around the image and in channels that pad it.
      const sum = engine.allocate(1, h, w);
      const ones = new Float32Array(9 * c).fill(1);
      const layer = engine.prepare({ ...PLAIN, inChannels: c }, ones);
      engine.apply(layer, map, sum, []);
      const expected = convolution({ ...PLAIN, inChannels: c }, planes, h, w, ones);
      assert.ok(relativeError(values(engine, sum), expected) <= TOLERANCE, `${c}x${h}x${w}: border`);
    }
  }
});

Deno.test("relu keeps NaN", () => {
  const engine = new CpuConvEngine(new Arena());
  const input = load(engine, new Float32Array(16).fill(NaN), 1, 4, 4);
  const output = engine.allocate(1, 4, 4);
  const layer = engine.prepare({ ...PLAIN, activation: "relu" }, new Float32Array(9).fill(1));
  engine.apply(layer, input, output, []);
  assert.ok(values(engine, output).every(Number.isNaN));
});

Deno.test("layers and shapes that do not fit are refused", () => {
  const engine = new CpuConvEngine(new Arena());
  const weights = new Float32Array(2 * 3 * 9);
  const spec = { ...PLAIN, inChannels: 2, outChannels: 3 };
  const refused = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof InvalidArgumentError && message.test(error.message));
  refused(() => engine.prepare(spec, weights.subarray(1)), /weights must be 54 values, got 53/);
  refused(() => engine.prepare({ ...spec, bias: true }, weights), /bias must be 3 values, got 0/);
  refused(() => engine.prepare(spec, weights, new Float32Array(3)), /bias must be 0 values, got 3/);
  refused(() => engine.prepare({ ...spec, inChannels: 0 }, weights), /inChannels/);
  refused(() => engine.prepare({ ...spec, kernel: 0 }, weights), /kernel must be a whole number >= 1/);
  refused(() => engine.prepare({ ...spec, kernel: [3, 1.5] }, weights), /kernel .* got 3,1.5/);
  refused(() => engine.prepare({ ...spec, stride: 0 }, weights), /stride must be a whole number >= 1/);
  refused(() => engine.prepare({ ...spec, padding: -1 }, weights), /padding must be a whole number >= 0/);
  refused(() => engine.prepare({ ...spec, outputPadding: 1 }, weights), /outputPadding must be 0 unless/);
  refused(
    () => engine.prepare({ ...spec, activation: "gelu" as "relu" }, weights),
    /activation must be none,/,
  );
  refused(() => engine.prepare({ ...spec, alpha: NaN }, weights), /alpha must be finite/);
  refused(() => engine.prepare({ ...spec, addends: 3 as 2 }, weights), /addends/);
  refused(() => engine.allocate(1, 0, 4), /height must be a whole number >= 1, got 0/);
  const layer = engine.prepare(spec, weights);
  const [x, y, wrong] = [engine.allocate(2, 4, 6), engine.allocate(3, 4, 6), engine.allocate(3, 6, 4)];
  refused(() => engine.apply(layer, y, y, []), /input must be of 2 channels, got \(3, 4, 6\)/);
  refused(() => engine.apply(layer, x, wrong, []), /output must be of shape \(3, 4, 6\), got \(3, 6, 4\)/);
  refused(() => engine.apply(layer, x, y, [y]), /addends must be 0 feature maps, got 1/);
  const residual = engine.prepare({ ...spec, addends: 1 }, weights);
  refused(() => engine.apply(residual, x, y, [wrong]), /addends must be of shape/);
  const square = engine.prepare({ ...PLAIN, inChannels: 3, outChannels: 3 }, new Float32Array(81));
  refused(() => engine.apply(square, y, y, []), /output must be another map than input/);
  const down = engine.prepare({ ...spec, ...LAYERS.down2x2 }, new Float32Array(24));
  refused(() => engine.apply(down, engine.allocate(2, 1, 6), y, []), /large enough for the kernel/);
});

Deno.test("what was released, or belongs elsewhere, is refused", () => {
  const [engine, other] = [new CpuConvEngine(new Arena()), new CpuConvEngine(new Arena())];
  const layer = engine.prepare(PLAIN, new Float32Array(9));
  const [x, y] = [engine.allocate(1, 2, 2), engine.allocate(1, 2, 2)];
  assert.throws(() => engine.apply(layer, x, other.allocate(1, 2, 2), []), DeviceError);
  assert.throws(() => other.apply(layer, x, y, []), DeviceError);
  engine.release(y);
  assert.throws(() => engine.apply(layer, x, y, []), DeviceError);
  assert.throws(() => engine.release(y), DeviceError);
  engine.discard(layer);
  assert.throws(() => engine.discard(layer), DeviceError);
  assert.throws(() => new CpuConvEngine(new Arena(1 << 16)).allocate(64, 64, 64), OutOfMemoryError);
});
