import { Count, type Lane } from "../shm/lane.ts";
import { STAGES } from "../shm/lane_layout.ts";
import type { Messages } from "./collectives.ts";
import { concatenate, sumOf } from "./shared_scatter.ts";

const LINE = 64;

/** Bytes of a stage slot for each of the ranks. */
export function shareOfSlot(lane: Lane): number {
  return Math.floor(lane.layout.slotBytes / lane.size / LINE) * LINE;
}

/**
 * AllToAll over shared memory, for any lengths. The parts of a rank that are short together come with its announcement;
 * others go through its stage slots, block by block, each slot cut into one share for each rank.
 *
 * Steps: 1 per block. Bytes copied by each rank: its parts for the others, and theirs for it.
 *
 * @param parts the bytes for each rank
 * @returns the messages of the others
 */
export async function sharedAllToAll(lane: Lane, parts: readonly Uint8Array[]): Promise<Messages> {
  const { index, size, layout: { smallBytes } } = lane;
  const given = parts.map(({ length }) => length);
  await lane.enter(sumOf(given) <= smallBytes ? concatenate(parts) : undefined, given);
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const lengths = ranks.map((from) => ranks.map((to) => lane.lengthOf(from, to)));
  const isLong = lengths.map((row) => sumOf(row) > smallBytes);
  const messages: Messages = ranks.map((from) => {
    if (from === index) return undefined;
    const bytes = new Uint8Array(lengths[from][index]);
    if (!isLong[from]) {
      const at = lane.payloadAt(from) + sumOf(lengths[from].slice(0, index));
      bytes.set(lane.bytes.subarray(at, at + bytes.length));
    }
    return { dtype: lane.dtypeOf(from), bytes };
  });
  const share = shareOfSlot(lane);
  const longest = Math.max(0, ...lengths.filter((_, from) => isLong[from]).flat());
  const blocks = Math.ceil(longest / share);
  const base = lane.takeBlocks(blocks);
  for (let block = 0; block < blocks; block++) {
    const [start, end] = [block * share, (block + 1) * share];
    if (isLong[index]) {
      if (block >= STAGES) await lane.waitAll(Count.Done, base + block - STAGES + 1);
      for (const to of ranks) {
        if (to !== index) {
          lane.bytes.set(parts[to].subarray(start, end), lane.stageAt(index, block) + to * share);
        }
      }
      lane.post(Count.Written, base + block + 1);
    }
    for (let distance = 1; distance < size; distance++) {
      const from = (index + distance) % size;
      if (!isLong[from] || start >= lengths[from][index]) continue;
      await lane.wait(Count.Written, from, base + block + 1);
      const part = messages[from]!.bytes.subarray(start, end);
      const at = lane.stageAt(from, block) + index * share;
      part.set(lane.bytes.subarray(at, at + part.length));
    }
    lane.post(Count.Done, base + block + 1);
    await lane.pause();
  }
  return messages;
}
