import type { MatmulKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { withInput, withOutput } from "./staging.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { product } from "./wasm/product.ts";

const SPEC = Object.freeze({});
/** Multiplications below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 18;
/** Columns of a unit: enough to pay for writing its rows in float64. */
const COLUMNS = 64;
/** Rows of a unit, enough to pay for writing its columns in another order, as long as they take these bytes in float64. */
const LEAST_ROWS = 16, MOST_ROWS = 64, ROW_BYTES = 1 << 17;

/**
 * Runs a {@link MatmulKernel}, each output summed in float64 in the order of the inner index. A unit is a block of one
 * product's rows and columns; threads share the units.
 */
export function matmul(
  arena: Arena,
  kernel: MatmulKernel,
  left: Float32Array,
  right: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { batch, m, k, n } = kernel;
  if (batch * m * n === 0) return;
  const fitting = Math.floor(ROW_BYTES / (32 * Math.max(1, k))) * 4;
  const rows = Math.min(m, MOST_ROWS, Math.max(LEAST_ROWS, fitting));
  const rowBlocks = Math.ceil(m / rows), columnBlocks = Math.ceil(n / COLUMNS);
  const units = batch * rowBlocks * columnBlocks;
  const threads = batch * m * k * n >= WORTH_SHARING ? pool : undefined;
  withInput(
    arena,
    left,
    (a) =>
      withInput(
        arena,
        right,
        (b) =>
          withOutput(arena, output, (c) =>
            doWork(arena, kernelsOf(arena), threads, {
              units,
              grain: grainOf(units, threads),
              scratchBytes: (8 * rows + 4 * COLUMNS) * k,
              run(kernels, scratch, first, end) {
                const multiply = kernels.get(product, SPEC);
                for (let unit = first; unit < end; unit++) {
                  const column = COLUMNS * (unit % columnBlocks);
                  const rowBlock = Math.floor(unit / columnBlocks);
                  const item = Math.floor(rowBlock / rowBlocks), row = rows * (rowBlock % rowBlocks);
                  multiply(
                    a + 4 * (item * m + row) * k,
                    b + 4 * (item * k * n + column),
                    c + 4 * ((item * m + row) * n + column),
                    Math.min(rows, m - row),
                    k,
                    Math.min(COLUMNS, n - column),
                    4 * n,
                    scratch,
                  );
                }
              },
            })),
      ),
  );
}
