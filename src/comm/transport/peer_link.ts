/**
 * The messages between this rank and one peer.
 *
 * A message of at most {@link EAGER_BYTES} leaves at once, as long as the peer holds less than {@link EAGER_BUDGET}
 * bytes that it has not asked for. A longer one waits for the receiver's grant, which covers {@link WINDOW} bytes
 * beyond what has been consumed: memory stays bounded on both sides whatever the other one does.
 */

import { type Failure, FailureSignal } from "../errors.ts";
import {
  EAGER,
  type Envelope,
  type Frame,
  HEADER_BYTES,
  Kind,
  matchKey,
  MAX_PAYLOAD,
  NO_ENVELOPE,
  OPERATIONS,
} from "../wire.ts";
import type { Message } from "./transport.ts";

/** Longest message that is sent without asking. */
export const EAGER_BYTES = MAX_PAYLOAD / 2;
/** Unasked bytes that a peer may hold for this rank, headers included. */
export const EAGER_BUDGET = 16 * MAX_PAYLOAD;
/** Bytes of one long message under way. */
export const WINDOW = 8 * MAX_PAYLOAD;

/** What a link needs from the socket it shares with the others. */
export interface FrameWriter {
  /** Queues a frame to the peer; false if the connection is gone. */
  write(kind: number, envelope: Envelope, fields: FrameFields, payload?: Uint8Array): boolean;
  /** Hands a whole message over without a frame; false if that is not possible. */
  post(envelope: Envelope, bytes: Uint8Array): boolean;
  /** Longest piece of a long message that `write` takes. */
  pieceBytes(envelope: Envelope): number;
  /** Whether `write` has room for a piece; if not, {@link PeerLink.resume} is called once it has. */
  hasRoom(envelope: Envelope): boolean;
  /** Reads the payload of the frame being handled; false unless it has exactly that size. */
  read(into: Uint8Array): boolean;
  /** Gives up communication with everybody. */
  fail(failure: Failure): void;
}

/** Header fields that are not part of the envelope. */
export interface FrameFields {
  /** See {@link Frame}. */
  readonly flags?: number;
  /** See {@link Frame}. */
  readonly total?: number;
  /** See {@link Frame}. */
  readonly offset?: number;
  /** Bytes of unasked messages consumed so far. */
  readonly consumed?: number;
}

interface Outgoing {
  readonly envelope: Envelope;
  readonly bytes: Uint8Array;
  sent: number;
  granted: number;
  readonly done: PromiseWithResolvers<void>;
}

interface Incoming {
  readonly envelope: Envelope;
  /** Destination; unset until the size is known. */
  into: Uint8Array | undefined;
  dtype: number;
  received: number;
  granted: number;
  readonly done: PromiseWithResolvers<Message>;
}

/** A message, or the announcement of one, that nobody has asked for yet. */
interface Early {
  readonly frame: Frame;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** See the file's description. */
export class PeerLink {
  readonly #rank: number;
  readonly #writer: FrameWriter;
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #incoming = new Map<string, Incoming>();
  readonly #early = new Map<string, Early>();
  readonly #earlyGrants = new Map<string, number>();
  #eagerSent = 0;
  #eagerConsumedByPeer = 0;
  #eagerReceived = 0;
  #eagerConsumed = 0;
  #reported = 0;

  /**
   * @param rank the peer's rank
   * @param writer where frames go
   */
  constructor(rank: number, writer: FrameWriter) {
    this.#rank = rank;
    this.#writer = writer;
  }

  /** Whether a message from the peer is awaited. */
  get isAwaited(): boolean {
    return this.#incoming.size > 0;
  }

  /** Whether a message to the peer waits for its grant. */
  get hasUnsent(): boolean {
    return this.#outgoing.size > 0;
  }

