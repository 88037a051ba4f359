import { addendDistances, type ConvTask, type PackedLayer } from "./conv_algorithm.ts";
import { gemm, GEMM_ROWS } from "./wasm/gemm.ts";
import type { Kernels } from "./wasm/kernels.ts";
import { winogradOutput } from "./wasm/winograd_output.ts";

/** Output channels that are multiplied and transformed back at a time. */
const COLUMNS = 32;

/** What the tiles of a layer by Winograd's F(4x4, 3x3) are multiplied with. */
export interface TileShape {
  /** Channels of a transformed tile, and of the output: multiples of 4. */
  readonly depth: number;
  readonly columns: number;
  /** Tiles that the buffers hold at a time. */
  readonly batch: number;
  /** Values from one of the output's pixels in a row to the next. */
  readonly pixel: number;
  /** Output channels that are wanted, multiples of 8 but for the last; default all. */
  readonly wanted?: readonly [first: number, end: number];
}

/** Where transformed tiles lie, and the pixels that become of them. */
export interface TilePlace {
  /** Address of the transformed tiles: 36 x batch x depth. */
  readonly tiles: number;
  /** Address of the 36 matrices (depth x columns). */
  readonly weights: number;
  /** Address of the pixel that tile 0 begins with, bytes between the rows that it covers, tiles beside each other. */
  readonly map: number;
  readonly rowBytes: number;
  readonly tilesPerRow: number;
  /** Tiles first .. first + count. */
  readonly first: number;
  readonly count: number;
  /** Rows and columns from the map's pixel on; beyond them nothing is written. */
  readonly height: number;
  readonly width: number;
}

/** Tiles per batch: enough to amortise a pass over the weights, few enough to stay in the second-level cache. */
export function batchOf(depth: number): number {
  return depth <= 16 ? 24 : depth <= 128 ? 12 : depth <= 256 ? 24 : 48;
}

/** Bytes of a batch of tiles and of their products. */
export function tileBytes({ depth, columns, batch }: Omit<TileShape, "pixel">): number {
  return 4 * 36 * batch * (depth + Math.min(columns, COLUMNS));
}

/**
 * The step from transformed tiles to pixels: for 32 output channels at a time, multiply at each of the 36 positions
 * (tiles x depth times depth x 32), transform back, and finish as the layer says. Products lie behind the tiles.
 */
export function tileProduct(
  kernels: Kernels,
  { depth, columns, batch, pixel, wanted: [first, end] = [0, columns] }: TileShape,
  layer: PackedLayer,
  task: ConvTask,
): (place: TilePlace) => void {
  const [addend0, addend1] = addendDistances(task);
  const { activation, spec: { addends } } = layer;
  const chunks = Array.from({ length: Math.ceil((end - first) / COLUMNS) }, (_, i) => {
    const start = first + i * COLUMNS;
    const channels = Math.min(COLUMNS, end - start);
    return {
      start,
      channels,
      multiply: kernels.get(gemm, {
        depth,
        segments: 1,
        columns: channels,
        rowStepA: depth,
        rowStepC: channels,
      }),
      backward: kernels.get(winogradOutput, { pixel, channels, batch, activation, addends }),
    };
  });
  return ({ tiles, weights, map, rowBytes, tilesPerRow, first, count, height, width }) => {
    const products = tiles + 4 * 36 * batch * depth;
    const rows = Math.ceil(count / GEMM_ROWS) * GEMM_ROWS;
    for (const { start, channels, multiply, backward } of chunks) {
      multiply(
        tiles,
        weights + 4 * start * depth,
        products,
        rows,
        36,
        0,
        4 * batch * depth,
        4 * depth * columns,
        4 * batch * channels,
        0,
        0,
        0,
      );
      backward(
        products,
        map + 4 * start,
        rowBytes,
        tilesPerRow,
        first,
        count,
        height,
        width,
        layer.bias + 4 * start,
        addend0,
        addend1,
      );
    }
  };
}
