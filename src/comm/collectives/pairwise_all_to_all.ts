import type { Channel } from "../channel.ts";
import type { Message } from "../transport/transport.ts";

/**
 * Pairwise allToAll: in step k rank r sends part r+k to rank r+k and receives its part from rank r-k. A few steps run at
 * a time. Lengths may differ.
 *
 * Steps: P-1. Bytes sent by each rank: the sum of its parts but its own.
 *
 * @param parts the bytes for each group index
 * @returns the messages of the other ranks by group index; the own entry is `undefined`
 */
export async function pairwiseAllToAll(
  channel: Channel,
  parts: readonly Uint8Array[],
): Promise<(Message | undefined)[]> {
  const { index, size } = channel;
  const messages: (Message | undefined)[] = new Array(size).fill(undefined);
  const distances = Array.from({ length: size - 1 }, (_, k) => k + 1);
  await Promise.all(distances.flatMap((distance) => {
    const [to, from] = [(index + distance) % size, (index - distance + size) % size];
    const receive = async (): Promise<void> => {
      messages[from] = await channel.receiveMessage(from, 0);
    };
    return [channel.send(to, 0, parts[to]), receive()];
  }));
  return messages;
}
