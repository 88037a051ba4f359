import assert from "node:assert/strict";
import { MAP_FUNCTIONS, type MapFunction, type MapKernel } from "../../src/compute/kernel.ts";
import { axisReference, convolveReference, correlateReference, mapReference } from "./oracle.ts";
import { randomValues, relativeError, runKernel } from "./oracle.ts";
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

gpuTest("reduce: every function over rows of any length", async (device) => {
  for (
    const [rows, length] of [[1, 1], [1, 33], [3, 32], [2, 4096], [5, 4097], [1, 300001], [70000, 5], [
      70000,
      34,
    ]]
  ) {
    const a = randomValues(rows * length, 1);
    const b = randomValues(rows * length, 2);
    const expected = { sum: [], sumSquares: [], dot: [], max: [], min: [] } as Record<string, number[]>;
    for (let r = 0; r < rows; r++) {
      let [sum, squares, dot, max, min] = [0, 0, 0, -Infinity, Infinity];
      for (let i = r * length; i < (r + 1) * length; i++) {
        sum += a[i];
        squares += a[i] * a[i];
        dot += a[i] * b[i];
        max = Math.max(max, a[i]);
        min = Math.min(min, a[i]);
      }
      for (const [fn, v] of Object.entries({ sum, sumSquares: squares, dot, max, min })) expected[fn].push(v);
    }
    for (const fn of ["sum", "sumSquares", "dot", "max", "min"] as const) {
      const inputs = fn === "dot" ? [a, b] : [a];
      const result = await runKernel(
        device,
        { kind: "reduce", fn, rows, length },
        inputs,
        new Float32Array(rows),
      );
      const scale = fn === "sum" || fn === "dot" ? Math.sqrt(length) : Math.max(...expected[fn].slice(0, 9));
      const error = Math.max(...result.slice(0, 50000).map((v, r) => Math.abs(v - expected[fn][r]))) /
        Math.abs(scale);
      assert.ok(error < 2e-6, `${fn} ${rows} x ${length}: ${error}`);
    }
  }
});

gpuTest("reduce: empty rows, no rows, NaN", async (device) => {
  const identities = { sum: 0, sumSquares: 0, dot: 0, max: -Infinity, min: Infinity };
  for (const [fn, identity] of Object.entries(identities)) {
    const kernel = { kind: "reduce", fn: fn as keyof typeof identities, rows: 3, length: 0 } as const;
    const inputs = fn === "dot" ? [new Float32Array(0), new Float32Array(0)] : [new Float32Array(0)];
    assert.deepEqual(
      [...await runKernel(device, kernel, inputs, new Float32Array(3))],
      Array(3).fill(identity),
    );
    const none = await runKernel(device, { ...kernel, rows: 0, length: 5 }, inputs, new Float32Array(0));
    assert.equal(none.length, 0);
  }
  for (const length of [9, 500]) {
    const x = randomValues(length);
    x[length - 2] = NaN;
    for (const fn of ["max", "min", "sum"] as const) {
      const kernel = { kind: "reduce", fn, rows: 1, length } as const;
      assert.deepEqual([...await runKernel(device, kernel, [x], new Float32Array(1))], [NaN]);
    }
  }
});

gpuTest("axis: weighted and plain tables along any axis", async (device) => {
  for (
    const [outer, inner, columns, rows] of [[2, 1, 9, 13], [3, 5, 7, 4], [1, 64, 11, 1], [2, 36, 5, 300], [
      1,
      3,
      2,
      0,
    ]]
  ) {
    const offsets = new Int32Array(rows + 1);
    const indices: number[] = [];
    for (let o = 0; o < rows; o++) {
      for (let k = 0; k < o % 4; k++) indices.push((o * 5 + k * 3) % columns);
      offsets[o + 1] = indices.length;
    }
    for (const weights of [undefined, randomValues(indices.length, 9)]) {
      const table = { columns, offsets, indices: Int32Array.from(indices), weights };
      const x = randomValues(outer * columns * inner);
      const result = await runKernel(
        device,
        { kind: "axis", outer, inner, table },
        [x],
        new Float32Array(outer * rows * inner),
      );
      assert.ok(
        relativeError(result, axisReference(table, outer, inner, x)) < 1e-6,
        `${outer} ${inner} ${rows}`,
      );
    }
  }
});

