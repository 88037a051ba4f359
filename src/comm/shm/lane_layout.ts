/** Where the parts of a lane lie in its segment. */

import { LINE_BYTES } from "./flags.ts";

/** Addresses inside the memory, and sizes, in bytes. */
export interface LaneLayout {
  /** Lines of counters: for each of five kinds one for each rank. */
  readonly lines: number;
  /** Lists of P float64 numbers, one for each rank, twice. */
  readonly lists: number;
  /** Short payloads, one for each rank, twice. */
  readonly small: number;
  /** Longest short payload. */
  readonly smallBytes: number;
  /** Slots for blocks, {@link STAGES} for each rank. */
  readonly stage: number;
  /** Slots for reduced blocks. */
  readonly result: number;
  /** Bytes of a slot. */
  readonly slotBytes: number;
  /** Address behind the last byte. */
  readonly end: number;
}

/** Blocks of one rank under way: one is written while the one before is read. */
export const STAGES = 2;
const KINDS = 5;
/** The first page holds the segment's token. */
const FIRST_PAGE = 4096;
/** All slots of one rank stay in the second-level cache of its core. */
const LARGEST_SLOT = 512 * 1024;
const LARGEST_SMALL = 64 * 1024;

/** The layout for `size` ranks in a segment whose shared bytes start at `base`. */
export function layoutOf(size: number, base: number): LaneLayout {
  const page = (bytes: number): number => Math.ceil(bytes / 4096) * 4096;
  const scale = 2 ** Math.max(0, Math.ceil(Math.log2(size / 4)));
  const slotBytes = Math.max(page(LARGEST_SLOT / scale), 32 * 1024);
  const smallBytes = Math.max(page(LARGEST_SMALL / scale), 8 * 1024);
  const lines = base + FIRST_PAGE;
  const lists = lines + page(KINDS * size * LINE_BYTES);
  const small = lists + page(2 * size * size * 8);
  const stage = small + 2 * size * smallBytes;
  const result = stage + size * STAGES * slotBytes;
  return { lines, lists, small, smallBytes, stage, result, slotBytes, end: result + STAGES * slotBytes };
}

/** Bytes of the segment for a lane of `size` ranks. */
export function laneBytes(size: number): number {
  return layoutOf(size, 0).end;
}
