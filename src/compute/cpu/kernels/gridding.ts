import type { GriddingKernel, GriddingTable } from "../../gridding_kernel.ts";

/** Values between grid points, or their transpose; sums in float64. */
export function gridding(kernel: GriddingKernel, input: Float32Array, output: Float32Array): void {
  const { mode, planes, table } = kernel;
  const gridValues = table.height * table.width, samples = table.order.length;
  const [fromValues, toValues] = mode === "interpolate" ? [gridValues, samples] : [samples, gridValues];
  const run = mode === "interpolate" ? interpolate : spread;
  for (let plane = 0; plane < planes; plane++) {
    const source = input.subarray(plane * fromValues, (plane + 1) * fromValues);
    run(table, source, output.subarray(plane * toValues, (plane + 1) * toValues));
  }
}

function interpolate(table: GriddingTable, grid: Float32Array, values: Float32Array): void {
  const { height, width, taps, order, rows, columns, weights } = table;
  for (let s = 0; s < order.length; s++) {
    const row = rows[s], column = columns[s], u = 2 * taps * s, v = u + taps;
    const inside = Math.min(taps, width - column);
    let sum = 0;
    for (let i = 0; i < taps; i++) {
      const start = (row + i < height ? row + i : row + i - height) * width;
      let line = 0;
      for (let j = 0; j < inside; j++) line += weights[v + j] * grid[start + column + j];
      for (let j = inside; j < taps; j++) line += weights[v + j] * grid[start + column + j - width];
      sum += weights[u + i] * line;
    }
    values[order[s]] = sum;
  }
}

function spread(table: GriddingTable, values: Float32Array, grid: Float32Array): void {
  const { height, width, taps, order, rows, columns, weights } = table;
  const sums = new Float64Array(height * width);
  for (let s = 0; s < order.length; s++) {
    const row = rows[s], column = columns[s], u = 2 * taps * s, v = u + taps;
    const inside = Math.min(taps, width - column);
    const value = values[order[s]];
    for (let i = 0; i < taps; i++) {
      const start = (row + i < height ? row + i : row + i - height) * width;
      const share = weights[u + i] * value;
      for (let j = 0; j < inside; j++) sums[start + column + j] += weights[v + j] * share;
      for (let j = inside; j < taps; j++) sums[start + column + j - width] += weights[v + j] * share;
    }
  }
  grid.set(sums);
}
