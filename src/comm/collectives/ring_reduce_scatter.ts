import type { Channel } from "../channel.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import { reduceInto, type ReduceOp } from "../reduce_ops.ts";
import { forEachSlice } from "./slices.ts";

/**
 * Ring reduce-scatter of P blocks, one for each rank. In step s rank r sends the partial sum of block r-s-1 to rank r+1
 * and adds its own block r-s-2 to the partial sum that comes from rank r-1; after P-1 steps it holds the sum of
 * block r. The blocks themselves stay unchanged.
 *
 * Steps: P-1. Bytes sent by each rank: the sum of all blocks but one.
 *
 * @returns the sum of block `channel.index`
 */
export async function ringReduceScatter<T extends TypedArray>(
  channel: Channel,
  blocks: readonly T[],
  op: ReduceOp,
): Promise<T> {
  const { index, size } = channel;
  const block = (number: number): T => blocks[(number % size + size) % size];
  let partial = block(index - 1);
  for (let step = 0; step < size - 1; step++) {
    const own = block(index - step - 2);
    const sum = own.slice() as T;
    await exchange(channel, step, partial, sum);
    reduceInto(op, sum, own);
    partial = sum;
  }
  return partial;
}

async function exchange(channel: Channel, step: number, out: TypedArray, into: TypedArray): Promise<void> {
  const { index, size } = channel;
  const sliced = (
    array: TypedArray,
    work: (bytes: Uint8Array, step: number) => Promise<void>,
  ): Promise<void> =>
    forEachSlice(
      array.byteLength,
      1,
      1,
      ({ index: slice, start, end }) => work(bytesOf(array).subarray(start, end), slice * size + step),
    );
  await Promise.all([
    sliced(out, (bytes, at) => channel.send(index + 1, at, bytes)),
    sliced(into, (bytes, at) => channel.receive(index - 1, at, bytes)),
  ]);
}
