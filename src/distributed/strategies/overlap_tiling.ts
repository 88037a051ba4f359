import { PADDING_MODES, type PaddingMode } from "../../tensor/ops/pad.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import { GridStrategy } from "./grid_strategy.ts";
import { perDim, tileAxis, tiledDims } from "./tile_grid.ts";
import { type Blend, BLENDS } from "./window.ts";

/** Options of the tilings. */
export interface TilingOptions {
  /** Side of a tile's core in samples, without its halo: one for all tiled dimensions, or one for each; default 256. */
  patchSize?: number | readonly number[];
  /** Halo on each side in samples; default 64. */
  overlap?: number | readonly number[];
  /** Distance of neighbouring cores in samples, 1 to the patch size, which is the default. */
  stride?: number | readonly number[];
  /** The dimensions to tile; all spatial ones (from 2 on) by default. */
  tilingDims?: number | readonly number[] | null;
  /**
   * How results of neighbouring tiles are joined: `"crop"` (default, as deepinv) cuts at the cores' borders; `"linear"`
   * and `"hann"` fade from one tile to the next where they overlap, with weights that sum to one everywhere.
   */
  blend?: Blend;
  /** How the signal continues past its border; default `"reflect"`. */
  padding?: PaddingMode;
}

/**
 * Tiles with a halo: each is processed with `overlap` samples more on every side. The halos are cut off again, so that
 * the kept cores partition the signal, or neighbours are blended over them.
 *
 * The signal continues past its border as `padding` says; a reflection that would be longer than the signal is replaced
 * by zeros, and a warning says so. A dimension that is no longer than a patch is not cut and gets no halo.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, SmartTilingStrategy, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const tiling = new SmartTilingStrategy([1, 3, 48, 32], { patchSize: 26, overlap: 6, blend: "hann" });
 * assert.equal(tiling.getNumPatches(), 4); // 2 x 2
 * const image = Tensor.randn([1, 3, 48, 32], { seed: 1 });
 * const tiles = tiling.getLocalPatches(image, [0, 3]);
 * assert.deepEqual(tiles[0][1].shape, [1, 3, 38, 38]); // a core of 26 with 6 more on both sides
 * assert.equal(tiling.forShape([1, 3, 20, 20]).getNumPatches(), 1); // no longer than a patch: not cut
 * ```
 */
export class SmartTilingStrategy extends GridStrategy {
  readonly #options: TilingOptions;

  /**
   * Plans the tiles of signals of one shape.
   *
   * @param imgSize the full shape of the signals
   * @param options sizes of the tiles
   * @throws {InvalidArgumentError} for sizes that are not whole numbers in range, unknown blends and paddings
   */
  constructor(imgSize: readonly number[], options: TilingOptions = {}) {
    const { blend = "crop", padding = "reflect" } = options;
    oneOf("blend", blend, BLENDS);
    oneOf("padding", padding, PADDING_MODES);
    const dims = tiledDims(imgSize, options.tilingDims);
    const patch = perDim("patchSize", options.patchSize ?? 256, dims.length, 1);
    const overlap = perDim("overlap", options.overlap ?? 64, dims.length, 0);
    const stride = perDim("stride", options.stride ?? patch, dims.length, 1);
    stride.forEach((step, k) => requireNoGap(step, patch[k]));
    const axes = new Map(
      dims.map((dim, k) => [dim, tileAxis(imgSize[dim], patch[k], overlap[k], { stride: stride[k], blend })]),
    );
    const reflects = [...axes].every(([dim, { halo }]) => halo < imgSize[dim]);
    if (padding === "reflect" && !reflects) {
      console.warn(
        `overlap tiling: an overlap of ${overlap} reaches past a signal of ${imgSize}; zeros stand in for its reflection`,
      );
    }
    super(imgSize, axes, padding === "reflect" && !reflects ? "constant" : padding);
    this.#options = options;
  }

  /** The same tiling for signals of another shape. */
  override forShape(imgSize: readonly number[]): SmartTilingStrategy {
    return new SmartTilingStrategy(imgSize, this.#options);
  }
}

/** deepinv's other name for {@link SmartTilingStrategy}. */
export { SmartTilingStrategy as OverlapTilingStrategy };

/** @throws {InvalidArgumentError} for a name that is not allowed */
export function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const names = allowed.map((choice) => `"${choice}"`).join(", ");
  throw new InvalidArgumentError("tile a signal", name, `one of ${names}`, `"${value}"`);
}

/** @throws {InvalidArgumentError} for a stride longer than the patch */
export function requireNoGap(stride: number, patch: number): void {
  if (stride <= patch) return;
  throw new InvalidArgumentError(
    "tile a signal",
    "stride",
    `at most the patch size ${patch}, so that tiles leave no gap`,
    String(stride),
  );
}
