import type { Channel } from "../channel.ts";
import { bytesOf, type Dtype, dtypeOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import { packLengths } from "./bundle.ts";
import { type Levels, rolesOf } from "./levels.ts";
import { ringReduceScatter } from "./ring_reduce_scatter.ts";
import { sumOf } from "./shared_scatter.ts";

/** Step number of the comparison of lengths, above those of the ring. */
const LENGTHS_STEP = 0xffff_fe00;

/**
 * Reduce-scatter in two levels: inside each host all blocks are reduced to the leader through shared memory; a ring of
 * leaders reduces and scatters the blocks host by host; each leader scatters the blocks of its host inside.
 *
 * Every element is summed inside each host in the order of the ranks, s(h) = x(h0) + x(h1) + ..., and the blocks of host b
 * between hosts in the order s(b+1) + s(b+2) + ... + s(b) (mod H): an order that does not depend on timing.
 *
 * Steps: 2 inside, H-1 between leaders, 1 inside. Bytes that leave a host: those of the blocks of the other hosts, once.
 *
 * @param blocks one array for each rank; entry i has one length on all ranks
 * @returns the combination for this rank
 */
export async function hierarchicalReduceScatter<T extends TypedArray>(
  levels: Levels,
  blocks: readonly T[],
  op: ReduceOp,
): Promise<T> {
  const { channel, inside, attend } = levels;
  const { members, leader, isLeader, outside, hosts } = rolesOf(levels);
  const dtype = dtypeOf(blocks[0]) as Dtype;
  const lengths = blocks.map(({ byteLength }) => byteLength);
  const all = new Uint8Array(sumOf(lengths));
  const bounds = [0];
  for (const host of hosts) {
    let at = bounds.at(-1)!;
    for (const position of host) {
      all.set(bytesOf(blocks[position]), at);
      at += lengths[position];
    }
    bounds.push(at);
  }
  const own = packLengths(lengths);
  if (inside !== undefined) {
    const others = await inside().allGather(own);
    others.forEach((message, at) => compare(channel, members[at], own, message?.bytes));
    await inside().reduce(dtype.view(all.buffer), leader, op);
  }
  let sums: Uint8Array | undefined;
  if (isLeader) {
    const ofHosts = hosts.map((_, host) => {
      const [start, end] = [bounds[host], bounds[host + 1]];
      return dtype.view(all.buffer, start, (end - start) / dtype.bytesPerElement);
    });
    const theirs = outside.receiveMessage(outside.index - 1, LENGTHS_STEP).then(({ bytes }) => {
      const before = hosts[(outside.index - 1 + outside.size) % outside.size][0];
      compare(channel, before, own, bytes);
    });
    const [sum] = await attend(Promise.all([
      ringReduceScatter(outside, ofHosts, op),
      outside.send(outside.index + 1, LENGTHS_STEP, own),
      theirs,
    ]));
    sums = bytesOf(sum);
  }
  const parts = sums && members.map((_, at) => {
    const start = sumOf(members.slice(0, at).map((position) => lengths[position]));
    return sums.subarray(start, start + lengths[members[at]]);
  });
  const message = await inside?.().scatter(parts, leader);
  const bytes = message?.bytes ?? parts![leader].slice();
  return dtype.view(bytes.buffer) as T;
}

/** Gives up if the rank at `other` has blocks of other lengths. */
function compare(channel: Channel, other: number, own: Uint8Array, theirs: Uint8Array | undefined): void {
  if (theirs === undefined || own.every((byte, at) => byte === theirs[at])) return;
  channel.refuse(other, "the blocks have other lengths on one rank than on another");
}
