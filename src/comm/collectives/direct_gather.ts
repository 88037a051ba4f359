import type { Channel } from "../channel.ts";
import type { Message } from "../transport/transport.ts";

/**
 * Direct gather: every rank sends its bytes to the root. Lengths may differ.
 *
 * Steps: 1. Bytes received by the root: the sum of the lengths.
 *
 * @returns at the root, the messages of the others by group index, its own entry `undefined`; elsewhere `undefined`
 */
export async function directGather(
  channel: Channel,
  bytes: Uint8Array,
  root: number,
): Promise<(Message | undefined)[] | undefined> {
  const { index, size } = channel;
  if (index !== root) {
    await channel.send(root, 0, bytes);
    return undefined;
  }
  const others = Array.from({ length: size }, (_, other) => other);
  return await Promise.all(
    others.map((other) => other === root ? undefined : channel.receiveMessage(other, 0)),
  );
}
