import type { CorrelateKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { withInput, withOutput } from "./staging.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { correlation, type CorrelationSpec } from "./wasm/correlation.ts";
import { KernelCache, type Kernels } from "./wasm/kernels.ts";

/** Strips of 24 columns while they fit, then of 4. */
const WIDE: CorrelationSpec = Object.freeze({ vectors: 6 });
const NARROW: CorrelationSpec = Object.freeze({ vectors: 1 });
/** Output rows per call: short calls let the engine replace its baseline code early. */
const ROWS_PER_CALL = 32;
/** Multiplications below which waking a thread takes longer than its share: some tenths of a millisecond. */
const WORTH_SHARING = 2 ** 22;

const caches: WeakMap<Arena, KernelCache> = new WeakMap();

/**
 * Runs a {@link CorrelateKernel}. Threads share the rows of large arrays, each of which is computed in the same way
 * whatever their number. Arrays outside the arena are copied in and out, a plane at a time.
 *
 * @param x (batch, channels, height, width)
 * @param h (filterBatch, filterChannels, filterHeight, filterWidth)
 * @param out (batch, channels, height - filterHeight + 1, width - filterWidth + 1)
 * @throws {OutOfMemoryError} when the arena has no room for the filter or for staged planes
 */
export function correlate(
  arena: Arena,
  kernel: CorrelateKernel,
  x: Float32Array,
  h: Float32Array,
  out: Float32Array,
  pool?: ThreadPool,
): void {
  const { batch, channels, height, width, filterHeight, filterWidth } = kernel;
  const outHeight = height - filterHeight + 1;
  const outWidth = width - filterWidth + 1;
  const planes = batch * channels;
  if (planes <= 0 || outHeight <= 0 || outWidth <= 0) return;
  const filters = oriented(kernel, h);
  const filterOf = (plane: number): number => {
    const n = kernel.filterBatch === 1 ? 0 : Math.floor(plane / channels);
    const c = kernel.filterChannels === 1 ? 0 : plane % channels;
    return (n * kernel.filterChannels + c) * filterHeight * filterWidth;
  };
  if (outWidth < 4) {
    for (let plane = 0; plane < planes; plane++) {
      correlateNarrow(kernel, plane, x, filters.subarray(filterOf(plane)), out);
    }
    return;
  }
  const strips = stripsOf(outWidth);
  const blocks = Math.ceil(outHeight / ROWS_PER_CALL);
  arena.borrow(4 * filters.length, (filterAddress) => {
    arena.view(filterAddress, filters.length).set(filters);
    const run = (first: number, count: number, from: number, to: number) => {
      const worth = count * outHeight * outWidth * filterHeight * filterWidth >= WORTH_SHARING;
      const threads = worth ? pool : undefined;
      const units = count * blocks;
      doWork(arena, cacheOf(arena), threads, {
        units,
        grain: grainOf(units, threads),
        scratchBytes: 0,
        run: (kernels, _scratch, begin, end) => {
          for (let unit = begin; unit < end; unit++) {
            const plane = Math.floor(unit / blocks), row = ROWS_PER_CALL * (unit % blocks);
            correlateRows(
              kernels,
              strips,
              kernel,
              from + 4 * (plane * height + row) * width,
              filterAddress + 4 * filterOf(first + plane),
              to + 4 * (plane * outHeight + row) * outWidth,
              Math.min(ROWS_PER_CALL, outHeight - row),
            );
          }
        },
      });
    };
    if (arena.owns(x) && arena.owns(out)) return run(0, planes, x.byteOffset, out.byteOffset);
    for (let plane = 0; plane < planes; plane++) {
      const source = x.subarray(plane * height * width, (plane + 1) * height * width);
      const target = out.subarray(plane * outHeight * outWidth, (plane + 1) * outHeight * outWidth);
      withInput(arena, source, (from) => {
        withOutput(arena, target, (to) => run(plane, 1, from, to));
      });
    }
  });
}

/** Neighbouring columns of the output, computed together. */
interface Strip {
  readonly column: number;
  readonly spec: CorrelationSpec;
}

/** At most {@link ROWS_PER_CALL} rows of the output, all columns. */
function correlateRows(
  kernels: Kernels,
  strips: readonly Strip[],
  { width, filterHeight, filterWidth }: CorrelateKernel,
  from: number,
  filter: number,
  to: number,
  rows: number,
): void {
  const outWidth = width - filterWidth + 1;
  for (const { column, spec } of strips) {
    kernels.get(correlation, spec)(
      from + 4 * column,
      4 * width,
      filter,
      filterHeight,
      filterWidth,
      to + 4 * column,
      4 * outWidth,
      rows,
    );
  }
}

function cacheOf(arena: Arena): KernelCache {
  let cache = caches.get(arena);
  if (cache === undefined) {
    cache = new KernelCache(arena.memory);
    caches.set(arena, cache);
  }
  return cache;
}

/** Strips of 24 and 4 columns that cover `width` >= 4 columns; the last one may overlap the one before. */
function stripsOf(width: number): Strip[] {
  const strips: Strip[] = [];
  for (let column = 0; column < width;) {
    const rest = width - column;
    const spec = width >= 4 * WIDE.vectors && rest > 4 * NARROW.vectors ? WIDE : NARROW;
    const columns = 4 * spec.vectors;
    strips.push({ column: Math.min(column, width - columns), spec });
    column += columns;
  }
  return strips;
}

/** The filters in the order in which they are applied. */
function oriented(kernel: CorrelateKernel, h: Float32Array): Float32Array {
  if (!kernel.flip) return h;
  const taps = kernel.filterHeight * kernel.filterWidth;
  const flipped = h.slice();
  for (let start = 0; start < flipped.length; start += taps) flipped.subarray(start, start + taps).reverse();
  return flipped;
}

/** One plane whose output is narrower than a vector. */
function correlateNarrow(
  kernel: CorrelateKernel,
  plane: number,
  x: Float32Array,
  h: Float32Array,
  out: Float32Array,
): void {
  const { height, width, filterHeight, filterWidth } = kernel;
  const outHeight = height - filterHeight + 1;
  const outWidth = width - filterWidth + 1;
  let to = plane * outHeight * outWidth;
  for (let i = 0; i < outHeight; i++) {
    for (let j = 0; j < outWidth; j++) {
      let sum = 0;
      for (let u = 0; u < filterHeight; u++) {
        const row = (plane * height + i + u) * width + j;
        for (let v = 0; v < filterWidth; v++) sum += h[u * filterWidth + v] * x[row + v];
      }
      out[to++] = sum;
    }
  }
}
