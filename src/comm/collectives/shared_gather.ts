import type { ArrayStream } from "../array_stream.ts";
import type { Message } from "../transport/transport.ts";
import { Count, type Lane } from "../shm/lane.ts";
import { STAGES } from "../shm/lane_layout.ts";
import type { Messages } from "./collectives.ts";

/**
 * Gather and allGather over shared memory, for any lengths. Short bytes come with the announcements; longer ones go
 * through each rank's stage slots, block by block.
 *
 * Steps: 1 per block. Bytes copied by each rank: its own once, and, where it receives, those of all others.
 *
 * @param bytes what this rank gives
 * @param root who receives; all do without one
 * @param stream has the bytes, which are longer than the layout's `smallBytes`, and takes those of the others
 * @returns the messages of the others where they are received; `undefined` elsewhere
 */
export async function sharedGather(
  lane: Lane,
  bytes: Uint8Array,
  root?: number,
  stream?: ArrayStream,
): Promise<Messages | undefined> {
  await lane.enter(bytes);
  const { index, size, layout: { smallBytes, slotBytes } } = lane;
  const receives = root === undefined || root === index;
  const lengths = Array.from({ length: size }, (_, from) => lane.bytesOf(from));
  const longest = Math.max(...lengths);
  const blocks = longest > smallBytes ? Math.ceil(longest / slotBytes) : 0;
  const base = lane.takeBlocks(blocks);
  const messages: Messages = new Array(size).fill(undefined);
  for (let from = 0; receives && from < size; from++) {
    if (from === index) continue;
    const message: Message = { dtype: lane.dtypeOf(from), bytes: new Uint8Array(stream ? 0 : lengths[from]) };
    const at = lane.payloadAt(from);
    if (lengths[from] <= smallBytes) {
      const own = lane.bytes.subarray(at, at + lengths[from]);
      if (stream === undefined) message.bytes.set(own);
      else stream.take(0, own, from);
    }
    messages[from] = message;
  }
  const has = (from: number, block: number): boolean =>
    lengths[from] > smallBytes && block * slotBytes < lengths[from];
  for (let block = 0; block < blocks; block++) {
    if (has(index, block)) {
      if (block >= STAGES) await freed(lane, base + block - STAGES + 1, root);
      const own = bytes.subarray(block * slotBytes, (block + 1) * slotBytes);
      const at = lane.stageAt(index, block);
      if (stream === undefined) lane.bytes.set(own, at);
      else await stream.fill(block * slotBytes, lane.bytes.subarray(at, at + own.length));
      lane.post(Count.Written, base + block + 1);
    }
    for (let distance = 1; receives && distance < size; distance++) {
      const from = (index + distance) % size;
      if (!has(from, block)) continue;
      await lane.wait(Count.Written, from, base + block + 1);
      const start = block * slotBytes;
      const at = lane.stageAt(from, block);
      const part = lane.bytes.subarray(at, at + Math.min(slotBytes, lengths[from] - start));
      if (stream === undefined) messages[from]!.bytes.set(part, start);
      else stream.take(start, part, from);
    }
    lane.post(Count.Done, base + block + 1);
    await lane.pause();
  }
  return receives ? messages : undefined;
}

/** Waits until those who receive have read so many blocks. */
async function freed(lane: Lane, value: number, root: number | undefined): Promise<void> {
  if (root === undefined) await lane.waitAll(Count.Done, value);
  else if (root !== lane.index) await lane.wait(Count.Done, root, value);
}
