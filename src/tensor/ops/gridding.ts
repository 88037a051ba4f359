import type { GriddingTable } from "../../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { Tensor } from "../tensor.ts";

/** Samples between the points of a periodic grid, in any order; see {@link GriddingTable}. */
export interface GriddingSamples {
  /** Rows of the grid, at least `taps`. */
  readonly height: number;
  /** Columns of the grid, at least `taps`. */
  readonly width: number;
  /** Grid points per sample and axis. */
  readonly taps: number;
  /** The first grid row of every sample, 0 <= row < height. */
  readonly rows: Int32Array;
  /** The first grid column of every sample, 0 <= column < width. */
  readonly columns: Int32Array;
  /** 2 `taps` weights per sample: the rows', then the columns'. */
  readonly weights: Float32Array;
}

/**
 * The table of {@link interpolate} and {@link spread}: the samples sorted by cell, those of one cell in their own order.
 *
 * @throws {InvalidArgumentError} when the grid is smaller than a sample's reach
 */
export function griddingTable(samples: GriddingSamples): GriddingTable {
  const { height, width, taps } = samples;
  if (!(taps >= 1 && height >= taps && width >= taps)) {
    throw new InvalidArgumentError(
      "make a gridding table",
      "the grid",
      `at least ${taps} points high and wide`,
      formatShape([height, width]),
    );
  }
  const count = samples.rows.length;
  const cellOf = (s: number) => samples.rows[s] * width + samples.columns[s];
  const cells = new Int32Array(height * width + 1);
  for (let s = 0; s < count; s++) cells[cellOf(s) + 1]++;
  for (let cell = 0; cell < height * width; cell++) cells[cell + 1] += cells[cell];
  const next = cells.slice();
  const order = new Int32Array(count);
  for (let s = 0; s < count; s++) order[next[cellOf(s)]++] = s;
  const weights = new Float32Array(2 * taps * count);
  for (let place = 0; place < count; place++) {
    const from = 2 * taps * order[place], to = 2 * taps * place;
    for (let k = 0; k < 2 * taps; k++) weights[to + k] = samples.weights[from + k];
  }
  const sorted = (values: Int32Array) => Int32Array.from(order, (s) => values[s]);
  return {
    height,
    width,
    taps,
    order,
    rows: sorted(samples.rows),
    columns: sorted(samples.columns),
    weights,
    cells,
  };
}

/**
 * Values at a table's samples from values on its grid.
 *
 * @param grid (..., height, width)
 * @returns (..., samples)
 * @throws {InvalidArgumentError} when the grid's size is not the table's
 */
export function interpolate(grid: Tensor, table: GriddingTable): Tensor {
  const size = [table.height, table.width];
  return apply("interpolate", grid, size, [table.order.length], table);
}

/**
 * The transpose of {@link interpolate}.
 *
 * @param values (..., samples)
 * @returns (..., height, width)
 * @throws {InvalidArgumentError} when the number of samples is not the table's
 */
export function spread(values: Tensor, table: GriddingTable): Tensor {
  return apply("spread", values, [table.order.length], [table.height, table.width], table);
}

function apply(
  mode: "interpolate" | "spread",
  input: Tensor,
  from: readonly number[],
  to: readonly number[],
  table: GriddingTable,
): Tensor {
  const lead = input.shape.slice(0, -from.length);
  if (formatShape(input.shape.slice(-from.length)) !== formatShape(from)) {
    throw new InvalidArgumentError(
      mode,
      "the input",
      `of shape (..., ${from.join(", ")})`,
      formatShape(input.shape),
    );
  }
  const planes = lead.reduce((product, extent) => product * extent, 1);
  const output = Tensor.empty([...lead, ...to], input);
  const buffer = input.array.storage.buffer;
  input.device.run({ kind: "gridding", mode, planes, table }, [buffer], output.array.storage.buffer);
  return output;
}
