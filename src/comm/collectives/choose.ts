import type { Channel } from "../channel.ts";
import type { TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { recursiveDoubling } from "./recursive_doubling.ts";
import { ringAllReduce } from "./ring_all_reduce.ts";

/** An algorithm that leaves the reduction of all ranks' `data` in everybody's `data`. */
export type AllReduceAlgorithm = (channel: Channel, data: TypedArray, op: ReduceOp) => Promise<void>;

/** Up to this many bytes the number of steps decides, beyond it the number of bytes. */
const SHORT_BYTES = 64 * 1024;

/** The allReduce algorithm for `bytes` bytes between `size` ranks. */
export function chooseAllReduce(bytes: number, size: number): AllReduceAlgorithm {
  return size > 1 && bytes > SHORT_BYTES ? ringAllReduce : recursiveDoubling;
}
