import type { Channel } from "../channel.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import { reduceInto, type ReduceOp } from "../reduce_ops.ts";
import { forEachSlice } from "./slices.ts";

/**
 * Ring allReduce: reduce-scatter, then all-gather. For long arrays.
 *
 * The array is cut into P segments. In step s of the first P-1 steps, rank r sends segment r-s to rank r+1 and adds the
 * segment r-s-1 that comes from rank r-1 to its own; then rank r holds the whole sum of segment r+1. In P-1 more steps
 * the finished segments go round the ring. Segment j is always summed in the order j, j+1, ..., j+P-1 (mod P), and all
 * ranks get the same bits because each segment is finished by one rank.
 *
 * Steps: 2 (P-1). Bytes sent by each rank: 2 n (P-1) / P.
 */
export async function ringAllReduce(channel: Channel, data: TypedArray, op: ReduceOp): Promise<void> {
  const { size } = channel;
  await forEachSlice(data.length, data.BYTES_PER_ELEMENT, size, async ({ index, start, end }) => {
    const firstStep = index * 2 * size;
    await reduceSlice(channel, data.subarray(start, end), op, firstStep);
  });
}

async function reduceSlice(
  channel: Channel,
  data: TypedArray,
  op: ReduceOp,
  firstStep: number,
): Promise<void> {
  const { index, size } = channel;
  const bound = (segment: number): number => Math.floor(segment * data.length / size);
  const segment = (number: number): TypedArray => {
    const at = (number % size + size) % size;
    return data.subarray(bound(at), bound(at + 1));
  };
  const scratch = data.slice(0, Math.ceil(data.length / size));
  for (let step = 0; step < size - 1; step++) {
    const target = segment(index - step - 1);
    const received = scratch.subarray(0, target.length);
    await Promise.all([
      channel.send(index + 1, firstStep + step, bytesOf(segment(index - step))),
      channel.receive(index - 1, firstStep + step, bytesOf(received)),
    ]);
    reduceInto(op, target, received);
  }
  for (let step = 0; step < size - 1; step++) {
    const at = firstStep + size - 1 + step;
    await Promise.all([
      channel.send(index + 1, at, bytesOf(segment(index + 1 - step))),
      channel.receive(index - 1, at, bytesOf(segment(index - step))),
    ]);
  }
}
