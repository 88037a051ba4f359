import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { type Blend, blendWeights, type Span } from "./window.ts";

/** One tile along one axis. */
export interface AxisTile {
  /** What it reads of the padded axis: [start, stop). */
  readonly padded: readonly [number, number];
  /** The part of the tile that is kept. */
  readonly crop: readonly [number, number];
  /** Where that goes on the unpadded axis. Without weights the targets of all tiles partition it. */
  readonly target: readonly [number, number];
  /** Weights of what is kept; the weights of all tiles sum to one at every sample. */
  readonly weights?: Float32Array;
}

/** The tiles of one axis, and by how much the axis is continued on both sides before they are cut. */
export interface AxisTiling {
  readonly halo: number;
  readonly tiles: readonly AxisTile[];
}

/** Further settings of an axis. */
export interface AxisSettings {
  /** Distance of the cores' starts, 1 to `patch`; by default `patch`. */
  readonly stride?: number;
  /** Default `"crop"`. */
  readonly blend?: Blend;
}

/**
 * deepinv's overlap tiling of an axis: cores of `patch` samples from 0, stride, 2 stride, ...; the last one is moved back
 * to end with the axis; each tile is a core with `overlap` samples more on both sides. With `"crop"` a core gives up what
 * its predecessor covers; with the other blends whole tiles are kept, weighted. An axis that is no longer than a patch is
 * one tile without a halo, so that tiling changes nothing there.
 */
export function tileAxis(
  length: number,
  patch: number,
  overlap: number,
  { stride = patch, blend = "crop" }: AxisSettings = {},
): AxisTiling {
  if (length <= patch) {
    return { halo: 0, tiles: [{ padded: [0, length], crop: [0, length], target: [0, length] }] };
  }
  const starts: number[] = [];
  for (let start = 0; start + patch < length; start += stride) starts.push(start);
  starts.push(length - patch);
  const padded = (start: number): [number, number] => [start, start + patch + 2 * overlap];
  if (blend !== "crop") {
    const spans = starts.map((start): Span => [start - overlap, start + patch + overlap]);
    const weights = blendWeights(length, spans, patch + 2 * overlap - stride, blend);
    const tiles = starts.map((start, j): AxisTile => {
      const first = Math.max(0, spans[j][0]), end = Math.min(length, spans[j][1]);
      const crop: [number, number] = [first - spans[j][0], end - spans[j][0]];
      return { padded: padded(start), crop, target: [first, end], weights: weights[j] };
    });
    return { halo: overlap, tiles };
  }
  const tiles = starts.map((start, j): AxisTile => {
    const trim = j === 0 ? 0 : Math.max(0, starts[j - 1] + patch - start);
    return {
      padded: padded(start),
      crop: [overlap + trim, overlap + patch],
      target: [start + trim, start + patch],
    };
  });
  return { halo: overlap, tiles };
}

/** deepinv's basic blocks of an axis: `count` blocks without halo, as equal as possible, the longer ones first. */
export function blockAxis(length: number, count: number): AxisTiling {
  const base = Math.floor(length / count), longer = length % count;
  let start = 0;
  const tiles = Array.from({ length: count }, (_, j): AxisTile => {
    const size = base + (j < longer ? 1 : 0);
    const range: [number, number] = [start, start + size];
    start += size;
    return { padded: range, crop: [0, size], target: range };
  });
  return { halo: 0, tiles };
}

/**
 * The dimensions to tile, ascending: all spatial ones (from 2 on) by default.
 *
 * @throws {InvalidArgumentError} for a dimension that the signal does not have
 */
export function tiledDims(
  imgSize: readonly number[],
  tilingDims?: number | readonly number[] | null,
): number[] {
  const rank = imgSize.length;
  if (tilingDims === undefined || tilingDims === null) return imgSize.map((_, d) => d).slice(2);
  const wanted = typeof tilingDims === "number" ? [tilingDims] : tilingDims;
  const dims = wanted.map((dim) => (dim < 0 ? dim + rank : dim));
  if (
    !dims.every((dim) => Number.isInteger(dim) && dim >= 0 && dim < rank) ||
    new Set(dims).size !== dims.length
  ) {
    throw new InvalidArgumentError(
      "tile a signal",
      "tilingDims",
      `different dimensions of ${formatShape(imgSize)}`,
      `${wanted}`,
    );
  }
  return dims;
}

/** One value per tiled dimension: a number counts for all. */
export function perDim(
  name: string,
  value: number | readonly number[],
  count: number,
  least: number,
): number[] {
  const values = typeof value === "number" ? new Array<number>(count).fill(value) : [...value];
  if (values.length !== count || !values.every((v) => Number.isInteger(v) && v >= least)) {
    throw new InvalidArgumentError(
      "tile a signal",
      name,
      `a whole number >= ${least}, or one for each of the ${count} tiled dimensions`,
      String(value),
    );
  }
  return values;
}
