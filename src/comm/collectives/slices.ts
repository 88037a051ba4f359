import { MAX_PAYLOAD } from "../wire.ts";

/** Longest slice for one part, in bytes: it leaves without a grant, in one frame. */
export const SLICE_BYTES = MAX_PAYLOAD / 2;

/** Part of an array: elements `start` to `end`. */
export interface Slice {
  /** Position of the slice, counted from 0. */
  readonly index: number;
  /** First element. */
  readonly start: number;
  /** Element after the last. */
  readonly end: number;
}

/** Slices under way at a time: while one is being reduced, the next ones travel. */
const IN_FLIGHT = 3;

/**
 * Cuts `length` elements into slices of at most `parts` x {@link SLICE_BYTES} and runs `work` on each, a few at a time and started
 * in order. The result of a sum does not depend on which slice is faster: slices share no elements.
 */
export async function forEachSlice(
  length: number,
  bytesPerElement: number,
  parts: number,
  work: (slice: Slice) => Promise<void>,
): Promise<void> {
  const perSlice = Math.max(1, Math.floor((parts * SLICE_BYTES) / bytesPerElement));
  const count = Math.max(1, Math.ceil(length / perSlice));
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      await work({ index, start: index * perSlice, end: Math.min(length, (index + 1) * perSlice) });
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, lane));
}
