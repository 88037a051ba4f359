import { CpuDevice } from "../../src/compute/cpu/device.ts";
import { DeviceError, OutOfMemoryError } from "../../src/compute/errors.ts";
import {
  type AxisTable,
  type ConvolveKernel,
  MAP_FUNCTIONS,
  type MapFunction,
  type MapKernel,
  type View,
} from "../../src/compute/kernel.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import {
  axisReference,
  convolveReference,
  mapReference,
  randomValues,
  relativeError,
  runKernel,
  upload,
} from "./oracle.ts";
import assert from "node:assert/strict";

const S = 0.25, T = 0.75;

/** Every function anew, by its description in the contract. */
const DEFINITIONS: Record<MapFunction, (a: number, b: number, c: number) => number> = {
  fill: () => S,
  copy: (a) => a,
  neg: (a) => 0 - a,
  abs: (a) => Math.max(a, -a),
  square: (a) => a ** 2,
  sqrt: (a) => a ** 0.5,
  exp: (a) => Math.E ** a,
  log: (a) => Math.log2(a) * Math.LN2,
  sin: (a) => Math.cos(a - Math.PI / 2),
  cos: (a) => Math.sin(a + Math.PI / 2),
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : a),
  relu: (a) => Math.max(a, 0),
  affine: (a) => S * a + T,
  reciprocal: (a) => S * a ** -1,
  power: (a) => Math.exp(S * Math.log(a)),
  clamp: (a) => Math.min(Math.max(a, S), T),
  nonFinite: (a) => (Number.isNaN(a) || Math.abs(a) === Infinity ? 1 : 0),
  add: (a, b) => b + a,
  sub: (a, b) => -(b - a),
  mul: (a, b) => b * a,
  div: (a, b) => a * b ** -1,
  minimum: (a, b) => (Number.isNaN(a + b) ? NaN : a < b ? a : b),
  maximum: (a, b) => (Number.isNaN(a + b) ? NaN : a > b ? a : b),
  axpy: (a, b) => S * b + a,
  greater: (a, b) => Number(b < a),
  greaterEqual: (a, b) => Number(b <= a),
  equal: (a, b) => Number(!(a < b || a > b || Number.isNaN(a + b))),
  where: (c, a, b) => (c === 0 ? b : a),
};

const FUNCTIONS = Object.keys(MAP_FUNCTIONS) as MapFunction[];

/** Positive where the function wants it; a few equal values and zeros among them. */
function operand(fn: MapFunction, length: number, seed: number): Float32Array {
  const values = randomValues(length, seed);
  const positive = fn === "sqrt" || fn === "log" || fn === "power" || fn === "div" || fn === "reciprocal";
  return values.map((value, i) => (positive ? Math.abs(value) + 0.1 : i % 5 === 0 ? 0 : value));
}

function kernelOf(fn: MapFunction, shape: readonly number[], inputs: View[], output: View): MapKernel {
  return { kind: "map", fn, shape, inputs, output, scalars: [S, T] };
}

async function assertMap(kernel: MapKernel, inputs: Float32Array[], initial: Float32Array): Promise<void> {
  using opened = open();
  const actual = await runKernel(opened.device, kernel, inputs, initial);
  const expected = mapReference(
    kernel,
    inputs,
    initial,
    (a, b, c) => DEFINITIONS[kernel.fn](a, b, c),
  );
  assert.ok(relativeError(actual, expected) < 1e-6, `${kernel.fn} over (${kernel.shape})`);
}

function open(memoryBudget?: number): { device: CpuDevice } & Disposable {
  const device = new CpuDevice({ memoryBudget });
  return { device, [Symbol.dispose]: () => device.close() };
}

Deno.test("every function, contiguous", async () => {
  for (const fn of FUNCTIONS) {
    const view = { offset: 0, strides: [1] };
    const inputs = Array.from({ length: MAP_FUNCTIONS[fn] }, (_, k) => operand(fn, 37, k + 1));
    await assertMap(kernelOf(fn, [37], inputs.map(() => view), view), inputs, new Float32Array(37));
  }
});

Deno.test("every function through broadcast, reversed and permuted views into a part of the output", async () => {
  const shape = [2, 3, 4];
  const views = [
    { offset: 0, strides: [0, 4, 1] },
    { offset: 23, strides: [-12, -4, -1] },
    { offset: 5, strides: [1, 8, 2] },
  ];
  const output = { offset: 3, strides: [20, 1, 5] };
  for (const fn of FUNCTIONS) {
    const count = MAP_FUNCTIONS[fn];
    const inputs = Array.from({ length: count }, (_, k) => operand(fn, 40, k + 1));
    await assertMap(kernelOf(fn, shape, views.slice(0, count), output), inputs, new Float32Array(48).fill(9));
  }
});

