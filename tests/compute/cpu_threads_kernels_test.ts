import assert from "node:assert/strict";
import { Arena } from "../../src/compute/cpu/arena.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import { map } from "../../src/compute/cpu/map.ts";
import { reduce } from "../../src/compute/cpu/reduce.ts";
import {
  type CorrelateKernel,
  type FftKernel,
  type Kernel,
  MAP_FUNCTIONS,
  type MapFunction,
} from "../../src/compute/kernel.ts";
import { griddingTable } from "../../src/tensor/ops/gridding.ts";
import { randomValues, upload } from "./oracle.ts";

/** The kernel's output on devices with 1, 2, 3 and 5 threads, which all see the same inputs. */
async function onThreads(kernel: Kernel, inputs: readonly Float32Array[], length: number): Promise<void> {
  let expected: Float32Array | undefined;
  for (const threads of [1, 2, 3, 5]) {
    const device = new CpuDevice({ threads });
    const buffers = inputs.map((values) => upload(device, values));
    const output = upload(device, new Float32Array(length).fill(NaN));
    for (let round = 0; round < 2; round++) device.run(kernel, buffers, output);
    const result = await device.read(output);
    device.close();
    expected ??= result;
    const name = JSON.stringify(kernel);
    assert.ok(result.every(Number.isFinite), `${threads} threads left values out: ${name}`);
    assert.deepEqual(result, expected, `${threads} threads: ${name}`);
  }
}

Deno.test("any number of threads transforms to the same bits", async () => {
  const cases: Pick<FftKernel, "batch" | "outer" | "length" | "inner">[] = [
    { batch: 1, outer: 301, length: 240, inner: 1 },
    { batch: 2, outer: 67, length: 263, inner: 3 },
    { batch: 1, outer: 1, length: 360, inner: 201 },
    { batch: 3, outer: 5, length: 131, inner: 35 },
  ];
  for (const [i, size] of cases.entries()) {
    const length = 2 * size.batch * size.outer * size.length * size.inner;
    assert.ok(length >= 2 ** 17, "large enough for threads");
    const kernel = { ...size, origin: 7 * i, scale: 0.25, inverse: i % 2 === 1 };
    await onThreads({ kind: "fft", ...kernel }, [randomValues(length, i)], length);
  }
});

Deno.test("any number of threads correlates to the same bits", async () => {
  const cases: Omit<CorrelateKernel, "kind">[] = [
    {
      batch: 1,
      channels: 1,
      height: 333,
      width: 301,
      filterBatch: 1,
      filterChannels: 1,
      filterHeight: 8,
      filterWidth: 9,
      flip: false,
    },
    {
      batch: 2,
      channels: 3,
      height: 70,
      width: 130,
      filterBatch: 2,
      filterChannels: 3,
      filterHeight: 21,
      filterWidth: 13,
      flip: true,
    },
  ];
  for (const one of cases) {
    const { batch, channels, height, width, filterBatch, filterChannels, filterHeight, filterWidth } = one;
    const outputs = batch * channels * (height - filterHeight + 1) * (width - filterWidth + 1);
    assert.ok(outputs * filterHeight * filterWidth >= 2 ** 22, "large enough for threads");
    const x = randomValues(batch * channels * height * width, 1);
    const h = randomValues(filterBatch * filterChannels * filterHeight * filterWidth, 2);
    await onThreads({ kind: "correlate", ...one }, [x, h], outputs);
  }
});

Deno.test("any number of threads multiplies matrices to the same bits", async () => {
  for (const [batch, m, k, n] of [[1, 201, 97, 131], [3, 70, 64, 65], [1, 1, 700, 611], [1, 611, 700, 1]]) {
    assert.ok(batch * m * k * n >= 2 ** 18, "large enough for threads");
    const [a, b] = [randomValues(batch * m * k, 1), randomValues(batch * k * n, 2)];
    await onThreads({ kind: "matmul", batch, m, k, n }, [a, b], batch * m * n);
  }
});

Deno.test("any number of threads maps to the same bits, behind the last whole vector too", async () => {
  for (const fn of Object.keys(MAP_FUNCTIONS) as MapFunction[]) {
    const shape = [3, 601, 601], view = { offset: 0, strides: [601 * 601, 601, 1] };
    const length = 3 * 601 * 601;
    const inputs = Array.from(
      { length: MAP_FUNCTIONS[fn] },
      (_, k) => randomValues(length, k + 1).map((x) => Math.abs(x) + 0.01),
    );
    const views = inputs.map((_, k) => k === 1 ? { offset: 0, strides: [0, 601, 1] } : view);
    await onThreads(
      { kind: "map", fn, shape, inputs: views, output: view, scalars: [0.5, 0.75] },
      inputs,
      length,
    );
  }
});

