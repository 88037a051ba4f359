import type { Message } from "../transport/transport.ts";
import { receiveBundle, sendBundle } from "./bundle.ts";
import { agree } from "./dissemination_barrier.ts";
import { type Levels, rolesOf } from "./levels.ts";

/**
 * Scatter in two levels, for any lengths: the root, which leads its own host, sends each other leader the parts of its host;
 * each leader scatters them inside through shared memory.
 *
 * Steps: 1 between leaders, 1 inside. Bytes sent by the root's host: the parts of the ranks elsewhere, in H-1 messages if
 * they are short.
 *
 * @param parts at the root, the bytes for each group index
 * @returns the message for this rank; `undefined` at the root
 */
export async function hierarchicalScatter(
  levels: Levels,
  parts: readonly Uint8Array[] | undefined,
  root: number,
): Promise<Message | undefined> {
  const { channel: { index }, inside, attend } = levels;
  const { members, leader, isLeader, outside, hosts, outsideRoot } = rolesOf(levels, root);
  if (index === root) {
    const partsOn = (host: readonly number[]): Uint8Array[] => host.map((position) => parts![position]);
    const sends = hosts.map((host, to) =>
      to === outsideRoot ? undefined : sendBundle(outside, to, partsOn(host))
    );
    await attend(Promise.all([agree(outside), ...sends]));
    await inside?.().scatter(partsOn(members), leader);
    return undefined;
  }
  if (!isLeader) return await inside!().scatter(undefined, leader);
  const receiveAll = async (): Promise<Message[]> => {
    const { dtype, parts } = await receiveBundle(outside, outsideRoot, members.length);
    return (await Promise.all(parts)).map((bytes) => ({ dtype, bytes }));
  };
  const [arrived] = await attend(Promise.all([receiveAll(), agree(outside)]));
  await inside?.(arrived[leader].dtype).scatter(arrived.map(({ bytes }) => bytes), leader);
  return arrived[leader];
}
