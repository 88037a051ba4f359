import type { ArrayStream } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import { reduceInto, type ReduceOp } from "../reduce_ops.ts";
import { binomialTree } from "./binomial_tree.ts";
import { forEachSlice } from "./slices.ts";

/**
 * Binomial reduce: leaves send to their parents, each parent adds its children's arrays to its own, smallest subtree
 * first, whichever comes first. The root's `data` becomes the result; other ranks' data stays.
 *
 * Steps: ceil(log2 P). Bytes sent by each rank other than the root: n.
 */
export async function binomialReduce(
  channel: Channel,
  data: TypedArray,
  root: number,
  op: ReduceOp,
  stream?: ArrayStream,
): Promise<void> {
  const { parent, children } = binomialTree(channel, root);
  await forEachSlice(data.length, data.BYTES_PER_ELEMENT, 1, async ({ index, start, end }) => {
    const own = data.subarray(start, end);
    await stream?.fill(start * data.BYTES_PER_ELEMENT, bytesOf(own));
    const sum = parent === undefined || children.length === 0 ? own : own.slice();
    const parts = await Promise.all(children.map(async (child) => {
      const part = own.slice();
      await channel.receive(child, index, bytesOf(part));
      return part;
    }));
    for (const part of parts) reduceInto(op, sum, part);
    if (parent !== undefined) await channel.send(parent, index, bytesOf(sum));
    else stream?.take(start * data.BYTES_PER_ELEMENT, bytesOf(sum));
  });
}
