import type { ArrayStream } from "../array_stream.ts";
import { Count, type Lane } from "../shm/lane.ts";
import { STAGES } from "../shm/lane_layout.ts";

const PAGE = 4096;
const SMALLEST_PIECE = 8 * PAGE;
/** Pieces of a long array: while one is read, the next is written. */
const PIECES = 16;

/**
 * Broadcast over shared memory. Short bytes come with the root's announcement; longer ones go in pieces through all slots
 * of the stage, used as one ring that the root writes and everybody else reads.
 *
 * Steps: 1. Bytes copied by each rank: n.
 *
 * @param bytes at the root, what is sent
 * @param root position of the root
 * @param take where another rank wants that many bytes
 * @param stream for bytes longer than the layout's `smallBytes`: has them at the root, takes them elsewhere
 * @returns the bytes, on every rank
 */
export async function sharedBroadcast(
  lane: Lane,
  bytes: Uint8Array | undefined,
  root: number,
  take: (length: number) => Uint8Array,
  stream?: ArrayStream,
): Promise<Uint8Array> {
  const isRoot = lane.index === root;
  await lane.enter(isRoot ? bytes : undefined);
  const length = lane.bytesOf(root);
  const own = isRoot ? bytes! : take(length);
  if (own.length !== length) {
    lane.refuse(root, `the root sent ${length} bytes where ${own.length} were expected`);
  }
  const { smallBytes, slotBytes, stage } = lane.layout;
  if (length <= smallBytes) {
    const at = lane.payloadAt(root);
    if (!isRoot) own.set(lane.bytes.subarray(at, at + length));
    return own;
  }
  const piece = Math.min(slotBytes, Math.max(SMALLEST_PIECE, Math.ceil(length / PIECES / PAGE) * PAGE));
  const pieces = Math.ceil(length / piece);
  const slots = STAGES * lane.size;
  const base = lane.takeBlocks(pieces);
  for (let number = 0; number < pieces; number++) {
    const at = stage + number % slots * slotBytes;
    const part = own.subarray(number * piece, (number + 1) * piece);
    if (isRoot) {
      if (number >= slots) await lane.waitAll(Count.Done, base + number - slots + 1);
      if (stream === undefined) lane.bytes.set(part, at);
      else await stream.fill(number * piece, lane.bytes.subarray(at, at + part.length));
      lane.post(Count.Written, base + number + 1);
    } else {
      await lane.wait(Count.Written, root, base + number + 1);
      const arrived = lane.bytes.subarray(at, at + part.length);
      if (stream === undefined) part.set(arrived);
      else stream.take(number * piece, arrived);
      lane.post(Count.Done, base + number + 1);
    }
    await lane.pause();
  }
  return own;
}
