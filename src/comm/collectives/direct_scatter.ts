import type { Channel } from "../channel.ts";
import type { Message } from "../transport/transport.ts";

/**
 * Direct scatter: the root sends each rank its part. Lengths may differ.
 *
 * Steps: 1. Bytes sent by the root: the sum of the parts of the others.
 *
 * @param parts at the root, the bytes for each group index
 * @returns the message for this rank; `undefined` at the root, whose part is its own
 */
export async function directScatter(
  channel: Channel,
  parts: readonly Uint8Array[] | undefined,
  root: number,
): Promise<Message | undefined> {
  const { index, size } = channel;
  if (index !== root) return await channel.receiveMessage(root, 0);
  const distances = Array.from({ length: size - 1 }, (_, k) => k + 1);
  await Promise.all(distances.map((distance) => {
    const to = (root + distance) % size;
    return channel.send(to, 0, parts![to]);
  }));
  return undefined;
}
