import { GridStrategy } from "./grid_strategy.ts";
import type { TilingOptions } from "./overlap_tiling.ts";
import { blockAxis, perDim, tiledDims } from "./tile_grid.ts";

/** Options of {@link BasicStrategy}. */
export type BasicOptions = Pick<TilingOptions, "tilingDims" | "patchSize">;

/**
 * Blocks without a halo, for processors that work sample by sample. Along each tiled dimension of length D there are
 * max(1, floor(D / t)) blocks whose lengths differ by one at most; t is `patchSize`, or by default
 * max(64, floor((product of the tiled lengths)^(1/k) / 2)) for k tiled dimensions, as in deepinv.
 *
 * @example Blocks without a halo, for what works pixel by pixel
 * ```ts
 * import assert from "node:assert/strict";
 * import { BasicStrategy, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blocks = new BasicStrategy([1, 1, 10, 7], { patchSize: [5, 3] });
 * assert.equal(blocks.getNumPatches(), 4); // 2 x 2: columns of 4 and 3
 * const x = Tensor.randn([1, 1, 10, 7], { seed: 1 });
 * const patches = blocks.getLocalPatches(x, [0, 1, 2, 3]);
 * assert.deepEqual(patches[0][1].shape, [1, 1, 5, 4]);
 * const out = Tensor.zeros(x.shape);
 * blocks.reducePatches(out, patches);
 * assert.deepEqual(await out.data(), await x.data());
 * ```
 */
export class BasicStrategy extends GridStrategy {
  readonly #options: BasicOptions;

  /**
   * Plans the blocks of signals of one shape.
   *
   * @param imgSize the full shape of the signals
   * @param options which dimensions are cut, and about how long the blocks are
   * @throws {InvalidArgumentError} for sizes that are not whole numbers >= 1
   */
  constructor(imgSize: readonly number[], options: BasicOptions = {}) {
    const dims = tiledDims(imgSize, options.tilingDims);
    const volume = dims.reduce((product, dim) => product * imgSize[dim], 1);
    const usual = Math.max(64, Math.floor(Math.pow(volume, 1 / Math.max(1, dims.length)) / 2));
    const sides = perDim("patchSize", options.patchSize ?? usual, dims.length, 1);
    const axes = new Map(
      dims.map((dim, k) => [
        dim,
        blockAxis(imgSize[dim], Math.max(1, Math.floor(imgSize[dim] / sides[k]))),
      ]),
    );
    super(imgSize, axes, "constant");
    this.#options = options;
  }

  /** The same blocks for signals of another shape. */
  override forShape(imgSize: readonly number[]): BasicStrategy {
    return new BasicStrategy(imgSize, this.#options);
  }
}
