import type { ArrayStream } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import { binomialTree } from "./binomial_tree.ts";
import { forEachSlice } from "./slices.ts";

/**
 * Binomial broadcast of the root's bytes into everybody's `bytes`, of equal length. Long arrays go in slices, so that a
 * rank passes one on while the next is arriving.
 *
 * Steps: ceil(log2 P). Bytes sent by the root: n ceil(log2 P); in all n (P-1).
 */
export async function binomialBroadcast(
  channel: Channel,
  bytes: Uint8Array,
  root: number,
  stream?: ArrayStream,
): Promise<void> {
  const { parent, children } = binomialTree(channel, root);
  const largestFirst = children.toReversed();
  await forEachSlice(bytes.length, 1, 1, async ({ index, start, end }) => {
    const slice = bytes.subarray(start, end);
    if (parent !== undefined) await channel.receive(parent, index, slice);
    else await stream?.fill(start, slice);
    await Promise.all(largestFirst.map((child) => channel.send(child, index, slice)));
    if (parent !== undefined) stream?.take(start, slice);
  });
}

/**
 * Binomial broadcast of a message whose length only the root knows.
 *
 * @returns the root's bytes, on every rank
 */
export async function binomialBroadcastMessage(
  channel: Channel,
  bytes: Uint8Array | undefined,
  root: number,
): Promise<Uint8Array> {
  const { parent, children } = binomialTree(channel, root);
  const message = parent === undefined ? bytes! : (await channel.receiveMessage(parent, 0)).bytes;
  await Promise.all(children.toReversed().map((child) => channel.send(child, 0, message)));
  return message;
}
