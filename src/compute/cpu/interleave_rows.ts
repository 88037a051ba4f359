import { interleave, type InterleaveSpec } from "./wasm/interleave.ts";
import type { Kernels } from "./wasm/kernels.ts";

/** The kernels, by the number of channels in a block, from planes and back. */
const SPECS: readonly (readonly InterleaveSpec[])[] = [false, true].map((back) =>
  [0, 1, 2, 3, 4].map((channels) => Object.freeze({ back, channels }))
);

/** Rows of planes and of pixels: addresses, and distances in bytes. */
export interface InterleavedRows {
  /** The first value of the first plane. */
  readonly planes: number;
  readonly planeBytes: number;
  readonly planesRow: number;
  /** The first pixel. */
  readonly map: number;
  readonly pixelBytes: number;
  readonly mapRow: number;
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

/** Copies rows of planes to rows of pixels, whose channels lie side by side and are padded with zeros to a multiple of 4, or back. */
export function interleaveRows(kernels: Kernels, back: boolean, own: InterleavedRows): void {
  const { planes, planeBytes, planesRow, map, pixelBytes, mapRow, channels, rows, columns } = own;
  const whole = Math.floor(channels / 4);
  const copy = (block: number, blocks: number, count: number) =>
    kernels.get(interleave, SPECS[Number(back)][count])(
      planes + 4 * block * planeBytes,
      planeBytes,
      planesRow,
      map + 16 * block,
      pixelBytes,
      mapRow,
      rows,
      columns,
      blocks,
    );
  if (whole > 0) copy(0, whole, 4);
  if (channels % 4 > 0) copy(whole, 1, channels % 4);
}
