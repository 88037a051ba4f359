import type { ArrayStream } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { combineInto, Scratch } from "./combine.ts";
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
export async function ringAllReduce(
  channel: Channel,
  data: TypedArray,
  op: ReduceOp,
  stream?: ArrayStream,
): Promise<void> {
  const { size } = channel;
  await forEachSlice(data.length, data.BYTES_PER_ELEMENT, size, async ({ index, start, end }) => {
    const firstStep = index * 2 * size;
    const slice = data.subarray(start, end);
    await stream?.fill(start * data.BYTES_PER_ELEMENT, bytesOf(slice));
    await reduceSlice(channel, slice, op, firstStep);
    stream?.take(start * data.BYTES_PER_ELEMENT, bytesOf(slice));
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
  const gatherStep = firstStep + size - 1;
  // Finished segments arrive where they belong: each contains this rank's part, so that part has left already.
  const gathered = Array.from({ length: size - 1 }, (_, step) => {
    return channel.receive(index - 1, gatherStep + step, bytesOf(segment(index - step)));
  });
  const work = reduceAndPass();
  await Promise.all([work, ...gathered]);

  async function reduceAndPass(): Promise<void> {
    using scratch = new Scratch(data, Math.ceil(data.length / size));
    for (let step = 0; step < size - 1; step++) {
      const target = segment(index - step - 1);
      const received = scratch.array.subarray(0, target.length);
      await Promise.all([
        channel.send(index + 1, firstStep + step, bytesOf(segment(index - step))),
        channel.receive(index - 1, firstStep + step, bytesOf(received)),
      ]);
      combineInto(op, target, received);
    }
    for (let step = 0; step < size - 1; step++) {
      if (step > 0) await gathered[step - 1];
      await channel.send(index + 1, gatherStep + step, bytesOf(segment(index + 1 - step)));
    }
  }
}
