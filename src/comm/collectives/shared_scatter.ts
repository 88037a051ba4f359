import type { Message } from "../transport/transport.ts";
import { Count, type Lane } from "../shm/lane.ts";
import { STAGES } from "../shm/lane_layout.ts";

/**
 * Scatter over shared memory, for any lengths. Parts that are short together come with the root's announcement; longer ones
 * go through the stage, block by block, the part of rank r through the slots of rank r.
 *
 * Steps: 1 per block. Bytes copied by the root: all parts but its own; by each other rank: its part.
 *
 * @param parts at the root, the bytes for each rank
 * @param root position of the root
 * @returns the message for this rank; `undefined` at the root
 */
export async function sharedScatter(
  lane: Lane,
  parts: readonly Uint8Array[] | undefined,
  root: number,
): Promise<Message | undefined> {
  const { index, size, layout: { smallBytes, slotBytes } } = lane;
  const isShort = (total: number): boolean => total <= smallBytes;
  const given = parts?.map(({ length }) => length);
  await lane.enter(given !== undefined && isShort(sumOf(given)) ? concatenate(parts!) : undefined, given);
  const lengths = Array.from({ length: size }, (_, to) => lane.lengthOf(root, to));
  const message = { dtype: lane.dtypeOf(root), bytes: new Uint8Array(index === root ? 0 : lengths[index]) };
  if (isShort(sumOf(lengths))) {
    const at = lane.payloadAt(root) + sumOf(lengths.slice(0, index));
    message.bytes.set(lane.bytes.subarray(at, at + message.bytes.length));
    return index === root ? undefined : message;
  }
  const blocks = Math.ceil(Math.max(...lengths) / slotBytes);
  const base = lane.takeBlocks(blocks);
  for (let block = 0; block < blocks; block++) {
    const [from, end] = [block * slotBytes, (block + 1) * slotBytes];
    if (index === root) {
      if (block >= STAGES) await lane.waitAll(Count.Done, base + block - STAGES + 1);
      for (let to = 0; to < size; to++) {
        if (to !== root) lane.bytes.set(parts![to].subarray(from, end), lane.stageAt(to, block));
      }
      lane.post(Count.Written, base + block + 1);
    } else if (from < lengths[index]) {
      await lane.wait(Count.Written, root, base + block + 1);
      const part = message.bytes.subarray(from, end);
      const at = lane.stageAt(index, block);
      part.set(lane.bytes.subarray(at, at + part.length));
    }
    lane.post(Count.Done, base + block + 1);
    await lane.pause();
  }
  return index === root ? undefined : message;
}

/** The sum of some numbers. */
export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Several byte arrays, one behind the other. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(sumOf(parts.map(({ length }) => length)));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