Deno.test("any number of threads reduces to the same bits", async () => {
  for (const fn of ["sum", "sumSquares", "dot", "max", "min"] as const) {
    for (const [rows, length] of [[1, 1_100_003], [3, 400_001], [150_001, 8]]) {
      const inputs = [1, 2].slice(0, fn === "dot" ? 2 : 1).map((seed) => randomValues(rows * length, seed));
      await onThreads({ kind: "reduce", fn, rows, length }, inputs, rows);
    }
  }
});

Deno.test("any number of threads projects, spreads and filters to the same bits", async () => {
  const size = 97, angles = 61, detectors = 138;
  const directions = Float32Array.from(
    { length: 2 * angles },
    (_, k) => (k % 2 === 0 ? Math.cos : Math.sin)(Math.floor(k / 2) * Math.PI / angles),
  );
  const scan = {
    kind: "radon",
    planes: 2,
    size,
    detectors,
    angles,
    steps: 138,
    centre: 48,
    spacing: 1,
  } as const;
  const [imageValues, rayValues] = [2 * size * size, 2 * detectors * angles];
  for (const divergence of [0, 0.001]) {
    for (const mode of ["project", "adjoint", "interpolate"] as const) {
      if (mode === "interpolate" && divergence > 0) continue;
      const [from, to] = mode === "project" ? [imageValues, rayValues] : [rayValues, imageValues];
      await onThreads({ ...scan, mode, divergence }, [randomValues(from), directions], to);
    }
  }
  const place = (seed: number) =>
    Int32Array.from(randomValues(20_000, seed), (x) => Math.floor(75 * (x + 1)));
  const table = griddingTable({
    height: 150,
    width: 150,
    taps: 6,
    rows: place(1),
    columns: place(2),
    weights: randomValues(20_000 * 12, 3),
  });
  const gridding = { kind: "gridding", planes: 2, table } as const;
  await onThreads({ ...gridding, mode: "interpolate" }, [randomValues(2 * 150 * 150)], 40_000);
  await onThreads({ ...gridding, mode: "spread" }, [randomValues(40_000)], 2 * 150 * 150);
  const offsets = Int32Array.from({ length: 202 }, (_, o) => 2 * o);
  const indices = Int32Array.from({ length: 402 }, (_, k) => Math.min(200, Math.floor(k / 2) + k % 2));
  const differences = { columns: 201, offsets, indices, weights: indices.map((_, k) => k % 2 ? 1 : -1) };
  const weights = Float32Array.from(differences.weights);
  for (const [outer, inner] of [[11_001, 1], [3, 3700]]) {
    const values = outer * inner * 201;
    await onThreads(
      { kind: "axis", outer, inner, table: { ...differences, weights } },
      [randomValues(values)],
      values,
    );
  }
});

Deno.test("any number of threads takes medians and convolves to the same bits", async () => {
  for (const [windowHeight, windowWidth] of [[3, 3], [4, 2], [5, 5], [9, 9]]) {
    const kernel = { kind: "median", planes: 2, height: 131, width: 133, windowHeight, windowWidth } as const;
    const outputs = 2 * (132 - windowHeight) * (134 - windowWidth);
    await onThreads(kernel, [randomValues(2 * 131 * 133)], outputs);
  }
  for (const transposed of [false, true]) {
    const layer = {
      batch: 2,
      inChannels: 6,
      outChannels: 8,
      height: 71,
      width: 67,
      kernelHeight: 3,
    } as const;
    const rest = { kernelWidth: 5, stride: 2, padding: 1, groups: 2, transposed } as const;
    const outputs = transposed ? 16 * 141 * 135 : 16 * 36 * 33;
    const inputs = [randomValues(2 * 6 * 71 * 67, 1), randomValues(6 * 8 * 15 / 2, 2)];
    await onThreads({ kind: "convolve", ...layer, ...rest }, inputs, outputs);
  }
});

Deno.test("arrays that do not lie in the arena give the same maps and reductions", () => {
  const arena = new Arena();
  const x = randomValues(10_007, 1), y = randomValues(10_007, 2), out = new Float32Array(10_007);
  const row = { offset: 0, strides: [1] };
  const views = { shape: [10_007], inputs: [{ offset: 10_006, strides: [-1] }, row], output: row };
  map(arena, { kind: "map", fn: "axpy", ...views, scalars: [2, 0] }, [x, y], out);
  const exact = out.every((value, i) => Math.abs(value - (x[10_006 - i] + 2 * y[i])) < 1e-6);
  assert.ok(exact);
  const total = new Float32Array(1);
  reduce(arena, { kind: "reduce", fn: "dot", rows: 1, length: 10_007 }, [x, y], total);
  assert.ok(Math.abs(total[0] - x.reduce((sum, value, i) => sum + value * y[i], 0)) < 1e-4);
  assert.equal(arena.live, 0);
});
