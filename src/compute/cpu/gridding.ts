import type { GriddingKernel } from "../gridding_kernel.ts";
import type { Arena } from "./arena.ts";
import { type GriddingRecords, griddingRecords } from "./gridding_tables.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { gridding as griddingAnywhere } from "./kernels/gridding.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { clear } from "./wasm/clear.ts";
import { narrow } from "./wasm/narrow.ts";
import { foldRows, interpolateSamples, recordLength, spreadSamples, vectorsOf } from "./wasm/gridding.ts";

const SPEC = Object.freeze({});
const SPECS = new Map<number, { readonly taps: number }>();
/** Samples per call and task of an interpolation. */
const SAMPLES_PER_CALL = 1 << 10;
/** Rows of the grid that are spread into together. */
const BAND = 64;
/** Products below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 20;

/**
 * Runs a {@link GriddingKernel}. Threads share the samples of an interpolation, and bands of the grid's rows in its
 * transpose: every band takes all samples that reach into it in the table's order, so that the result does not depend on
 * the threads. Arrays outside the arena take the plain way.
 */
export function gridding(
  arena: Arena,
  kernel: GriddingKernel,
  input: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { mode, planes, table } = kernel;
  const { height, width, taps, order } = table;
  if (order.length === 0 || planes === 0) {
    return void output.fill(0, 0, mode === "spread" ? planes * height * width : 0);
  }
  const inArena = arena.owns(input) && arena.owns(output);
  const records = inArena ? griddingRecords(arena, table) : undefined;
  if (records === undefined) return griddingAnywhere(kernel, input, output);
  const threads = planes * order.length * taps * taps >= WORTH_SHARING ? pool : undefined;
  const run = mode === "interpolate" ? interpolate : spread;
  run(arena, kernel, records, input, output, threads);
}

function specOf(taps: number): { readonly taps: number } {
  let spec = SPECS.get(taps);
  if (spec === undefined) SPECS.set(taps, spec = Object.freeze({ taps }));
  return spec;
}

/** Values from one row of a padded grid to the next: whole vectors, as many as samples at the border reach. */
function paddedWidth({ width, taps }: GriddingKernel["table"]): number {
  return 4 * Math.ceil(width / 4) + 4 * vectorsOf(taps);
}

function interpolate(
  arena: Arena,
  { planes, table }: GriddingKernel,
  { order, rows, columns, weights }: GriddingRecords,
  input: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { height, width, taps } = table;
  const samples = table.order.length, spec = specOf(taps), step = paddedWidth(table);
  const blocks = Math.ceil(samples / SAMPLES_PER_CALL);
  const paddedHeight = height + taps - 1;
  arena.borrow(4 * paddedHeight * step, (padded) => {
    const grid = arena.view(padded, paddedHeight * step).fill(0);
    for (let plane = 0; plane < planes; plane++) {
      for (let row = 0; row < paddedHeight; row++) {
        const from = (plane * height + row % height) * width;
        grid.set(input.subarray(from, from + width), row * step);
        grid.set(input.subarray(from, from + taps - 1), row * step + width);
      }
      const to = output.byteOffset + 4 * plane * samples;
      doWork(arena, kernelsOf(arena), pool, {
        units: blocks,
        grain: grainOf(blocks, pool),
        scratchBytes: 0,
        run(kernels, _scratch, first, end) {
          const run = kernels.get(interpolateSamples, spec);
          for (let block = first; block < end; block++) {
            const s = block * SAMPLES_PER_CALL, count = Math.min(SAMPLES_PER_CALL, samples - s);
            const record = weights + 4 * s * recordLength(taps);
            run(padded, 4 * step, order + 4 * s, rows + 4 * s, columns + 4 * s, record, to, count);
          }
        },
      });
    }
  });
}

function spread(
  arena: Arena,
  { planes, table }: GriddingKernel,
  { order, rows, columns, weights }: GriddingRecords,
  input: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { height, width, taps, cells } = table;
  const samples = table.order.length, spec = specOf(taps), step = paddedWidth(table);
  const band = Math.min(height, Math.max(BAND, taps)), bands = Math.ceil(height / band);
  const margin = taps - 1;
  const scratchBytes = 8 * step * (band + 2 * margin);
  doWork(arena, kernelsOf(arena), pool, {
    units: planes * bands,
    grain: 1,
    scratchBytes,
    run(kernels, scratch, first, end) {
      const spreadRange = kernels.get(spreadSamples, spec);
      for (let unit = first; unit < end; unit++) {
        const plane = Math.floor(unit / bands), top = band * (unit % bands);
        const count = Math.min(band, height - top);
        const values = input.byteOffset + 4 * plane * samples;
        kernels.get(clear, SPEC)(scratch, scratchBytes);
        /** Samples that begin in rows from <= row < to, of a grid that begins `shift` rows lower. */
        const add = (from: number, to: number, shift: number) => {
          for (let s = cells[from * width]; s < cells[to * width];) {
            const part = Math.min(SAMPLES_PER_CALL, cells[to * width] - s);
            const record = weights + 4 * s * recordLength(taps);
            const places = [order + 4 * s, rows + 4 * s, columns + 4 * s] as const;
            spreadRange(scratch, 8 * step, top - margin + shift, ...places, record, values, part);
            s += part;
          }
        };
        if (top < margin) add(height + top - margin, height, height);
        add(Math.max(0, top - margin), top + count, 0);
        const target = output.byteOffset + 4 * (plane * height + top) * width;
        const rowsAt = scratch + 8 * step * margin;
        kernels.get(foldRows, SPEC)(rowsAt, 8 * step, count, width, margin);
        kernels.get(narrow, SPEC)(rowsAt, 8 * step, target, 4 * width, count, width);
      }
    },
  });
}
