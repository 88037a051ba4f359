import {
  type Bundle,
  exchangeBundles,
  isShortBundle,
  pack,
  packLengths,
  unpack,
  unpackLengths,
} from "./bundle.ts";
import type { Collectives, Messages } from "./collectives.ts";
import { type Levels, rolesOf } from "./levels.ts";

/**
 * AllGather in two levels, for any lengths: inside each host through shared memory; each leader sends what its host has to
 * every other leader; what comes from other hosts is spread inside, array by array while the next ones travel.
 *
 * Steps: 2 inside (more for long arrays), 1 between leaders. Bytes that leave a host: those of its members (H-1) times,
 * instead of once for each rank elsewhere.
 *
 * @returns the messages of the other ranks by group index
 */
export async function hierarchicalAllGather(levels: Levels, bytes: Uint8Array): Promise<Messages> {
  const { channel: { size, index }, inside, dtype, attend } = levels;
  const { members, leader, isLeader, outside, hosts } = rolesOf(levels);
  const messages: Messages = new Array(size).fill(undefined);
  const near = await inside?.().allGather(bytes) ?? [undefined];
  members.forEach((position, at) => messages[position] = near[at]);
  const far = hosts.filter((host) => !host.includes(index)).flat();
  const accept = (parts: readonly Uint8Array<ArrayBuffer>[]): void => {
    parts.forEach((part, k) => messages[far[k]] = { dtype, bytes: part });
  };
  if (!isLeader) accept(await receiveInside(inside!, leader, far.length));
  else {
    const given = near.map((message) => message?.bytes ?? bytes);
    const counts = hosts.map(({ length }) => length);
    const { bundles, done } = await exchangeBundles(outside, attend, () => given, counts);
    accept(await spread(bundles.filter((bundle) => bundle !== undefined), inside, leader));
    await done;
  }
  return messages;
}

/** At the leader: hands on what the other hosts have; returns it. */
async function spread(
  bundles: readonly Bundle[],
  inside: (() => Collectives) | undefined,
  leader: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts = bundles.flatMap((bundle) => bundle.parts);
  const lengths = bundles.flatMap((bundle) => bundle.lengths);
  if (inside === undefined) return await Promise.all(parts);
  if (isShortBundle(lengths)) {
    const arrived = await Promise.all(parts);
    await inside().broadcastMessage(pack(arrived), leader);
    return arrived;
  }
  await inside().broadcastMessage(packLengths(lengths), leader);
  const arrived: Uint8Array<ArrayBuffer>[] = [];
  for (const part of parts) {
    arrived.push(await part);
    await inside().broadcast(arrived.at(-1)!, leader);
  }
  return arrived;
}

/** Elsewhere: what the leader hands on. */
async function receiveInside(
  inside: () => Collectives,
  leader: number,
  count: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const message = await inside().broadcastMessage(undefined, leader) as Uint8Array<ArrayBuffer>;
  const lengths = unpackLengths(message, count);
  if (isShortBundle(lengths)) return unpack(message, count).map((part) => part.slice());
  const arrived = lengths.map((length) => new Uint8Array(length));
  for (const part of arrived) await inside().broadcast(part, leader);
  return arrived;
}
