import { convolveGeometry, outputSize } from "../conv_geometry.ts";
import type { ConvolveKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { withInput, withOutput } from "./staging.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork } from "./threads/shared_work.ts";
import { clear } from "./wasm/clear.ts";
import { convolveTap } from "./wasm/convolve.ts";
import type { Kernels } from "./wasm/kernels.ts";
import { narrow } from "./wasm/narrow.ts";

const SPEC = Object.freeze({});
/** Multiplications below which waking a thread takes longer than its share. */
const WORTH_SHARING = 1 << 20;

/** A dense convolution layer straight from its definition, summed in float64; threads share the output's planes. */
export function convolve(
  arena: Arena,
  kernel: ConvolveKernel,
  x: Float32Array,
  weights: Float32Array,
  output: Float32Array,
  pool?: ThreadPool,
): void {
  const { batch, inChannels, outChannels, kernelHeight, kernelWidth, groups } = kernel;
  const [outHeight, outWidth] = outputSize(convolveGeometry(kernel), kernel.height, kernel.width);
  const units = batch * outChannels;
  if (units * outHeight * outWidth === 0) return;
  const products = output.length * (inChannels / groups) * kernelHeight * kernelWidth;
  const scratchBytes = 8 * outHeight * outWidth;
  withInput(
    arena,
    x,
    (source) =>
      withInput(
        arena,
        weights,
        (filters) =>
          withOutput(arena, output, (target) =>
            doWork(arena, kernelsOf(arena), products >= WORTH_SHARING ? pool : undefined, {
              units,
              grain: 1,
              scratchBytes,
              run(kernels, scratch, first, end) {
                for (let unit = first; unit < end; unit++) {
                  kernels.get(clear, SPEC)(scratch, scratchBytes);
                  addTaps(kernels, kernel, unit, source, filters, scratch);
                  const to = target + 4 * unit * outHeight * outWidth;
                  kernels.get(narrow, SPEC)(scratch, 8 * outWidth, to, 4 * outWidth, outHeight, outWidth);
                }
              },
            })),
      ),
  );
}

/** Adds all that one plane of the output consists of: item and channel are `unit`'s. */
function addTaps(
  kernels: Kernels,
  kernel: ConvolveKernel,
  unit: number,
  x: number,
  weights: number,
  sums: number,
): void {
  const { inChannels, outChannels, height, width, kernelHeight, kernelWidth, groups } = kernel;
  const geometry = convolveGeometry(kernel);
  const { stride, padding, dilation, transposed } = geometry;
  const [outHeight, outWidth] = outputSize(geometry, height, width);
  const inGroup = inChannels / groups, outGroup = outChannels / groups;
  const item = Math.floor(unit / outChannels), o = unit % outChannels;
  const group = Math.floor(o / outGroup);
  const run = kernels.get(convolveTap, SPEC);
  // the fine grid is sampled at multiples of the stride, shifted by a tap
  const [rows, columns] = transposed ? [height, width] : [outHeight, outWidth];
  const [fineRows, fineColumns] = transposed ? [outHeight, outWidth] : [height, width];
  for (let c = group * inGroup; c < (group + 1) * inGroup; c++) {
    const filter = transposed ? c * outGroup + (o % outGroup) : o * inGroup + (c % inGroup);
    const plane = x + 4 * (item * inChannels + c) * height * width;
    for (let u = 0; u < kernelHeight; u++) {
      const shiftRow = u * dilation[0] - padding[0];
      const [top, bottom] = inside(shiftRow, stride[0], rows, fineRows);
      for (let v = 0; v < kernelWidth; v++) {
        const shiftColumn = v * dilation[1] - padding[1];
        const [left, right] = inside(shiftColumn, stride[1], columns, fineColumns);
        if (top >= bottom || left >= right) continue;
        const weight = weights + 4 * ((filter * kernelHeight + u) * kernelWidth + v);
        const coarse = top * columns + left;
        const fine = (top * stride[0] + shiftRow) * fineColumns + left * stride[1] + shiftColumn;
        const size = [bottom - top, right - left] as const;
        if (transposed) {
          run(
            sums + 8 * fine,
            8 * stride[0] * outWidth,
            8 * stride[1],
            plane + 4 * coarse,
            4 * width,
            4,
            weight,
            ...size,
          );
        } else {
          run(
            sums + 8 * coarse,
            8 * outWidth,
            8,
            plane + 4 * fine,
            4 * stride[0] * width,
            4 * stride[1],
            weight,
            ...size,
          );
        }
      }
    }
  }
}

/** The i from the first on and below the end for which 0 <= i stride + shift < fine and 0 <= i < count. */
function inside(
  shift: number,
  stride: number,
  count: number,
  fine: number,
): readonly [first: number, end: number] {
  return [Math.max(0, Math.ceil(-shift / stride)), Math.min(count, Math.ceil((fine - shift) / stride))];
}
