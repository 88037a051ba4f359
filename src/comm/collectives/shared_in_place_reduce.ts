import { dtypeOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { Count, type Lane } from "../shm/lane.ts";
import type { SharedPlace } from "../shm/shared_arrays.ts";

/** Combined and handed out at a time: stays in the cache in between. */
const CHUNK = 128 * 1024;
const LINE = 64;

/**
 * Reduce of arrays that live in shared memory, without a copy into or out of a stage. Every rank has entered the
 * operation with the same place in the same shared array. Rank r combines part r of all P arrays, in the order of the
 * ranks, and writes the result to everybody's array (with a root only to that one).
 *
 * Steps: 1. Bytes read by each rank: n; written: n, or n / P with a root.
 */
export async function sharedInPlaceReduce(
  lane: Lane,
  data: TypedArray,
  op: ReduceOp,
  { array, offset }: SharedPlace,
  root?: number,
): Promise<void> {
  const dtype = dtypeOf(data)!;
  const { index, size } = lane;
  const { bytes, kernels, stride } = array;
  const base = lane.takeBlocks(1);
  const { byteLength } = data;
  const part = Math.ceil(byteLength / size / LINE) * LINE;
  const end = Math.min((index + 1) * part, byteLength);
  for (let at = Math.min(index * part, byteLength); at < end; at += CHUNK) {
    const length = Math.min(CHUNK, end - at);
    const first = array.first + offset + at;
    // With a root other than the first rank the result would overwrite an operand: it goes through scratch memory.
    const out = root === undefined || root === 0 ? first : 0;
    kernels.reduce(op, dtype, out, first, stride, size, length / dtype.bytesPerElement);
    for (let other = 0; other < size; other++) {
      const to = first + other * stride;
      if (to !== out && (root === undefined || other === root)) bytes.copyWithin(to, out, out + length);
    }
    await lane.pause();
  }
  lane.post(Count.Reduced, base + 1);
  await lane.waitAll(Count.Reduced, base + 1);
}
