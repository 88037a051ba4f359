/** What a rank tells its peers beside messages: that it leaves, that somebody failed, and how it ends. */

import type { Failure } from "../errors.ts";
import { type Envelope, Kind, NO_ENVELOPE } from "../wire.ts";
import { type ConnectionTable, isConnected, type Peer } from "./connection_table.ts";
import type { FramePort } from "./frame_port.ts";
import { encodeFailure, encodeText } from "./peer_reports.ts";

/** See the file's description. */
export class Announcements {
  readonly #port: FramePort;
  readonly #connections: ConnectionTable;

  /**
   * @param port where frames go
   * @param connections the peers
   */
  constructor(port: FramePort, connections: ConnectionTable) {
    this.#port = port;
    this.#connections = connections;
  }

  /** Sends a frame of no message to a peer, if it is still connected. */
  tell(peer: Peer | undefined, kind: number, envelope: Envelope = NO_ENVELOPE, payload?: Uint8Array): void {
    if (peer === undefined || !isConnected(peer)) return;
    this.#port.write(peer.key, kind, envelope, { total: payload?.length ?? 0 }, peer.sent++, payload);
  }

  /** Tells everybody who has failed. */
  failure(failure: Failure): void {
    const report = encodeFailure(failure);
    for (const peer of this.#connections.peers) {
      if (peer.state === "here") this.tell(peer, Kind.Abort, NO_ENVELOPE, report);
    }
  }

  /** Tells everybody how this process ends, should it end. */
  lastWords(reason: string): void {
    const words = encodeText(reason);
    for (const peer of this.#connections.peers) this.tell(peer, Kind.LastWords, NO_ENVELOPE, words);
  }

  /** Tells everybody that this rank leaves; because of `failure`, if it is set. */
  goodbye(failure: Failure | undefined): void {
    // A rank that leaves because of a failure is not itself one: the others learn the failure first.
    if (failure !== undefined) this.failure(failure);
    for (const peer of this.#connections.peers) this.tell(peer, Kind.Goodbye);
  }
}
