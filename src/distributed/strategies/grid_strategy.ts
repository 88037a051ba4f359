import type { PaddingMode } from "../../tensor/ops/pad.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Range } from "../../tensor/ops/layout.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { sameShape } from "../../tensor/tensor.ts";
import { DistributedSignalStrategy, type IndexedPatch } from "./strategy.ts";
import type { AxisTile, AxisTiling } from "./tile_grid.ts";

/** A strategy whose patches are the tiles of a grid, numbered row by row. */
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

  /** The core of a processed tile, without its halo and what other tiles cover. */
  override cropPatch(index: number, patch: Tensor): Tensor {
    return patch.slice(this.#ranges(index, (tile) => tile.crop));
  }

  /** Writes cropped tiles where they belong. */
  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [index, patch] of patches) {
      const begin = this.#ranges(index, (tile) => tile.target).map((range) => range?.[0] ?? 0);
      out.writeSlice(patch, begin);
    }
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
    let rest = index;
    for (const [dim, { tiles }] of [...this.#axes].reverse()) {
      ranges[dim] = part(tiles[rest % tiles.length]);
      rest = Math.floor(rest / tiles.length);
    }
    return ranges;
  }
}
