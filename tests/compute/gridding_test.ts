import assert from "node:assert/strict";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import type { Device } from "../../src/compute/device.ts";
import type { GriddingTable } from "../../src/compute/kernel.ts";
import { griddingTable } from "../../src/tensor/ops/gridding.ts";
import { randomValues, relativeError, runKernel } from "./oracle.ts";
import { ignore, sharedDevice } from "./webgpu_open.ts";

/** Runs a test on both backends. */
function onBoth(name: string, body: (device: Device) => Promise<void>): void {
  Deno.test(`gridding: ${name} [cpu]`, () => body(new CpuDevice()));
  Deno.test({
    name: `gridding: ${name} [webgpu]`,
    ignore,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => await body(await sharedDevice()),
  });
}

function randomTable(
  height: number,
  width: number,
  taps: number,
  count: number,
  seed: number,
): GriddingTable {
  const draw = (limit: number, own: number) =>
    Int32Array.from(randomValues(count, own), (value) => Math.floor((value + 1) / 2 * limit));
  const weights = randomValues(2 * taps * count, seed + 2);
  const rows = draw(height, seed), columns = draw(width, seed + 1);
  return griddingTable({ height, width, taps, rows, columns, weights });
}

/** The matrix entries (sample, grid point, weight) by the definition. */
function* entries(table: GriddingTable): Generator<readonly [number, number, number]> {
  const { height, width, taps, order, rows, columns, weights } = table;
  for (let s = 0; s < order.length; s++) {
    for (let i = 0; i < taps; i++) {
      for (let j = 0; j < taps; j++) {
        const point = ((rows[s] + i) % height) * width + (columns[s] + j) % width;
        const at = 2 * taps * s;
        yield [order[s], point, weights[at + i] * weights[at + taps + j]];
      }
    }
  }
}

onBoth("interpolation and spreading follow the definition, across the grid's border too", async (device) => {
  const sizes = [[7, 7, 7, 5, 1], [8, 5, 3, 40, 2], [1, 1, 1, 3, 3], [20, 31, 6, 300, 5], [64, 9, 4, 1, 4]];
  for (const [trial, [height, width, taps, count, planes]] of sizes.entries()) {
    const table = randomTable(height, width, taps, count, trial + 1);
    const grid = randomValues(planes * height * width, 11), values = randomValues(planes * count, 12);
    const interpolated = new Float64Array(values.length), spread = new Float64Array(grid.length);
    for (const [sample, point, weight] of entries(table)) {
      for (let plane = 0; plane < planes; plane++) {
        const at = plane * count + sample, on = plane * height * width + point;
        interpolated[at] += weight * grid[on];
        spread[on] += weight * values[at];
      }
    }
    const what = `${height} x ${width}, ${taps} taps, ${count} samples, ${planes} planes`;
    const kernel = { kind: "gridding", planes, table } as const;
    const forward = await runKernel(
      device,
      { ...kernel, mode: "interpolate" },
      [grid],
      new Float32Array(values.length),
    );
    assert.ok(relativeError(forward, interpolated) < 1e-5, what);
    const backward = await runKernel(
      device,
      { ...kernel, mode: "spread" },
      [values],
      new Float32Array(grid.length).fill(NaN),
    );
    assert.ok(relativeError(backward, spread) < 1e-5, `spread, ${what}`);
  }
});

onBoth("spreading repeats to the bit", async (device) => {
  const table = randomTable(16, 16, 5, 2000, 3), values = randomValues(2 * 2000, 4);
  const kernel = { kind: "gridding", mode: "spread", planes: 2, table } as const;
  const run = () => runKernel(device, kernel, [values], new Float32Array(2 * 256));
  assert.deepEqual(await run(), await run());
});

Deno.test("gridding: samples are sorted by cell, those of one cell keep their order, small grids are refused", () => {
  const rows = Int32Array.of(1, 0, 1, 0), columns = Int32Array.of(2, 1, 2, 0);
  const table = griddingTable({ height: 2, width: 3, taps: 1, rows, columns, weights: new Float32Array(8) });
  assert.deepEqual([...table.order], [3, 1, 0, 2]);
  assert.deepEqual([...table.cells], [0, 1, 2, 2, 2, 2, 4]);
  const small = { height: 2, width: 3, taps: 3, rows, columns, weights: new Float32Array(24) };
  assert.throws(() => griddingTable(small), /at least 3 points high and wide, got \(2, 3\)/);
});
