import { receiveBundle, sendBundle } from "./bundle.ts";
import type { Messages } from "./collectives.ts";
import { agree } from "./dissemination_barrier.ts";
import { type Levels, rolesOf } from "./levels.ts";

/**
 * Gather in two levels, for any lengths: inside each host to its leader through shared memory; each leader sends what it
 * has to the root, which leads its own host.
 *
 * Steps: 2 inside, 1 between leaders. Bytes received by the root's host: the sum of the lengths elsewhere, in H-1 messages
 * if they are short.
 *
 * @returns at the root, the messages of the others by group index; elsewhere `undefined`
 */
export async function hierarchicalGather(
  levels: Levels,
  bytes: Uint8Array,
  root: number,
): Promise<Messages | undefined> {
  const { channel: { size, index }, inside, dtype, attend } = levels;
  const { members, leader, isLeader, outside, hosts, outsideRoot } = rolesOf(levels, root);
  const messages: Messages = new Array(size).fill(undefined);
  const near = inside === undefined ? [undefined] : await inside().gather(bytes, leader);
  if (index === root) {
    members.forEach((position, at) => messages[position] = near![at]);
    const gatherFar = hosts.map(async (host, from) => {
      if (from === outsideRoot) return;
      const { parts } = await receiveBundle(outside, from, host.length);
      const arrived = await Promise.all(parts);
      host.forEach((position, at) => messages[position] = { dtype, bytes: arrived[at] });
    });
    await attend(Promise.all([agree(outside), ...gatherFar]));
  } else if (isLeader) {
    const given = near!.map((message) => message?.bytes ?? bytes);
    await attend(Promise.all([sendBundle(outside, outsideRoot, given), agree(outside)]));
  }
  await inside?.().barrier();
  return index === root ? messages : undefined;
}
