/** Messages that come and go through mailboxes in shared memory instead of as frames, where there are any. */

import type { Failure } from "../errors.ts";
import type { Mailboxes } from "../shm/mailboxes.ts";
import { EAGER, type Envelope, Kind, MAX_PAYLOAD, operationCode } from "../wire.ts";
import type { Announcements } from "./announcements.ts";
import type { ConnectionTable } from "./connection_table.ts";
import type { FrameFields, FrameWriter } from "./peer_link.ts";

const SEND = operationCode("send");
const EMPTY = new Uint8Array(0);

/** See the file's description. */
export class Mail {
  /** Shared with the ranks on this host. */
  mailboxes: Mailboxes | undefined;
  /** Payload of the message that is being handled. */
  #payload: Uint8Array | undefined;
  readonly #connections: ConnectionTable;
  readonly #announce: Announcements;

  /**
   * @param connections the peers
   * @param announce wakes them
   */
  constructor(connections: ConnectionTable, announce: Announcements) {
    this.#connections = connections;
    this.#announce = announce;
  }

  /** How the link to `rank` gets rid of messages without frames. */
  wayTo(rank: number): Pick<FrameWriter, "post" | "pieceBytes" | "hasRoom"> {
    return {
      post: (envelope, bytes) =>
        this.#reaches(rank, envelope) && this.#put(rank, this.mailboxes!.put(rank, envelope, bytes)),
      pieceBytes: (envelope) => this.#carries(rank, envelope) ? this.mailboxes!.pieceBytes : MAX_PAYLOAD,
      hasRoom: (envelope) => !this.#carries(rank, envelope) || this.mailboxes!.hasRoom(rank),
    };
  }

  /** Puts a frame about a long message into the mailbox of `rank`; false if that is not possible. */
  carry(
    rank: number,
    kind: number,
    envelope: Envelope,
    fields: FrameFields,
    payload: Uint8Array = EMPTY,
  ): boolean {
    if (!this.#carries(rank, envelope) || fields.flags === EAGER) return false;
    return this.#put(rank, this.mailboxes!.put(rank, envelope, payload, { kind, ...fields }));
  }

  /** Reads the payload of the message being handled; `undefined` while none is. */
  read(into: Uint8Array): boolean | undefined {
    if (this.#payload === undefined || this.#payload.length !== into.length) {
      return this.#payload === undefined ? undefined : false;
    }
    into.set(this.#payload);
    return true;
  }

  /**
   * Hands what has arrived to the peers' links, and goes on with what had no room; `fail` gets what they object to. Whether
   * there was something.
   */
  drain(fail: (failure: Failure) => void): boolean {
    const { mailboxes } = this;
    if (mailboxes === undefined) return false;
    const found = mailboxes.take((frame, payload) => {
      this.#payload = payload;
      const failure = this.#connections.ofRank(frame.source)?.link.handle(frame);
      this.#payload = undefined;
      if (failure !== undefined) fail(failure);
    }, (rank) => this.#wake(rank));
    const freed = mailboxes.freed();
    for (const rank of freed) this.#connections.ofRank(rank)?.link.resume();
    return found || freed.length > 0;
  }

  /** Whether messages to `rank` with this envelope can go through a mailbox. */
  #reaches(rank: number, envelope: Envelope): boolean {
    return envelope.operation === SEND && (this.mailboxes?.reaches(rank) ?? false);
  }

  /** Whether long ones can, in pieces. */
  #carries(rank: number, envelope: Envelope): boolean {
    return this.#reaches(rank, envelope) && this.mailboxes!.pieceBytes > 0;
  }

  #put(rank: number, result: "full" | "put" | "put, asleep"): boolean {
    if (result === "put, asleep") this.#wake(rank);
    return result !== "full";
  }

  #wake(rank: number): void {
    this.#announce.tell(this.#connections.ofRank(rank), Kind.Credit);
  }
}
