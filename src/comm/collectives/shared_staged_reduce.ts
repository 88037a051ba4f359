import type { ArrayStream } from "../array_stream.ts";
import { bytesOf, dtypeOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { Count, type Lane } from "../shm/lane.ts";
import { STAGES } from "../shm/lane_layout.ts";

/** Parts of a block start at multiples of a cache line. */
const LINE = 64;

/**
 * Staged reduce of long arrays over shared memory: reduce-scatter, then all-gather, block by block. Every rank has
 * entered the operation.
 *
 * For block b each rank copies its bytes into its stage slot; when all have, rank r combines part r of all P slots, in the
 * order of the ranks, into the result slot; when all have, everybody copies the result out (with a root only that one).
 * While block b is combined, block b-1 is copied out and block b+1 in.
 *
 * Steps: 2 per block. Bytes copied by each rank: 2 n; combined by each rank: n, of which n / P are its own.
 */
export async function sharedStagedReduce(
  lane: Lane,
  data: TypedArray,
  op: ReduceOp,
  root?: number,
  stream?: ArrayStream,
): Promise<void> {
  const dtype = dtypeOf(data)!;
  const user = bytesOf(data);
  const { index, size, layout: { slotBytes } } = lane;
  const receives = root === undefined || root === index;
  const blocks = Math.ceil(user.length / slotBytes);
  const base = lane.takeBlocks(blocks);
  const bytesOfBlock = (block: number): Uint8Array =>
    user.subarray(block * slotBytes, (block + 1) * slotBytes);

  const write = async (block: number): Promise<void> => {
    const [own, at] = [bytesOfBlock(block), lane.stageAt(index, block)];
    await stream!.fill(block * slotBytes, lane.bytes.subarray(at, at + own.length));
    lane.post(Count.Written, base + block + 1);
  };
  const copy = (block: number): void => {
    lane.bytes.set(bytesOfBlock(block), lane.stageAt(index, block));
    lane.post(Count.Written, base + block + 1);
  };
  const combine = (block: number): void => {
    const { length } = bytesOfBlock(block);
    const part = Math.ceil(length / size / LINE) * LINE;
    const from = Math.min(index * part, length);
    const elements = (Math.min(from + part, length) - from) / dtype.bytesPerElement;
    const first = lane.stageAt(0, block) + from;
    const stride = STAGES * slotBytes;
    if (elements > 0) {
      lane.kernels.reduce(op, dtype, lane.resultAt(block) + from, first, stride, size, elements);
    }
    lane.post(Count.Reduced, base + block + 1);
  };
  const read = (block: number): void => {
    const own = bytesOfBlock(block);
    const at = lane.resultAt(block);
    const result = lane.bytes.subarray(at, at + own.length);
    if (receives && stream === undefined) own.set(result);
    else if (receives) stream!.take(block * slotBytes, result);
    lane.post(Count.Done, base + block + 1);
  };

  // Where nobody has to be waited for, nothing is awaited.
  let wait: Promise<void> | undefined;
  for (let block = -1; block <= blocks; block++) {
    if (block >= 0 && block < blocks) {
      if ((wait = lane.waitAll(Count.Written, base + block + 1)) !== undefined) await wait;
      wait = block < STAGES ? undefined : lane.waitAll(Count.Done, base + block - STAGES + 1);
      if (wait !== undefined) await wait;
      combine(block);
    }
    if (block > 0) {
      if ((wait = lane.waitAll(Count.Reduced, base + block)) !== undefined) await wait;
      read(block - 1);
    }
    // The slot is that of block - 1, which all ranks have combined.
    if (block + 1 < blocks) {
      if (stream === undefined) copy(block + 1);
      else await write(block + 1);
    }
  }
}
