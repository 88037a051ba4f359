import { GridStrategy } from "./grid_strategy.ts";
import { perDim, tileAxis, tiledDims } from "./tile_grid.ts";

/** Options of the tilings. */
export interface TilingOptions {
  /** Side of a tile's core in samples, without its halo: one for all tiled dimensions, or one for each; default 256. */
  patchSize?: number | readonly number[];
  /** Halo on each side in samples; default 64. */
  overlap?: number | readonly number[];
  /** The dimensions to tile; all spatial ones (from 2 on) by default. */
  tilingDims?: number | readonly number[];
}

/**
 * Tiles with a halo: each is processed with `overlap` samples more on every side, which are cut off again, so that the
 * kept cores partition the signal. The signal continues past its border by reflection, or by zeros where it is shorter
 * than the halo (a warning says so).
 */
export class SmartTilingStrategy extends GridStrategy {
  /**
   * Plans the tiles of signals of one shape.
   *
   * @param imgSize the full shape of the signals
   * @param options sizes of the tiles
   * @throws {InvalidArgumentError} for sizes that are not whole numbers in range
   */
  constructor(imgSize: readonly number[], options: TilingOptions = {}) {
    const dims = tiledDims(imgSize, options.tilingDims);
    const patch = perDim("patchSize", options.patchSize ?? 256, dims.length, 1);
    const overlap = perDim("overlap", options.overlap ?? 64, dims.length, 0);
    const axes = new Map(dims.map((dim, k) => [dim, tileAxis(imgSize[dim], patch[k], overlap[k])]));
    const reflects = [...axes].every(([dim, { halo }]) => halo < imgSize[dim]);
    if (!reflects) {
      console.warn(
        `overlap tiling: an overlap of ${overlap} reaches past a signal of ${imgSize}; zeros stand in for its reflection`,
      );
    }
    super(imgSize, axes, reflects ? "reflect" : "constant");
  }
}

/** deepinv's other name for {@link SmartTilingStrategy}. */
export { SmartTilingStrategy as OverlapTilingStrategy };
