/** Messages that come and go through mailboxes in shared memory instead of as frames, where there are any. */

import type { Failure } from "../errors.ts";
import type { Mailboxes } from "../shm/mailboxes.ts";
import { type Envelope, Kind, operationCode } from "../wire.ts";
import type { Announcements } from "./announcements.ts";
import type { ConnectionTable } from "./connection_table.ts";

const SEND = operationCode("send");

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

  /** Puts a message that belongs to no collective into the mailbox of `rank`; false if that is not possible. */
  post(rank: number, envelope: Envelope, bytes: Uint8Array): boolean {
    if (envelope.operation !== SEND || this.mailboxes === undefined) return false;
    const result = this.mailboxes.put(rank, envelope, bytes);
    if (result === "put, asleep") this.#announce.tell(this.#connections.ofRank(rank), Kind.Credit);
    return result !== "full";
  }

  /** Reads the payload of the message being handled; `undefined` while none is. */
  read(into: Uint8Array): boolean | undefined {
    if (this.#payload === undefined || this.#payload.length !== into.length) {
      return this.#payload === undefined ? undefined : false;
    }
    into.set(this.#payload);
    return true;
  }

  /** Hands what has arrived to the peers' links; `fail` gets what they object to. Whether there was something. */
  drain(fail: (failure: Failure) => void): boolean {
    return this.mailboxes?.take((frame, payload) => {
      this.#payload = payload;
      const failure = this.#connections.ofRank(frame.source)?.link.handle(frame);
      this.#payload = undefined;
      if (failure !== undefined) fail(failure);
    }) ?? false;
  }
}
