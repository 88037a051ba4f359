/**
 * Frames between ranks. A message is one or more frames; a frame is an 80-byte little-endian header and, as a second
 * part, at most {@link MAX_PAYLOAD} bytes of payload.
 *
 *     0 magic u32 | 4 version u8 | 5 kind u8 | 6 operation u8 | 7 dtype u8 | 8 reduceOp u8 | 9 flags u8 | 10 zero u16
 *    12 group u32 | 16 source u32 | 20 root i32 | 24 sequence f64 | 32 tag i32 | 36 step u32 | 40 count f64
 *    48 total f64 | 56 offset f64 | 64 payload u32 | 68 serial u32 | 72 consumed f64
 *
 * `serial` counts the frames of one connection, so that a replayed or lost frame is noticed.
 */

/** "DINV", little-endian. */
const MAGIC = 0x564e4944;
/** Version of this layout; ranks with another version are refused. */
export const WIRE_VERSION = 1;
/** Bytes of a frame header. */
export const HEADER_BYTES = 80;
/** Largest payload of one frame, in bytes. */
export const MAX_PAYLOAD = 1 << 20;

/** What a frame is for. */
export const Kind = {
  Hello: 1,
  Challenge: 2,
  Proof: 3,
  Welcome: 4,
  Refuse: 5,
  Restart: 6,
  Ready: 7,
  Data: 8,
  Grant: 9,
  Credit: 10,
  Abort: 11,
  Goodbye: 12,
  GoodbyeAck: 13,
  Query: 14,
  Answer: 15,
  LastWords: 16,
} as const;
const LAST_KIND = 16;

/** Names of the operations in the order of their wire codes, which start at 1. */
export const OPERATIONS = [
  "send",
  "allReduce",
  "reduce",
  "broadcast",
  "allGather",
  "gather",
  "scatter",
  "reduceScatter",
  "allToAll",
  "barrier",
  "newGroup",
  "broadcastObject",
  "allGatherObject",
  "gatherObject",
] as const;

/** Name of an operation that ranks do together. */
export type OperationName = typeof OPERATIONS[number];

const CODES = Object.fromEntries(OPERATIONS.map((name, index) => [name, index + 1])) as Record<
  OperationName,
  number
>;

/** Wire code of an operation. */
export function operationCode(name: OperationName): number {
  return CODES[name];
}

/** What identifies a message between two ranks, and what they must agree on. */
export interface Envelope {
  /** Group the operation belongs to; 0 is the world. */
  readonly group: number;
  /** Position of the operation in its group, or of the message among those with its peer and tag. */
  readonly sequence: number;
  /** Message number inside the operation. */
  readonly step: number;
  /** The user's tag of a point-to-point message, 0 otherwise. */
  readonly tag: number;
  /** Operation code. */
  readonly operation: number;
  /** Element type code; 0 where ranks need not agree. */
  readonly dtype: number;
  /** Reduction operator code; 0 for none. */
  readonly reduceOp: number;
  /** World rank of the root; -1 for none. */
  readonly root: number;
  /** Elements that every rank must agree on; -1 where they need not. */
  readonly count: number;
}

/** A decoded frame header. */
export interface Frame extends Envelope {
  /** One of {@link Kind}. */
  readonly kind: number;
  /** Bit 0: the whole message is in this frame and was sent without waiting for a grant. */
  readonly flags: number;
  /** Rank that says it sent the frame; checked against the connection. */
  readonly source: number;
  /** Bytes of the whole message. */
  readonly total: number;
  /** Data: where the payload belongs in the message. Grant: bytes the peer may send. */
  readonly offset: number;
  /** Bytes of payload that follow. */
  readonly payload: number;
  /** Number of the frame on its connection, modulo 2^32. */
  readonly serial: number;
  /** Bytes of unasked messages from the peer that have been consumed so far. */
  readonly consumed: number;
}

/** Flag of a message sent whole, without a grant. */
export const EAGER = 1;

/** An envelope for frames that belong to no operation. */
export const NO_ENVELOPE: Envelope = {
  group: 0,
  sequence: 0,
  step: 0,
  tag: 0,
  operation: 0,
  dtype: 0,
  reduceOp: 0,
  root: -1,
  count: -1,
};

