import { GridStrategy } from "./grid_strategy.ts";
import type { TilingOptions } from "./overlap_tiling.ts";
import { blockAxis, tiledDims } from "./tile_grid.ts";

/**
 * Blocks without a halo, for processors that work sample by sample. Along each tiled dimension of length D there are
 * max(1, floor(D / t)) blocks, t = max(64, floor((product of the tiled lengths)^(1/k) / 2)).
 */
export class BasicStrategy extends GridStrategy {
  /**
   * Plans the blocks of signals of one shape.
   *
   * @param imgSize the full shape of the signals
   * @param options which dimensions are cut
   */
  constructor(imgSize: readonly number[], options: Pick<TilingOptions, "tilingDims"> = {}) {
    const dims = tiledDims(imgSize, options.tilingDims);
    const volume = dims.reduce((product, dim) => product * imgSize[dim], 1);
    const side = Math.max(64, Math.floor(Math.pow(volume, 1 / Math.max(1, dims.length)) / 2));
    const axes = new Map(
      dims.map((dim) => [dim, blockAxis(imgSize[dim], Math.max(1, Math.floor(imgSize[dim] / side)))]),
    );
    super(imgSize, axes, "constant");
  }
}
