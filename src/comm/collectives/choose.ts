/**
 * Which algorithm does an operation, by the way its ranks exchange bytes, its size and the number of ranks.
 *
 * | ranks                | allReduce, reduce                                | others                               |
 * | -------------------- | ------------------------------------------------ | ------------------------------------ |
 * | one host             | in place where the array lives in shared memory, | shared memory                        |
 * |                      | flat up to {@link FLAT_BYTES}, staged beyond     |                                      |
 * | several, some shared | inside the host, between leaders, inside         | the same; in allToAll ranks send     |
 * |                      |                                                  | more than {@link RELAY_BYTES} direct |
 * | one for each host    | recursive doubling up to {@link SHORT_BYTES},    | messages                             |
 * |                      | ring beyond                                      |                                      |
 *
 * The measurements are in docs/collectives.md; bench/all_reduce.ts and bench/hosts.ts repeat them.
 */

import type { ArrayStream } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import type { TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { recursiveDoubling } from "./recursive_doubling.ts";
import { ringAllReduce } from "./ring_all_reduce.ts";

/** An algorithm that leaves the reduction of all ranks' `data` in everybody's `data`. */
export type AllReduceAlgorithm = (
  channel: Channel,
  data: TypedArray,
  op: ReduceOp,
  stream?: ArrayStream,
) => Promise<void>;

/** Messages: up to this many bytes the number of steps decides, beyond it the number of bytes. */
const SHORT_BYTES = 64 * 1024;
/** Shared memory: all P arrays together up to which everybody combines all of them. */
const FLAT_BYTES = 128 * 1024;
/** Bytes of one rank for other hosts up to which leaders relay them: fewer messages count more than copies. */
const RELAY_BYTES = 16 * 1024;

/** The allReduce algorithm over messages for `bytes` bytes between `size` ranks. */
export function chooseAllReduce(bytes: number, size: number): AllReduceAlgorithm {
  return size > 1 && bytes > SHORT_BYTES ? ringAllReduce : recursiveDoubling;
}

/** Whether a reduction of `bytes` bytes between `size` ranks of one host is flat. */
export function isFlat(bytes: number, size: number): boolean {
  return bytes * size <= FLAT_BYTES;
}

/** Whether leaders relay what one rank has for the ranks of other hosts, `bytes` bytes in all. */
export function isRelayed(bytes: number): boolean {
  return bytes <= RELAY_BYTES;
}