/** Why bytes are no valid frame header. */
export class FrameError {
  /** @param reason what is wrong, for messages */
  constructor(readonly reason: string) {}
}

/** Writes a header into `view` (at least {@link HEADER_BYTES} long). */
export function encodeHeader(view: DataView, frame: Frame): void {
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, WIRE_VERSION);
  view.setUint8(5, frame.kind);
  view.setUint8(6, frame.operation);
  view.setUint8(7, frame.dtype);
  view.setUint8(8, frame.reduceOp);
  view.setUint8(9, frame.flags);
  view.setUint16(10, 0);
  view.setUint32(12, frame.group, true);
  view.setUint32(16, frame.source, true);
  view.setInt32(20, frame.root, true);
  view.setFloat64(24, frame.sequence, true);
  view.setInt32(32, frame.tag, true);
  view.setUint32(36, frame.step, true);
  view.setFloat64(40, frame.count, true);
  view.setFloat64(48, frame.total, true);
  view.setFloat64(56, frame.offset, true);
  view.setUint32(64, frame.payload, true);
  view.setUint32(68, frame.serial, true);
  view.setFloat64(72, frame.consumed, true);
}

/**
 * Reads a header of `length` bytes from `view`. Every field is checked; nothing is allocated for the payload.
 *
 * @returns the frame, or why the bytes are none
 */
export function decodeHeader(view: DataView, length: number): Frame | FrameError {
  if (length !== HEADER_BYTES) return new FrameError(`header of ${length} bytes`);
  if (view.getUint32(0, true) !== MAGIC) return new FrameError("foreign magic number");
  if (view.getUint8(4) !== WIRE_VERSION) return new FrameError(`wire version ${view.getUint8(4)}`);
  if (view.getUint16(10) !== 0) return new FrameError("reserved bytes in use");
  const frame: Frame = {
    kind: view.getUint8(5),
    operation: view.getUint8(6),
    dtype: view.getUint8(7),
    reduceOp: view.getUint8(8),
    flags: view.getUint8(9),
    group: view.getUint32(12, true),
    source: view.getUint32(16, true),
    root: view.getInt32(20, true),
    sequence: view.getFloat64(24, true),
    tag: view.getInt32(32, true),
    step: view.getUint32(36, true),
    count: view.getFloat64(40, true),
    total: view.getFloat64(48, true),
    offset: view.getFloat64(56, true),
    payload: view.getUint32(64, true),
    serial: view.getUint32(68, true),
    consumed: view.getFloat64(72, true),
  };
  if (frame.kind < 1 || frame.kind > LAST_KIND) return new FrameError(`frame kind ${frame.kind}`);
  if (frame.operation > OPERATIONS.length) return new FrameError(`operation code ${frame.operation}`);
  if (frame.dtype > 11) return new FrameError(`dtype code ${frame.dtype}`);
  if (frame.reduceOp > 5) return new FrameError(`reduce operator code ${frame.reduceOp}`);
  if (frame.flags > EAGER) return new FrameError(`flags ${frame.flags}`);
  if (frame.root < -1) return new FrameError(`root ${frame.root}`);
  if (
    !isCount(frame.sequence) || !isCount(frame.total) || !isCount(frame.offset) || !isCount(frame.consumed)
  ) {
    return new FrameError("a count that is no safe integer");
  }
  if (frame.count !== -1 && !isCount(frame.count)) {
    return new FrameError("an element count that is no safe integer");
  }
  if (frame.payload > MAX_PAYLOAD) return new FrameError(`payload of ${frame.payload} bytes`);
  if (frame.kind === Kind.Data) {
    if (frame.offset + frame.payload > frame.total) {
      return new FrameError("a chunk past the end of its message");
    }
    if (frame.flags === EAGER && frame.payload !== frame.total) {
      return new FrameError("an incomplete eager message");
    }
  }
  return frame;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Key under which a message's sender and receiver meet: tag for point-to-point messages, step inside a collective. */
export function matchKey(envelope: Envelope): string {
  return `${envelope.group}/${envelope.sequence}/${envelope.step}/${
    envelope.operation === 1 ? envelope.tag : "c"
  }`;
}
