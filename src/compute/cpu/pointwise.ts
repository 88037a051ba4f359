import type { LayerPlan, PackedLayer } from "./conv_algorithm.ts";
import { padded } from "./feature_map.ts";
import { interleaveRows } from "./interleave_rows.ts";
import type { ParallelWork, ThreadPool } from "./threads/pool.ts";
import { grainOf } from "./threads/shared_work.ts";
import { gemm, GEMM_ROWS } from "./wasm/gemm.ts";

/** Bytes of a chunk's pixels, in and out, that stay in the second-level cache. */
const CHUNK_BYTES = 1 << 19;

/** Whether every output depends on the input's pixel at its place alone, and nothing is added. */
export function isPointwise({ spec, geometry }: LayerPlan): boolean {
  const { kernel, stride, padding, outputPadding } = geometry;
  return spec.addends === 0 && [...kernel, ...stride].every((value) => value === 1) &&
    [...padding, ...outputPadding].every((value) => value === 0);
}

/**
 * A 1x1 layer from planes to planes without feature maps: for some hundred pixels at a time, which stay in the cache,
 * put the channels side by side, multiply, and spread the results over the planes. A unit is one such chunk.
 *
 * @param layer its weights packed for {@link general}
 * @param source address of planes (inChannels, pixels)
 * @param target address of planes (outChannels, pixels); not the source
 */
export function pointwiseWork(
  layer: PackedLayer,
  source: number,
  target: number,
  pixels: number,
  threads: ThreadPool | undefined,
): ParallelWork {
  const { spec: { inChannels, outChannels }, activation } = layer;
  const depth = padded(inChannels), columns = padded(outChannels);
  const fitting = CHUNK_BYTES / (4 * (depth + columns)), share = pixels / (4 * (threads?.size ?? 1));
  const chunk = Math.max(1, Math.ceil(Math.min(fitting, share) / GEMM_ROWS)) * GEMM_ROWS;
  const units = Math.ceil(pixels / chunk);
  const planes = { planeBytes: 4 * pixels, planesRow: 0, mapRow: 0, rows: 1 };
  const product = Object.freeze({
    depth,
    segments: 1,
    columns,
    rowStepA: depth,
    rowStepC: columns,
    epilogue: { activation, addends: 0 },
  });
  return {
    units,
    grain: grainOf(units, threads),
    scratchBytes: 4 * chunk * (depth + columns),
    run(kernels, scratch, first, end) {
      const multiply = kernels.get(gemm, product);
      const products = scratch + 4 * chunk * depth;
      for (let unit = first; unit < end; unit++) {
        const at = 4 * unit * chunk;
        const count = Math.min(chunk, pixels - unit * chunk);
        const from = { ...planes, planes: source + at, map: scratch, pixelBytes: 4 * depth };
        const to = { ...planes, planes: target + at, map: products, pixelBytes: 4 * columns };
        interleaveRows(kernels, false, { ...from, channels: inChannels, columns: count });
        multiply(scratch, layer.weights, products, count, 1, 0, 0, 0, 0, layer.bias, 0, 0);
        interleaveRows(kernels, true, { ...to, channels: outChannels, columns: count });
      }
    },
  };
}
