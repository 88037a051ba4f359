import type { RadonKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { interpolate } from "./kernels/back_projection.ts";
import { withInput, withOutput } from "./staging.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { clear } from "./wasm/clear.ts";
import type { Kernels } from "./wasm/kernels.ts";
import { narrow } from "./wasm/narrow.ts";
import { project, spread } from "./wasm/radon.ts";
import { BORDER, rayParameters } from "./wasm/rays.ts";

const SPEC = Object.freeze({});
/** Samples below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 18;
/** Into how many bands of rows an image falls that is spread into, and how many rows a band has at least. */
const BANDS = 8;
const LEAST_ROWS = 16;

/**
 * Runs a {@link RadonKernel}. Threads share the views of a projection, and bands of the image's rows in its transpose:
 * every band takes all rays, clipped to it, in the same order, so that the result does not depend on the threads.
 */
export function radon(
  arena: Arena,
  kernel: RadonKernel,
  input: Float32Array,
  directions: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { mode, planes, size, detectors, angles } = kernel;
  const imageValues = size * size, rayValues = detectors * angles;
  const [fromValues, toValues] = mode === "project" ? [imageValues, rayValues] : [rayValues, imageValues];
  const threads = size * size * angles >= WORTH_SHARING ? pool : undefined;
  const run = mode === "project" ? projectPlane : spreadPlane;
  for (let plane = 0; plane < planes; plane++) {
    const source = input.subarray(plane * fromValues, (plane + 1) * fromValues);
    const target = output.subarray(plane * toValues, (plane + 1) * toValues);
    if (mode === "interpolate") interpolate(kernel, source, directions, target);
    else withInput(arena, directions, (views) => run(arena, kernel, source, views, target, threads));
  }
}

/** What bounds the samples of a ray: BORDER - 1 and BORDER + extent for columns and rows, or tighter. */
function parametersOf(kernel: RadonKernel, lowRow: number, highRow: number): Float64Array {
  const { size, detectors, steps, centre, spacing, divergence } = kernel;
  return rayParameters({
    centre: centre + BORDER,
    half: (steps - 1) / 2,
    spacing,
    divergence,
    lateral: -(detectors - 1) / 2,
    lastStep: steps - 1,
    lowColumn: BORDER - 1,
    highColumn: BORDER + size,
    lowRow,
    highRow,
  });
}

function projectPlane(
  arena: Arena,
  kernel: RadonKernel,
  image: Float32Array,
  views: number,
  rays: Float32Array,
  pool?: ThreadPool,
): void {
  const { size, detectors, angles } = kernel;
  const width = size + 2 * BORDER;
  const parameters = parametersOf(kernel, BORDER - 1, BORDER + size);
  const imageBytes = 4 * width * width;
  withOutput(arena, rays, (to) => {
    arena.borrow(parameters.byteLength + imageBytes, (address) => {
      new Float64Array(arena.memory.buffer, address, parameters.length).set(parameters);
      const from = address + parameters.byteLength;
      const bordered = arena.view(from, width * width).fill(0);
      for (let row = 0; row < size; row++) {
        bordered.set(image.subarray(row * size, (row + 1) * size), (row + BORDER) * width + BORDER);
      }
      doWork(arena, kernelsOf(arena), pool, {
        units: angles,
        grain: grainOf(angles, pool),
        scratchBytes: 0,
        run(kernels, _scratch, first, end) {
          const run = kernels.get(project, SPEC);
          for (let view = first; view < end; view++) {
            run(from, 4 * width, address, views + 8 * view, to + 4 * view, 4 * angles, detectors);
          }
        },
      });
    });
  });
}

function spreadPlane(
  arena: Arena,
  kernel: RadonKernel,
  rays: Float32Array,
  views: number,
  image: Float32Array,
  pool?: ThreadPool,
): void {
  const { size, detectors, angles } = kernel;
  const width = size + 2 * BORDER;
  const rows = Math.max(LEAST_ROWS, Math.ceil(size / BANDS));
  const bands = Math.ceil(size / rows);
  const parameters = Array.from({ length: bands }, (_, band) => {
    const first = BORDER + band * rows;
    return parametersOf(kernel, first - 1, Math.min(first + rows, BORDER + size));
  });
  const bytes = parameters[0].byteLength;
  const scratchBytes = 8 * width * (rows + 2 * BORDER);
  const bandOf = (
    kernels: Kernels,
    band: number,
    tables: number,
    scratch: number,
    from: number,
    to: number,
  ) => {
    const first = band * rows, count = Math.min(rows, size - first);
    kernels.get(clear, SPEC)(scratch, scratchBytes);
    const run = kernels.get(spread, SPEC);
    for (let view = 0; view < angles; view++) {
      const values = from + 4 * view;
      run(scratch, 8 * width, first, tables + band * bytes, views + 8 * view, values, 4 * angles, detectors);
    }
    const inner = scratch + 8 * BORDER * (width + 1);
    kernels.get(narrow, SPEC)(inner, 8 * width, to + 4 * first * size, 4 * size, count, size);
  };
  withInput(arena, rays, (from) => {
    withOutput(arena, image, (to) => {
      arena.borrow(bands * bytes, (tables) => {
        for (const [band, values] of parameters.entries()) {
          new Float64Array(arena.memory.buffer, tables + band * bytes, values.length).set(values);
        }
        doWork(arena, kernelsOf(arena), pool, {
          units: bands,
          grain: 1,
          scratchBytes,
          run(kernels, scratch, begin, end) {
            for (let band = begin; band < end; band++) bandOf(kernels, band, tables, scratch, from, to);
          },
        });
      });
    });
  });
}
