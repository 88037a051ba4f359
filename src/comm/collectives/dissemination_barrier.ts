import type { Channel } from "../channel.ts";

const EMPTY = new Uint8Array(0);

/** First step number of {@link agree}, above those of any other algorithm. */
const AGREEMENT_STEP = 0xffff_ff00;

/**
 * Dissemination barrier: in step k rank r signals rank r + 2^k and waits for rank r - 2^k, so that after the last step
 * it has heard, directly or not, of every rank.
 *
 * Steps: ceil(log2 P). Messages sent by each rank: ceil(log2 P), without payload.
 */
export async function disseminationBarrier(channel: Channel, firstStep = 0): Promise<void> {
  const { index, size } = channel;
  for (let distance = 1, step = firstStep; distance < size; distance *= 2, step++) {
    await Promise.all([
      channel.send(index + distance, step, EMPTY),
      channel.receive(index - distance, step, EMPTY),
    ]);
  }
}

/**
 * Lets every rank know that all have called the same operation. Each frame carries the call, so a rank that disagrees is
 * noticed by those that hear of it. Operations with a root run it beside their own messages: without it, a rank that
 * only sends would be done before anybody could object.
 */
export function agree(channel: Channel): Promise<void> {
  return disseminationBarrier(channel, AGREEMENT_STEP);
}
