/**
 * What a collective needs from below: messages of bytes between two ranks, matched by their envelope, and word of
 * ranks that fail. Implementations: ZeroMQ (zmq.ts).
 */

import type { Failure } from "../errors.ts";
import type { Mailboxes } from "../shm/mailboxes.ts";
import type { Envelope } from "../wire.ts";

/** A message whose size and element type the receiver did not know. */
export interface Message {
  /** Element type code that the sender stated; 0 if none. */
  readonly dtype: number;
  /** The payload, in memory of its own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Who a rank is, for messages. */
export interface RankInfo {
  /** Rank in the world. */
  readonly rank: number;
  /** Host name. */
  readonly host: string;
  /** Process id on that host. */
  readonly pid: number;
}

/** What the transport asks the layer above about the operations in progress. */
export interface TransportObserver {
  /** Looks at the envelope of every frame of a collective; returns why it contradicts this rank's own calls. */
  inspect(source: number, envelope: Envelope): Failure | undefined;
  /** Whether this rank has called operation `sequence` of `group`. */
  hasEntered(group: number, sequence: number): boolean;
}

/**
 * Messages between the ranks of one job. The promises of {@link send} and {@link receive} reject with a
 * `FailureSignal` once any rank has failed; the first failure is final.
 */
export interface Transport {
  /** This process's rank. */
  readonly rank: number;
  /** Number of ranks. */
  readonly worldSize: number;
  /** The first failure, which every later call repeats. */
  readonly failure: Failure | undefined;
  /** Name of the mechanism, for example `"tcp"`. */
  readonly name: string;

  /** Lets short messages to ranks on this host go through `mailboxes` from now on. */
  useMailboxes(mailboxes: Mailboxes): void;
  /** Keeps the wire attended until `work`, which waits for messages, is done. */
  attend<T>(work: Promise<T>): Promise<T>;
  /** Sends `bytes`; once it resolves they may change. Several sends may be outstanding. */
  send(peer: number, envelope: Envelope, bytes: Uint8Array): Promise<void>;
  /** Receives exactly `into.length` bytes of the message with this envelope. */
  receive(peer: number, envelope: Envelope, into: Uint8Array): Promise<void>;
  /** Receives the message with this envelope, whatever its size. */
  receiveMessage(peer: number, envelope: Envelope): Promise<Message>;
  /** Asks `ranks` whether they have called operation `sequence` of `group`; resolves to those that have not. */
  missing(group: number, sequence: number, ranks: readonly number[]): Promise<number[]>;
  /** Why a rank does not take part any more; `undefined` while it does. */
  departed(peer: number): Failure | undefined;
  /** Ranks of which a message is awaited now. */
  awaited(): number[];
  /** Gives up: rejects everything outstanding and, with `tell`, informs the other ranks. */
  fail(failure: Failure, tell: boolean): void;
  /** Says goodbye and releases the sockets; bounded in time and never throws because of a peer. */
  close(): Promise<void>;
}
