import assert from "node:assert/strict";
import { axisReference, convolveReference, correlateReference } from "./oracle.ts";
import { randomValues, relativeError, runKernel } from "./oracle.ts";
import { gpuTest } from "./webgpu_open.ts";

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

gpuTest("axis: a row of more entries than a loop of Mesa's can count", async (device) => {
  const entries = 70_003;
  const table = { columns: 3, offsets: Int32Array.of(0, entries), indices: new Int32Array(entries).fill(1) };
  const kernel = { kind: "axis", outer: 1, inner: 1, table } as const;
  const result = await runKernel(device, kernel, [new Float32Array([5, 2, 7])], new Float32Array(1));
  assert.deepEqual([...result], [2 * entries]);
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
    [1, 1, 803, 603, 801, 601],
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
        relativeError(result, expected) < 5e-6,
        JSON.stringify(kernel) + relativeError(result, expected),
      );
    }
  }
});

gpuTest("matmul: any size, batched", async (device) => {
  for (
    const [batch, m, k, n] of [
      [1, 1, 1, 1],
      [1, 2, 70001, 3],
      [3, 5, 7, 9],
      [1, 64, 33, 40],
      [2, 1, 100, 3],
      [1, 4, 0, 4],
      [
        1,
        0,
        3,
        2,
      ],
    ]
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
    [1, 300, 1, 15, 16, 15, 15, 1, 0, 1],
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
