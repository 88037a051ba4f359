import { type ArrayStream, throughArray } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { combineInto, Scratch } from "./combine.ts";

/**
 * Recursive doubling allReduce. For short arrays: the fewest steps.
 *
 * Let Q be the largest power of two <= P and E = P - Q. First, of the 2E lowest ranks each even one gives its array to
 * the odd one above it and waits. The Q ranks that remain exchange and combine whole arrays with the partner whose
 * number differs in bit 0, 1, 2, ...; both compute a + b of the same two operands, so all ranks hold the same bits.
 * Last, the odd ranks hand the result back.
 *
 * Steps: log2 Q (+ 2 if P is no power of two). Bytes sent by each rank: at most n (log2 Q + 1).
 */
export function recursiveDoubling(
  channel: Channel,
  data: TypedArray,
  op: ReduceOp,
  stream?: ArrayStream,
): Promise<void> {
  return throughArray(stream, bytesOf(data), () => double(channel, data, op));
}

async function double(channel: Channel, data: TypedArray, op: ReduceOp): Promise<void> {
  const { index, size } = channel;
  const power = 2 ** Math.floor(Math.log2(size));
  const extra = size - power;
  using scratch = new Scratch(data, data.length);
  const received = scratch.array;
  const bytes = bytesOf(data);
  const last = 64;
  if (index < 2 * extra) {
    if (index % 2 === 0) {
      await channel.send(index + 1, 0, bytes);
      await channel.receive(index + 1, last, bytes);
      return;
    }
    await channel.receive(index - 1, 0, bytesOf(received));
    combineInto(op, data, received);
  }
  const number = index < 2 * extra ? (index - 1) / 2 : index - extra;
  const indexOf = (other: number): number => other < extra ? 2 * other + 1 : other + extra;
  for (let bit = 1, step = 1; bit < power; bit *= 2, step++) {
    const partner = indexOf(number ^ bit);
    await Promise.all([
      channel.send(partner, step, bytes),
      channel.receive(partner, step, bytesOf(received)),
    ]);
    combineInto(op, data, received);
  }
  if (index < 2 * extra) await channel.send(index - 1, last, bytes);
}