  /** See `Transport.send`. */
  send(envelope: Envelope, bytes: Uint8Array): Promise<void> {
    const cost = bytes.length + HEADER_BYTES;
    const allowed = EAGER_BUDGET - (this.#eagerSent - this.#eagerConsumedByPeer);
    if (bytes.length === 0 || (bytes.length <= EAGER_BYTES && cost <= allowed)) {
      this.#eagerSent += cost;
      if (!this.#writer.post(envelope, bytes)) {
        this.#write(Kind.Data, envelope, { flags: EAGER, total: bytes.length }, bytes);
      }
      return Promise.resolve();
    }
    const key = matchKey(envelope);
    const granted = this.#earlyGrants.get(key) ?? 0;
    this.#earlyGrants.delete(key);
    const outgoing: Outgoing = { envelope, bytes, sent: 0, granted, done: Promise.withResolvers() };
    this.#outgoing.set(key, outgoing);
    if (granted === 0) this.#write(Kind.Data, envelope, { total: bytes.length });
    else this.#pump(key, outgoing);
    return outgoing.done.promise;
  }

  /** See `Transport.receive` and, without `into`, `Transport.receiveMessage`. */
  receive(envelope: Envelope, into?: Uint8Array): Promise<Message> {
    const key = matchKey(envelope);
    const done = Promise.withResolvers<Message>();
    const incoming: Incoming = { envelope, into, dtype: 0, received: 0, granted: 0, done };
    this.#incoming.set(key, incoming);
    const early = this.#early.get(key);
    if (early !== undefined) {
      this.#early.delete(key);
      const failure = this.#start(incoming, early.frame);
      if (failure !== undefined) {
        this.#writer.fail(failure);
        return done.promise;
      }
      if (early.bytes !== undefined) {
        incoming.into!.set(early.bytes);
        this.#consumeEager(early.bytes.length);
        this.#advance(key, incoming, early.bytes.length);
      } else {
        this.#grant(incoming);
      }
    } else if (into !== undefined && into.length > EAGER_BYTES) {
      this.#grant(incoming);
    }
    return done.promise;
  }

  /** Handles a data, grant or credit frame; returns why the peer broke the rules, if it did. */
  handle(frame: Frame): Failure | undefined {
    if (frame.consumed > this.#eagerSent) return this.#violation("acknowledged more than was sent");
    this.#eagerConsumedByPeer = Math.max(this.#eagerConsumedByPeer, frame.consumed);
    if (frame.kind === Kind.Data) return this.#data(frame);
    if (frame.kind === Kind.Grant) this.#granted(frame);
    return undefined;
  }

  /** Goes on with long messages that had no room. */
  resume(): void {
    for (const [key, outgoing] of this.#outgoing) if (outgoing.granted > 0) this.#pump(key, outgoing);
  }

  /** Rejects everything outstanding and forgets it, so that no memory of the callers is touched any more. */
  fail(failure: Failure): void {
    this.failAwaited(failure);
    for (const outgoing of this.#outgoing.values()) outgoing.done.reject(new FailureSignal(failure));
    this.#outgoing.clear();
    this.#early.clear();
    this.#earlyGrants.clear();
  }

  /** Rejects what is awaited from the peer. */
  failAwaited(failure: Failure): void {
    for (const incoming of this.#incoming.values()) incoming.done.reject(new FailureSignal(failure));
    this.#incoming.clear();
  }

  #write(kind: number, envelope: Envelope, fields: FrameFields, payload?: Uint8Array): void {
    this.#reported = this.#eagerConsumed;
    this.#writer.write(kind, envelope, { ...fields, consumed: this.#eagerConsumed }, payload);
  }

  #pump(key: string, outgoing: Outgoing): void {
    const { envelope, bytes } = outgoing;
    const end = Math.min(outgoing.granted, bytes.length);
    const longest = this.#writer.pieceBytes(envelope);
    while (outgoing.sent < end) {
      if (!this.#writer.hasRoom(envelope)) return;
      const offset = outgoing.sent;
      const chunk = bytes.subarray(offset, Math.min(end, offset + longest));
      outgoing.sent += chunk.length;
      this.#write(Kind.Data, envelope, { total: bytes.length, offset }, chunk);
    }
    if (outgoing.sent < bytes.length) return;
    this.#outgoing.delete(key);
    outgoing.done.resolve();
  }

  #granted(frame: Frame): void {
    const key = matchKey(frame);
    const outgoing = this.#outgoing.get(key);
    if (outgoing === undefined) {
      this.#earlyGrants.set(key, frame.offset);
      return;
    }
    outgoing.granted = Math.max(outgoing.granted, frame.offset);
    this.#pump(key, outgoing);
  }

  #data(frame: Frame): Failure | undefined {
    const key = matchKey(frame);
    const eager = frame.flags === EAGER;
    if (eager) {
      this.#eagerReceived += frame.payload + HEADER_BYTES;
      const held = this.#eagerReceived - this.#eagerConsumed;
      if (frame.payload > EAGER_BYTES || (frame.payload > 0 && held > EAGER_BUDGET)) {
        return this.#violation("sent more than it may without a grant");
      }
    }
    const incoming = this.#incoming.get(key);
    if (incoming === undefined) return this.#keep(key, frame, eager);
    const failure = this.#start(incoming, frame);
    if (failure !== undefined) return failure;
    if (!eager && frame.payload === 0) {
      this.#grant(incoming);
      return undefined;
    }
    if (frame.offset !== incoming.received) return this.#violation("sent chunks out of order");
    const end = frame.offset + frame.payload;
    if (!eager && end > incoming.granted) return this.#violation("sent more than it was granted");
    if (!this.#writer.read(incoming.into!.subarray(frame.offset, end))) {
      return this.#violation("sent a payload of another size than its header says");
    }
    if (eager) this.#consumeEager(frame.payload);
    this.#advance(key, incoming, frame.payload);
    return undefined;
  }

  #keep(key: string, frame: Frame, eager: boolean): Failure | undefined {
    if (this.#early.has(key) || (!eager && (frame.payload !== 0 || frame.offset !== 0))) {
      return this.#violation("sent a message twice or without a grant");
    }
    if (!eager) {
      this.#early.set(key, { frame, bytes: undefined });
      return undefined;
    }
    const bytes = new Uint8Array(frame.payload);
    if (!this.#writer.read(bytes)) {
      return this.#violation("sent a payload of another size than its header says");
    }
    this.#early.set(key, { frame, bytes });
    return undefined;
  }

  /** Checks the size of a message against its destination, or makes a destination. */
  #start(incoming: Incoming, frame: Frame): Failure | undefined {
    if (incoming.received === 0) incoming.dtype = frame.dtype;
    if (incoming.into === undefined) {
      try {
        incoming.into = new Uint8Array(frame.total);
      } catch {
        return this.#violation(`announced a message of ${frame.total} bytes, which do not fit into memory`);
      }
    }
    if (incoming.into.length === frame.total) return undefined;
    const { sequence } = incoming.envelope;
    const operation = OPERATIONS[incoming.envelope.operation - 1];
    const detail = `rank ${this.#rank} sent ${frame.total} bytes where ${incoming.into.length} were expected`;
    return { kind: "mismatch", operation, sequence, ranks: [this.#rank], detail };
  }

  #advance(key: string, incoming: Incoming, length: number): void {
    incoming.received += length;
    if (incoming.received === incoming.into!.length) {
      this.#incoming.delete(key);
      const bytes = incoming.into as Uint8Array<ArrayBuffer>;
      incoming.done.resolve({ dtype: incoming.dtype, bytes });
    } else if (incoming.granted - incoming.received <= WINDOW / 2) {
      this.#grant(incoming);
    }
  }

  #grant(incoming: Incoming): void {
    const granted = Math.min(incoming.received + WINDOW, incoming.into!.length);
    if (granted === incoming.granted) return;
    incoming.granted = granted;
    this.#write(Kind.Grant, incoming.envelope, { total: incoming.into!.length, offset: granted });
  }

  #consumeEager(length: number): void {
    this.#eagerConsumed += length + HEADER_BYTES;
    if (this.#eagerConsumed - this.#reported > EAGER_BUDGET / 4) {
      this.#write(Kind.Credit, NO_ENVELOPE, {});
    }
  }

  #violation(detail: string): Failure {
    return {
      kind: "rank",
      operation: "",
      sequence: 0,
      ranks: [this.#rank],
      detail: `rank ${this.#rank} broke the protocol: it ${detail}`,
    };
  }
}