gpuTest("axis: tables with one entry per row", async (device) => {
  for (
    const [outer, inner, columns, rows] of [[1, 1, 4, 1], [700, 1, 9, 131], [3, 4, 7, 50], [2, 300, 5, 8]]
  ) {
    const offsets = Int32Array.from({ length: rows + 1 }, (_, o) => o);
    const indices = Int32Array.from({ length: rows }, (_, o) => (o * 5 + 3) % columns);
    for (const weights of [undefined, randomValues(rows, 9)]) {
      const table = { columns, offsets, indices, weights };
      const x = randomValues(outer * columns * inner);
      const initial = new Float32Array(outer * rows * inner);
      const result = await runKernel(device, { kind: "axis", outer, inner, table }, [x], initial);
      assert.ok(
        relativeError(result, axisReference(table, outer, inner, x)) < 1e-6,
        `${outer} ${inner} ${rows}`,
      );
    }
  }
});

gpuTest("correlate: filters of any size, shared or not, flipped or not", async (device) => {
  const cases = [
    [1, 1, 1, 1, 1, 1],
    [2, 3, 12, 15, 5, 5],
    [1, 2, 9, 40, 1, 9],
    [1, 2, 40, 9, 17, 1],
    [1, 3, 31, 37, 4, 11],
    [2, 1, 7, 5, 7, 5],
    [1, 1, 50, 47, 25, 25],
    [1, 1, 3, 70, 2, 1],
    [2, 2, 6, 6, 1, 1],
    [1, 1, 2, 2, 3, 1],
  ];
  for (const [batch, channels, height, width, filterHeight, filterWidth] of cases) {
    for (
      const [filterBatch, filterChannels, flip] of [[1, 1, false], [batch, channels, true], [
        1,
        channels,
        true,
      ]] as const
    ) {
      const kernel = {
        kind: "correlate",
        batch,
        channels,
        height,
        width,
        filterBatch,
        filterChannels,
        filterHeight,
        filterWidth,
        flip,
      } as const;
      const x = randomValues(batch * channels * height * width, 1);
      const h = randomValues(filterBatch * filterChannels * filterHeight * filterWidth, 2);
      const expected = correlateReference(kernel, x, h);
      const result = await runKernel(device, kernel, [x, h], new Float32Array(expected.length));
      assert.ok(
        relativeError(result, expected) < 2e-6,
        JSON.stringify(kernel) + relativeError(result, expected),
      );
    }
  }
});

gpuTest("matmul: any size, batched", async (device) => {
  for (
    const [batch, m, k, n] of [[1, 1, 1, 1], [3, 5, 7, 9], [1, 64, 33, 40], [2, 1, 100, 3], [1, 4, 0, 4], [
      1,
      0,
      3,
      2,
    ]]
  ) {
    const a = randomValues(batch * m * k, 1);
    const b = randomValues(batch * k * n, 2);
    const expected = new Float64Array(batch * m * n);
    for (let z = 0; z < batch; z++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          for (let q = 0; q < k; q++) {
            expected[(z * m + i) * n + j] += a[(z * m + i) * k + q] * b[(z * k + q) * n + j];
          }
        }
      }
    }
    const result = await runKernel(
      device,
      { kind: "matmul", batch, m, k, n },
      [a, b],
      new Float32Array(batch * m * n).fill(7),
    );
    assert.ok(relativeError(result, expected) < 1e-6, `${batch} ${m} ${k} ${n}`);
  }
});

gpuTest("convolve: strides, padding, groups, transposed", async (device) => {
  const cases = [
    [1, 3, 5, 9, 11, 3, 3, 1, 1, 1],
    [2, 4, 6, 8, 7, 3, 2, 2, 1, 2],
    [1, 2, 2, 5, 6, 5, 1, 3, 2, 1],
    [1, 4, 4, 6, 6, 2, 2, 2, 0, 4],
    [1, 1, 1, 1, 1, 1, 1, 1, 0, 1],
  ];
  for (
    const [batch, inChannels, outChannels, height, width, kernelHeight, kernelWidth, stride, padding, groups]
      of cases
  ) {
    for (const transposed of [false, true]) {
      const kernel = {
        kind: "convolve",
        batch,
        inChannels,
        outChannels,
        height,
        width,
        kernelHeight,
        kernelWidth,
        stride,
        padding,
        groups,
        transposed,
      } as const;
      const x = randomValues(batch * inChannels * height * width, 1);
      const weights = randomValues(inChannels * outChannels / groups * kernelHeight * kernelWidth, 2);
      const expected = convolveReference(kernel, x, weights);
      const result = await runKernel(device, kernel, [x, weights], new Float32Array(expected.length));
      assert.ok(relativeError(result, expected) < 2e-6, JSON.stringify(kernel));
    }
  }
});
