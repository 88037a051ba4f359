import assert from "node:assert/strict";
import { MAP_FUNCTIONS, type MapFunction, type MapKernel } from "../../src/compute/kernel.ts";
import { mapReference, randomValues, relativeError, runKernel } from "./oracle.ts";
import { gpuTest } from "./webgpu_open.ts";

const [S, T] = [0.7, 1.3];

const DEFINITIONS: Record<MapFunction, (...values: number[]) => number> = {
  fill: () => S,
  copy: (a) => a,
  neg: (a) => -a,
  abs: Math.abs,
  square: (a) => a * a,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  sign: Math.sign,
  relu: (a) => Math.max(a, 0),
  affine: (a) => S * a + T,
  reciprocal: (a) => S / a,
  power: (a) => a ** S,
  clamp: (a) => Math.min(Math.max(a, S), T),
  nonFinite: (a) => Number.isFinite(a) ? 0 : 1,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  minimum: Math.min,
  maximum: Math.max,
  axpy: (a, b) => a + S * b,
  greater: (a, b) => a > b ? 1 : 0,
  greaterEqual: (a, b) => a >= b ? 1 : 0,
  equal: (a, b) => a === b ? 1 : 0,
  where: (c, a, b) => c !== 0 ? a : b,
};

function contiguous(shape: readonly number[]): number[] {
  const strides: number[] = [];
  for (let d = shape.length - 1, stride = 1; d >= 0; stride *= shape[d], d--) strides.unshift(stride);
  return strides;
}

function elementwise(fn: MapFunction, shape: readonly number[]): MapKernel {
  const view = { offset: 0, strides: contiguous(shape) };
  return {
    kind: "map",
    fn,
    shape,
    inputs: Array(MAP_FUNCTIONS[fn]).fill(view),
    output: view,
    scalars: [S, T],
  };
}

const POSITIVE = new Set<MapFunction>(["sqrt", "log", "power"]);

gpuTest("map: every function, contiguous, four at a time and one at a time", async (device) => {
  for (const fn of Object.keys(MAP_FUNCTIONS) as MapFunction[]) {
    for (const length of [1, 7, 64, 1030]) {
      const inputs = Array.from({ length: MAP_FUNCTIONS[fn] }, (_, i) => {
        const values = randomValues(length, i + 1).map((v) => (POSITIVE.has(fn) ? Math.abs(v) : v) * 3);
        return fn === "where" && i === 0 ? values.map((v) => v > 0 ? v : 0) : values;
      });
      const kernel = elementwise(fn, [length]);
      const expected = mapReference(kernel, inputs, new Float32Array(length), DEFINITIONS[fn]);
      const whole = await runKernel(device, kernel, inputs, new Float32Array(length));
      assert.ok(relativeError(whole, expected) < 2e-6, `${fn} ${length}: ${relativeError(whole, expected)}`);

      const shifted = { ...kernel, output: { offset: 3, strides: [1] } };
      const initial = new Float32Array(length + 5).fill(-9);
      const part = await runKernel(device, shifted, inputs, initial);
      const untouched = [...part.subarray(0, 3), ...part.subarray(length + 3)];
      assert.ok(untouched.every((v) => v === -9), `${fn} wrote outside its view`);
      assert.ok(relativeError(part.slice(3, length + 3), expected) < 2e-6, fn);
    }
  }
});

