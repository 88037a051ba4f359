import type { Channel } from "../channel.ts";
import type { Message } from "../transport/transport.ts";

/**
 * Direct allGather: every rank sends its bytes to every other one, starting with its successor so that no rank is
 * everybody's first target. Lengths may differ.
 *
 * Steps: 1, with P-1 messages under way. Bytes sent by each rank: n (P-1), as in a ring.
 *
 * @returns the messages of the other ranks by group index; the own entry is `undefined`
 */
export async function directAllGather(channel: Channel, bytes: Uint8Array): Promise<(Message | undefined)[]> {
  const { index, size } = channel;
  const messages: (Message | undefined)[] = new Array(size).fill(undefined);
  const distances = Array.from({ length: size - 1 }, (_, k) => k + 1);
  await Promise.all(distances.flatMap((distance) => [
    channel.send(index + distance, 0, bytes),
    channel.receiveMessage(index - distance, 0).then((message) => {
      messages[(index - distance + size) % size] = message;
    }),
  ]));
  return messages;
}
