import { bytesOf, dtypeOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { Count, type Lane } from "../shm/lane.ts";
import { STAGES } from "../shm/lane_layout.ts";
import { shareOfSlot } from "./shared_all_to_all.ts";
import { concatenate, sumOf } from "./shared_scatter.ts";

/**
 * Reduce-scatter over shared memory. As an allToAll, except that each rank combines what all ranks have for it, in the
 * order of the ranks, instead of copying it out.
 *
 * Steps: 1 per block. Bytes copied by each rank: the sum of its blocks; combined: P times its block.
 *
 * @param list one array for each rank; entry i has one length on all ranks
 * @returns the combination for this rank
 */
export async function sharedReduceScatter<T extends TypedArray>(
  lane: Lane,
  list: readonly T[],
  op: ReduceOp,
): Promise<T> {
  const { index, size, layout: { smallBytes, slotBytes } } = lane;
  const parts = list.map(bytesOf);
  const lengths = parts.map(({ length }) => length);
  const isShort = sumOf(lengths) <= smallBytes;
  await lane.enter(isShort ? concatenate(parts) : undefined, lengths);
  checkLengths(lane, lengths);
  const dtype = dtypeOf(list[0])!;
  const elementBytes = dtype.bytesPerElement;
  const result = dtype.view(new ArrayBuffer(lengths[index])) as T;
  const into = bytesOf(result);
  if (isShort) {
    const first = lane.payloadAt(0) + sumOf(lengths.slice(0, index));
    lane.kernels.reduce(op, dtype, 0, first, lane.payloadStride, size, result.length);
    into.set(lane.bytes.subarray(0, into.length));
    return result;
  }
  const share = shareOfSlot(lane);
  const blocks = Math.ceil(Math.max(...lengths) / share);
  const base = lane.takeBlocks(blocks);
  for (let block = 0; block < blocks; block++) {
    const [start, end] = [block * share, (block + 1) * share];
    if (block >= STAGES) await lane.waitAll(Count.Done, base + block - STAGES + 1);
    parts.forEach((part, to) => {
      lane.bytes.set(part.subarray(start, end), lane.stageAt(index, block) + to * share);
    });
    lane.post(Count.Written, base + block + 1);
    const own = into.subarray(start, end);
    if (own.length > 0) {
      await lane.waitAll(Count.Written, base + block + 1);
      const first = lane.stageAt(0, block) + index * share;
      lane.kernels.reduce(op, dtype, 0, first, STAGES * slotBytes, size, own.length / elementBytes);
      own.set(lane.bytes.subarray(0, own.length));
    }
    lane.post(Count.Done, base + block + 1);
    await lane.pause();
  }
  return result;
}

function checkLengths(lane: Lane, lengths: readonly number[]): void {
  for (let other = 0; other < lane.size; other++) {
    const at = lengths.findIndex((length, to) => lane.lengthOf(other, to) !== length);
    if (at < 0) continue;
    const detail = `entry ${at} has ${lane.lengthOf(other, at)} bytes on one rank and ${
      lengths[at]
    } on another`;
    lane.refuse(other, detail);
  }
}