gpuTest("map: NaN and infinities", async (device) => {
  const x = new Float32Array([NaN, Infinity, -Infinity, 0, -0, 1, -1, 3e38]);
  const b = new Float32Array([0, NaN, NaN, NaN, 2, NaN, 0, 0]);
  const run = async (fn: MapFunction, ...inputs: Float32Array[]) => [
    ...await runKernel(device, elementwise(fn, [x.length]), inputs, new Float32Array(x.length)),
  ];
  assert.deepEqual(await run("nonFinite", x), [1, 1, 1, 0, 0, 0, 0, 0]);
  assert.deepEqual(await run("clamp", x), [NaN, 1.3, 0.7, 0.7, 0.7, 1, 0.7, 1.3].map(Math.fround));
  assert.deepEqual(
    (await run("relu", x)).map((v) => v + 0),
    [NaN, Infinity, 0, 0, 0, 1, 0, 3e38].map(Math.fround),
  );
  assert.deepEqual(await run("maximum", x, b), [NaN, NaN, NaN, NaN, 2, NaN, 0, 3e38].map(Math.fround));
  assert.deepEqual((await run("minimum", x, b)).map((v) => v + 0), [NaN, NaN, NaN, NaN, 0, NaN, -1, 0]);
  assert.deepEqual(await run("equal", x, x), [0, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(await run("where", b, x, b), [0, Infinity, -Infinity, 0, -0, 1, 0, 0]);
  const zeroPower = { ...elementwise("power", [2]), scalars: [0, 0] as const };
  assert.deepEqual([...await runKernel(device, zeroPower, [new Float32Array([0, 5])], new Float32Array(2))], [
    1,
    1,
  ]);
});

gpuTest("map: broadcast, permuted, reversed, sliced views of up to six dimensions", async (device) => {
  let seed = 7;
  const pick = (n: number) => Math.floor((randomValues(1, seed++)[0] + 1) / 2 * n);
  for (let round = 0; round < 60; round++) {
    const rank = pick(7);
    const sizes = [1, 2, 3, 4, 5, 8, round % 9 === 0 ? 0 : 7];
    const shape = Array.from({ length: rank }, () => sizes[pick(7)]);
    const count = shape.reduce((a, b) => a * b, 1);
    const view = (broadcast: boolean) => {
      const order = shape.map((_, d) => d).sort(() => pick(2) - 0.5);
      const strides = shape.map(() => 0);
      let [stride, offset] = [1, [0, 3, 4][pick(3)]];
      if (pick(2) === 0) order.sort((a, b) => b - a);
      for (const d of order) {
        if (broadcast && pick(3) === 0) continue;
        const reversed = pick(4) === 0;
        strides[d] = reversed ? -stride : stride;
        if (reversed) offset += stride * Math.max(shape[d] - 1, 0);
        stride *= Math.max(shape[d], 1) + (pick(4) === 0 ? 4 : 0);
      }
      return { view: { offset, strides }, length: offset + stride + 16 };
    };
    const [a, b, out] = [view(true), view(true), view(false)];
    const kernel: MapKernel = {
      kind: "map",
      fn: "axpy",
      shape,
      inputs: [a.view, b.view],
      output: out.view,
      scalars: [S, T],
    };
    const inputs = [randomValues(a.length + count, 2), randomValues(b.length + count, 3)];
    const initial = randomValues(out.length + count, 4);
    const expected = mapReference(kernel, inputs, initial, DEFINITIONS.axpy);
    const result = await runKernel(device, kernel, inputs, initial);
    assert.ok(relativeError(result, expected) < 1e-6, JSON.stringify(kernel));
  }
});

gpuTest("map: in place, one buffer twice, and more than 65535 workgroups", async (device) => {
  const x = randomValues(37, 5);
  const buffer = device.allocate(37);
  device.write(buffer, x);
  device.run(elementwise("mul", [37]), [buffer, buffer], buffer);
  device.run(elementwise("axpy", [37]), [buffer, buffer], buffer);
  const squared = x.map((v) => v * v);
  assert.ok(relativeError(await device.read(buffer), squared.map((v) => v + S * v)) < 1e-6);
  device.release(buffer);

  const length = 65536 * 64 * 4 + 5;
  const large = device.allocate(length);
  device.run({ ...elementwise("fill", [length]), scalars: [2, 0] }, [], large);
  device.run(elementwise("square", [length]), [large], large);
  assert.ok((await device.read(large)).every((v) => v === 4));
  device.release(large);
  const tall = { ...elementwise("fill", [70000, 1]), output: { offset: 0, strides: [2, 1] } };
  const rows = await runKernel(device, tall, [], new Float32Array(140000));
  assert.ok(rows.every((v, i) => v === (i % 2 === 0 ? Math.fround(S) : 0)));
});
