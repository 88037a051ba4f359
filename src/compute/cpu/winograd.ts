import type { ConvSpec } from "../conv_engine.ts";
import { type ConvAlgorithm, TASKS_PER_THREAD } from "./conv_algorithm.ts";
import { padded } from "./feature_map.ts";
import { GEMM_ROWS } from "./wasm/gemm.ts";
import { winogradInput } from "./wasm/winograd_input.ts";
import { winogradWeights } from "./wasm/winograd_weights.ts";
import { batchOf, tileBytes, tileProduct } from "./winograd_tiles.ts";

/**
 * 3x3 convolution by Winograd's F(4x4, 3x3): 36 multiplications for 16 results instead of 144. Measured against a direct
 * product it wins from 1 channel up, except on images of 2x2 pixels and less, where neither takes time.
 *
 * Tiles are worked on in batches whose buffers stay in the second-level cache: transform the inputs of a batch, then
 * multiply and transform back ({@link tileProduct}). A unit is a tile, or, where they are few, a part of the output
 * channels: the weights are what takes time there.
 */
export const winograd: ConvAlgorithm = {
  sizes({ spec }) {
    const { depth, columns } = dimensions(spec);
    return { weights: 36 * depth * columns, bias: columns };
  },

  pack({ spec }, weights, into) {
    const { depth, columns } = dimensions(spec);
    winogradWeights(weights, spec.inChannels, spec.outChannels, depth, columns, into);
  },

  packBias(_plan, bias, into) {
    into.set(bias);
  },

  scratchBytes({ spec }) {
    return tileBytes(dimensions(spec));
  },

  units({ spec }, output) {
    return output.tiles > FEW_TILES ? output.tiles : Math.ceil(dimensions(spec).columns / COLUMNS);
  },

  grain({ spec }, units, threads, output) {
    if (output.tiles <= FEW_TILES) return Math.ceil(units / threads);
    const { batch } = dimensions(spec);
    const share = Math.ceil(units / threads / GEMM_ROWS) * GEMM_ROWS;
    return share <= batch ? share : Math.max(1, Math.floor(share / TASKS_PER_THREAD / batch)) * batch;
  },

  bind(kernels, layer, task) {
    const { input, output } = task;
    const { depth, columns, batch } = dimensions(layer.spec);
    const forward = kernels.get(winogradInput, { channels: depth, batch });
    const shape = { depth, columns, batch, pixel: columns };
    const few = output.tiles <= FEW_TILES;
    const all = few ? undefined : tileProduct(kernels, shape, layer, task);
    return (scratch, first, end) => {
      const [begin, last] = few ? [0, output.tiles] : [first, end];
      const wanted = [first * COLUMNS, Math.min(end * COLUMNS, columns)] as const;
      const finish = all ?? tileProduct(kernels, { ...shape, wanted }, layer, task);
      for (let tile = begin; tile < last; tile += batch) {
        const count = Math.min(batch, last - tile);
        forward(input.address, input.rowBytes, output.tilesPerRow, tile, count, scratch);
        finish({
          tiles: scratch,
          weights: layer.weights,
          map: output.origin,
          rowBytes: output.rowBytes,
          tilesPerRow: output.tilesPerRow,
          first: tile,
          count,
          height: output.height,
          width: output.width,
        });
      }
    };
  },
};

/** Tiles up to which threads share the output channels, so many at a time at least. */
const FEW_TILES = 24, COLUMNS = 16;

function dimensions(spec: ConvSpec): { depth: number; columns: number; batch: number } {
  const depth = padded(spec.inChannels);
  return { depth, columns: padded(spec.outChannels), batch: batchOf(depth) };
}
