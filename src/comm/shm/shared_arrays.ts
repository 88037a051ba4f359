/** Typed arrays that live in shared memory: each rank's array is one part of a segment that all ranks of a group map. */

import type { TypedArray } from "../dtypes.ts";
import type { Segment } from "./segment.ts";
import { ReduceKernels } from "./reduce_kernels.ts";

/** One array for each rank of a group, side by side. */
export interface SharedArray {
  /** Number of the array, the same on all of its ranks; not 0. */
  readonly id: number;
  /** World ranks, ascending. */
  readonly ranks: readonly number[];
  /** Address of the first rank's array in the memory. */
  readonly first: number;
  /** Bytes from one rank's array to the next one's. */
  readonly stride: number;
  /** Computes in the memory. */
  readonly kernels: ReduceKernels;
  /** All bytes of the memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where in a shared array something lies. */
export interface SharedPlace {
  readonly array: SharedArray;
  /** Bytes from the start of this rank's part. */
  readonly offset: number;
}

/** Bytes before the first rank's array: the segment's token. */
const HEAD_BYTES = 4096;
const PAGE = 4096;

/** Bytes of the segment for arrays of `bytes` bytes on `size` ranks. */
export function sharedArrayBytes(size: number, bytes: number): number {
  return HEAD_BYTES + size * strideOf(bytes);
}

/** Parts start at different places within a page table's reach, so that they do not compete for the same cache sets. */
function strideOf(bytes: number): number {
  return Math.ceil(Math.max(bytes, 1) / PAGE) * PAGE + PAGE;
}

/** The arrays of one process, found by their memory; an array that nobody uses any more is collected with its memory. */
export class SharedArrays {
  readonly #byMemory = new WeakMap<ArrayBufferLike, SharedArray>();

  /**
   * Notes a segment.
   *
   * @param segment has {@link sharedArrayBytes} bytes
   * @param ranks world ranks that share it
   * @param index position of this rank among them
   * @param bytes bytes of one rank's array
   * @returns this rank's part
   */
  add(segment: Segment, ranks: readonly number[], index: number, bytes: number): Uint8Array<ArrayBuffer> {
    const stride = strideOf(bytes);
    const first = segment.base + HEAD_BYTES;
    const { buffer } = segment;
    // The segment starts with random bytes, the same for all of its ranks.
    const id = new Int32Array(buffer, segment.base, 1)[0] | 1;
    this.#byMemory.set(buffer, {
      ...{ id, ranks, first, stride },
      ...{ kernels: new ReduceKernels(segment.memory), bytes: new Uint8Array(buffer) },
    });
    return new Uint8Array(buffer, first + index * stride, bytes);
  }

  /** Where `data` lie, if they lie in an array of exactly these ranks. */
  placeOf(data: TypedArray, ranks: readonly number[]): SharedPlace | undefined {
    const array = this.#byMemory.get(data.buffer);
    if (array === undefined || array.ranks.length !== ranks.length) return undefined;
    if (array.ranks.some((rank, index) => rank !== ranks[index])) return undefined;
    return { array, offset: (data.byteOffset - array.first) % array.stride };
  }
}
