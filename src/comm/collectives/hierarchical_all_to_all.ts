import { exchangeBundles, pack, unpack } from "./bundle.ts";
import { isRelayed } from "./choose.ts";
import type { Messages } from "./collectives.ts";
import { type Levels, rolesOf } from "./levels.ts";
import { concatenate, sumOf } from "./shared_scatter.ts";

/** Step number of messages between two ranks, above those between leaders. */
const DIRECT_STEP = 0xffff_fd00;
/** What stands before bytes that leaders relay; without it they come as a message of their own. */
const RELAYED = Uint8Array.of(1);
const DIRECT = new Uint8Array(0);

/**
 * AllToAll in two levels, for any lengths: parts for ranks of the same host go through shared memory; those for other hosts
 * are gathered by the leader, exchanged between leaders host by host, and scattered inside. A rank whose parts for other
 * hosts are long sends them itself: relays would copy them four times and save no bytes.
 *
 * Steps: 3 inside, 1 between leaders, 1 between ranks. Bytes that leave a host: the parts for ranks elsewhere; short ones
 * in H-1 messages instead of one for each pair of ranks.
 *
 * @param parts the bytes for each group index
 * @returns the messages of the other ranks by group index
 */
export async function hierarchicalAllToAll(levels: Levels, parts: readonly Uint8Array[]): Promise<Messages> {
  const { channel, inside, dtype, attend } = levels;
  const { members, hosts } = rolesOf(levels);
  const messages: Messages = new Array(channel.size).fill(undefined);
  const far = hosts.filter((host) => !host.includes(channel.index)).flat();
  const isDirect = !isRelayed(sumOf(far.map((position) => parts[position].length)));
  // They travel while the others are relayed; if that fails, so have they.
  const sends = isDirect ? far.map((position) => channel.send(position, DIRECT_STEP, parts[position])) : [];
  void Promise.allSettled(sends);
  if (inside !== undefined) {
    const near = await inside().allToAll(members.map((position) => parts[position]));
    members.forEach((position, at) => messages[position] = near[at]);
  }
  const given = far.map((position) => isDirect ? DIRECT : concatenate([RELAYED, parts[position]]));
  const received = await relay(levels, far, given);
  const receives = far.map(async (position, k) => {
    messages[position] = received[k].length === 0
      ? await channel.receiveMessage(position, DIRECT_STEP)
      : { dtype, bytes: received[k].slice(RELAYED.length) };
  });
  await attend(Promise.all([...sends, ...receives]));
  return messages;
}

/** What the ranks `far`, all those elsewhere, have for this rank, which has `given` for them. */
async function relay(
  levels: Levels,
  far: readonly number[],
  given: readonly Uint8Array<ArrayBuffer>[],
): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const { inside, attend } = levels;
  const { members, leader, isLeader, outside, hosts } = rolesOf(levels);
  const packed = inside && pack(given);
  const gathered = packed && await inside().gather(packed, leader);
  if (!isLeader) return unpack((await inside!().scatter(undefined, leader))!.bytes, far.length);
  /** What each member has for each rank elsewhere. */
  const out = gathered?.map((message) => unpack(message?.bytes ?? packed!, far.length)) ?? [given];
  const partsFor = (to: number): Uint8Array[] =>
    out.flatMap((list) => hosts[to].map((position) => list[far.indexOf(position)]));
  const counts = hosts.map((host) => host.length * members.length);
  const { bundles, done } = await exchangeBundles(outside, attend, partsFor, counts);
  await done;
  const arrived = await Promise.all(bundles.map((bundle) => bundle && Promise.all(bundle.parts)));
  /** What each rank elsewhere has for each member. */
  const lists = members.map((_, at) =>
    hosts.flatMap((host, from) => host.flatMap((_, k) => arrived[from]?.[k * members.length + at] ?? []))
  );
  await inside?.().scatter(lists.map(pack), leader);
  return lists[leader];
}
