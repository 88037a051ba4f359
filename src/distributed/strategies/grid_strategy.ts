import type { PaddingMode } from "../../tensor/ops/pad.ts";
import type { Range } from "../../tensor/ops/layout.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { sameShape, Tensor } from "../../tensor/tensor.ts";
import { DistributedSignalStrategy, type IndexedPatch } from "./strategy.ts";
import type { AxisTile, AxisTiling } from "./tile_grid.ts";

/**
 * A strategy whose patches are the tiles of a grid, numbered row by row.
 *
 * @example A grid of one's own: a narrow column and a wide one
 * ```ts
 * import assert from "node:assert/strict";
 * import { distribute, DistributedContext, FunctionDenoiser, GridStrategy, Tensor } from "@deepinv/distributed";
 *
 * class TwoColumns extends GridStrategy {
 *   constructor(imgSize: readonly number[]) {
 *     const [cut, width] = [4, imgSize[3]];
 *     const left = { padded: [0, cut], crop: [0, cut], target: [0, cut] } as const; // read, kept of that, written to
 *     const right = { padded: [cut, width], crop: [0, width - cut], target: [cut, width] } as const;
 *     super(imgSize, new Map([[3, { halo: 0, tiles: [left, right] }]]), "constant"); // along dimension 3
 *   }
 * }
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const widths = new FunctionDenoiser((x) => x.mul(0).add(x.shape[3]));
 * const tiled = await distribute(widths, ctx, { tilingStrategy: TwoColumns });
 * using seen = await tiled.forward(Tensor.zeros([1, 1, 1, 10]), 0);
 * assert.deepEqual([...await seen.data()], [4, 4, 4, 4, 6, 6, 6, 6, 6, 6]);
 * ```
 */
export abstract class GridStrategy extends DistributedSignalStrategy {
  readonly #axes: ReadonlyMap<number, AxisTiling>;
  readonly #padding: PaddingMode;

  /**
   * Lays a grid over signals of one shape.
   *
   * @param imgSize the full shape of the signals
   * @param axes the tiling of every tiled dimension, ascending
   * @param padding how the signal continues past its border
   */
  protected constructor(
    imgSize: readonly number[],
    axes: ReadonlyMap<number, AxisTiling>,
    padding: PaddingMode,
  ) {
    super(imgSize);
    this.#axes = axes;
    this.#padding = padding;
  }

  /** Number of tiles of the grid. */
  override getNumPatches(): number {
    return [...this.#axes.values()].reduce((product, axis) => product * axis.tiles.length, 1);
  }

  /**
   * The tiles with the given numbers, halo included.
   *
   * @throws {InvalidArgumentError} when x has another size along a tiled dimension
   */
  override getLocalPatches(x: Tensor, localIndices: readonly number[]): IndexedPatch[] {
    if (!this.#fits(x.shape)) {
      throw new InvalidArgumentError(
        "cut a signal into tiles",
        "x",
        `of shape ${formatShape(this.imgSize)}`,
        formatShape(x.shape),
      );
    }
    if (localIndices.length === 0) return [];
    using padded = this.#pad(x);
    return localIndices.map((index) => [index, padded.slice(this.#ranges(index, (tile) => tile.padded))]);
  }

  /** What a processed tile contributes: its core, or with blending what of it is inside the signal. */
  override cropPatch(index: number, patch: Tensor): Tensor {
    this.#requireTile(index, patch);
    return patch.slice(this.#ranges(index, (tile) => tile.crop));
  }

  /** Number of samples that go through the processor for one tile, halo included. */
  override costOf(index: number): number {
    const ranges = this.#ranges(index, (tile) => tile.padded);
    return this.imgSize.reduce((product, extent, d) => {
      const range = ranges[d];
      return product * (range ? range[1]! - range[0]! : extent);
    }, 1);
  }

  /** Writes tiles where they belong, or with blending adds them weighted: processed ones, or what `cropPatch` made of them. */
  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [index, patch] of patches) {
      const target = this.#ranges(index, (tile) => tile.target);
      const begin = target.map((range) => range?.[0] ?? 0);
      using part = this.#isCropped(index, patch) ? patch.reshape(patch.shape) : this.cropPatch(index, patch);
      if (!this.#blends) out.writeSlice(part, begin);
      else {
        using weighted = this.#weighted(part, index);
        using before = out.slice(target);
        using sum = before.add(weighted);
        out.writeSlice(sum, begin);
      }
    }
  }

  get #blends(): boolean {
    return [...this.#axes.values()].some(({ tiles }) => tiles[0].weights !== undefined);
  }

  #isCropped(index: number, patch: Tensor): boolean {
    return this.#tilesOf(index).every(([dim, { crop: [start, stop] }]) => patch.shape[dim] === stop - start);
  }

  #requireTile(index: number, patch: Tensor): void {
    const extents = this.#tilesOf(index).map(([dim, { padded: [start, stop] }]) => [dim, stop - start]);
    if (extents.every(([dim, extent]) => patch.shape[dim] === extent)) return;
    const requirement = extents.map(([dim, extent]) => `${extent} long in dimension ${dim}`).join(" and ");
    throw new InvalidArgumentError(
      "join processed tiles",
      "a processed tile",
      `as long as its input: ${requirement}`,
      formatShape(patch.shape),
    );
  }

  #weighted(patch: Tensor, index: number): Tensor {
    let result = patch.reshape(patch.shape);
    for (const [dim, { weights }] of this.#tilesOf(index)) {
      if (!weights) continue;
      using factor = Tensor.from(weights, patch.shape.map((_, d) => (d === dim ? weights.length : 1)), patch);
      using previous = result;
      result = previous.mul(factor);
    }
    return result;
  }

  /** Extents match, but for batch and channels: a noise map has the image's size and one channel. */
  #fits(shape: readonly number[]): boolean {
    const tiled = (_: number, d: number) => this.#axes.has(d);
    return shape.length === this.imgSize.length && sameShape(shape.filter(tiled), this.imgSize.filter(tiled));
  }

  #pad(x: Tensor): Tensor {
    const amounts = x.shape.map((_, d): [number, number] => {
      const halo = this.#axes.get(d)?.halo ?? 0;
      return [halo, halo];
    });
    return x.pad(amounts, this.#padding);
  }

  #ranges(index: number, part: (tile: AxisTile) => readonly [number, number]): Range[] {
    const ranges: Range[] = this.imgSize.map(() => null);
    for (const [dim, tile] of this.#tilesOf(index)) ranges[dim] = part(tile);
    return ranges;
  }

  /** A tile's part along every tiled dimension. */
  #tilesOf(index: number): [dim: number, tile: AxisTile][] {
    let rest = index;
    return [...this.#axes].reverse().map(([dim, { tiles }]): [number, AxisTile] => {
      const tile = tiles[rest % tiles.length];
      rest = Math.floor(rest / tiles.length);
      return [dim, tile];
    });
  }
}