Deno.test("NaN and infinities pass as the contract says", async () => {
  using opened = open();
  const special = Float32Array.of(NaN, Infinity, -Infinity, 0, NaN);
  const other = Float32Array.of(1, NaN, 2, NaN, NaN);
  const view = { offset: 0, strides: [1] };
  for (const fn of ["minimum", "maximum", "clamp", "relu", "sign", "nonFinite", "equal"] as const) {
    const inputs = [special, other].slice(0, MAP_FUNCTIONS[fn]);
    const kernel = kernelOf(fn, [5], inputs.map(() => view), view);
    const actual = await runKernel(opened.device, kernel, inputs, new Float32Array(5));
    const nan = { minimum: "yyny", maximum: "yyny", clamp: "ynnn", relu: "ynnn", sign: "ynnn" }[fn as string];
    if (nan) [...nan].forEach((mark, i) => assert.equal(Number.isNaN(actual[i]), mark === "y", `${fn} ${i}`));
    else assert.deepEqual([...actual], fn === "equal" ? [0, 0, 0, 0, 0] : [1, 1, 1, 0, 1]);
  }
});

Deno.test("an elementwise kernel may run in place, over scalars and over nothing", async () => {
  using opened = open();
  const { device } = opened;
  const buffer = upload(device, Float32Array.of(1, 2, 3));
  const view = { offset: 0, strides: [1] };
  device.run(kernelOf("affine", [3], [view], view), [buffer], buffer);
  assert.deepEqual([...await device.read(buffer)], [1, 1.25, 1.5]);
  const scalar = { offset: 0, strides: [] };
  device.run(kernelOf("neg", [], [scalar], scalar), [buffer], buffer);
  assert.deepEqual([...await device.read(buffer)], [-1, 1.25, 1.5]);
  const nothing = { offset: 0, strides: [1, 1] };
  device.run(kernelOf("fill", [3, 0], [], nothing), [], buffer);
  assert.deepEqual([...await device.read(buffer)], [-1, 1.25, 1.5]);
});

Deno.test("reductions of rows, of one value and of nothing", async () => {
  using opened = open();
  const folds = {
    sum: (a: number[]) => a.reduce((sum, value) => sum + value, 0),
    sumSquares: (a: number[]) => a.reduce((sum, value) => sum + value * value, 0),
    dot: (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0),
    max: (a: number[]) => Math.max(...a),
    min: (a: number[]) => Math.min(...a),
  } as const;
  for (const [rows, length] of [[1, 1], [3, 7], [5, 1000], [4, 0], [0, 3]]) {
    for (const fn of Object.keys(folds) as (keyof typeof folds)[]) {
      const inputs = [1, 2].slice(0, fn === "dot" ? 2 : 1).map((seed) => randomValues(rows * length, seed));
      const row = (r: number) => inputs.map((x) => [...x.subarray(r * length, (r + 1) * length)]);
      const expected = Array.from({ length: rows }, (_, r) => {
        const [a, b] = row(r);
        return folds[fn](a, b);
      });
      const kernel = { kind: "reduce", fn, rows, length } as const;
      const actual = await runKernel(opened.device, kernel, inputs, new Float32Array(rows));
      if (length === 0) assert.deepEqual([...actual], expected, fn);
      else assert.ok(relativeError(actual, expected) < 1e-6, `${fn} of ${rows} x ${length}`);
    }
  }
});

Deno.test("sparse matrices along an axis, weighted and not, with empty and repeated entries", async () => {
  using opened = open();
  const offsets = Int32Array.of(0, 2, 2, 3, 6), indices = Int32Array.of(4, 1, 0, 2, 2, 3);
  const weights = Float32Array.of(0.5, -1, 2, 1, 1, 3);
  for (const table of [{ columns: 5, offsets, indices }, { columns: 5, offsets, indices, weights }]) {
    for (const [outer, inner] of [[1, 1], [3, 1], [2, 4], [1, 7], [0, 2], [2, 0]]) {
      const x = randomValues(outer * 5 * inner);
      const kernel = { kind: "axis", outer, inner, table: table as AxisTable } as const;
      const initial = new Float32Array(outer * 4 * inner).fill(9);
      const actual = await runKernel(opened.device, kernel, [x], initial);
      assert.ok(relativeError(actual, axisReference(table, outer, inner, x)) < 1e-6);
    }
  }
});

Deno.test("matrix products, also of nothing, have the bits of sums in float64", async () => {
  using opened = open();
  const sizes = [
    ...[[1, 1, 1, 1], [2, 3, 5, 4], [3, 17, 9, 8], [1, 2, 0, 2], [0, 2, 2, 2], [2, 0, 3, 2], [1, 2, 3, 0]],
    ...[[1, 1, 300, 151], [1, 151, 300, 1], [1, 5, 1, 83], [2, 70, 33, 67], [1, 9, 5001, 21], [
      2,
      66,
      3,
      130,
    ]],
  ];
  for (const [batch, m, k, n] of sizes) {
    const a = randomValues(batch * m * k, 1), b = randomValues(batch * k * n, 2);
    const expected = Array.from({ length: batch * m * n }, (_, at) => {
      const [item, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a[(item * m + i) * k + l] * b[(item * k + l) * n + j];
      return sum;
    });
    const kernel = { kind: "matmul", batch, m, k, n } as const;
    const actual = await runKernel(opened.device, kernel, [a, b], new Float32Array(batch * m * n).fill(9));
    assert.deepEqual(actual, Float32Array.from(expected), `${batch} x ${m} x ${k} x ${n}`);
  }
  const special = Float32Array.of(NaN, Infinity, -Infinity, 0);
  const kernel = { kind: "matmul", batch: 1, m: 4, k: 1, n: 4 } as const;
  const products = await runKernel(opened.device, kernel, [special, special], new Float32Array(16));
  assert.deepEqual(
    products,
    Float32Array.from({ length: 16 }, (_, at) => special[at >> 2] * special[at & 3]),
  );
});

Deno.test("dense convolution layers and their transposes", async () => {
  using opened = open();
  const sizes = { inChannels: 4, outChannels: 6, kernelHeight: 3, kernelWidth: 2 };
  for (const transposed of [false, true]) {
    for (const [stride, padding, groups] of [[1, 0, 1], [1, 1, 2], [2, 0, 2], [3, 1, 1]]) {
      const options = { stride, padding, groups, transposed };
      const kernel: ConvolveKernel = {
        kind: "convolve",
        batch: 2,
        height: 6,
        width: 5,
        ...sizes,
        ...options,
      };
      const x = randomValues(2 * 4 * 6 * 5, 1), weights = randomValues(4 * 6 * 6 / groups, 2);
      const expected = convolveReference(kernel, x, weights);
      const actual = await runKernel(opened.device, kernel, [x, weights], new Float32Array(expected.length));
      assert.ok(relativeError(actual, expected) < 1e-6, JSON.stringify(options));
    }
  }
});

Deno.test("buffers are written in parts, read as copies, and released once", async () => {
  using opened = open();
  using other = open();
  const { device } = opened;
  const buffer = device.allocate(4);
  const data = Float32Array.of(1, 2);
  device.write(buffer, Float32Array.of(0, 0, 0, 0));
  device.write(buffer, data, 1);
  data[0] = 9;
  const copy = await device.read(buffer);
  assert.deepEqual([...copy], [0, 1, 2, 0]);
  copy[0] = 5;
  assert.equal((await device.read(buffer))[0], 0);
  assert.throws(() => device.write(buffer, data, 3), /at most the buffer's 4 values, got 3 \+ 2/);
  assert.throws(() => device.write(buffer, data, -1), InvalidArgumentError);
  assert.throws(() => device.allocate(-1), InvalidArgumentError);
  assert.throws(() => other.device.write(buffer, data), DeviceError);
  device.release(buffer);
  assert.throws(() => device.release(buffer), DeviceError);
  await assert.rejects(() => device.read(buffer), DeviceError);
});

Deno.test("memory is counted against the budget, feature maps too", () => {
  using opened = open(1 << 16);
  const { device } = opened;
  const buffer = device.allocate(8192);
  assert.equal(device.memory().live, 32768);
  assert.equal(device.memory().budget, 1 << 16);
  assert.throws(() => device.allocate(8193), (error: unknown) => {
    assert.ok(error instanceof OutOfMemoryError);
    assert.deepEqual([error.requested, error.live, error.budget], [32772, 32768, 1 << 16]);
    return true;
  });
  assert.throws(() => device.conv.allocate(16, 64, 64), OutOfMemoryError);
  device.release(buffer);
  assert.equal(device.memory().live, 0);
  assert.ok(device.memory().peak >= 32768);
});

Deno.test("on a closed device nothing works but release", async () => {
  const device = new CpuDevice();
  const buffer = device.allocate(1);
  device.close();
  device.close();
  assert.throws(() => device.allocate(1), DeviceError);
  assert.throws(() => device.write(buffer, Float32Array.of(1)), DeviceError);
  await assert.rejects(() => device.read(buffer), DeviceError);
  device.release(buffer);
});
