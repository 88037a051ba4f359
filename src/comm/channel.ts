/** The messages of one collective operation, addressed by the position of ranks in their group. */

import type { Message, Transport } from "./transport/transport.ts";
import type { Envelope } from "./wire.ts";

/** See the file's description. Messages between two ranks are told apart by their `step`. */
export class Channel {
  /** Position of this rank in the group. */
  readonly index: number;
  /** Number of ranks in the group. */
  readonly size: number;
  readonly #transport: Transport;
  readonly #ranks: readonly number[];
  readonly #envelope: Envelope;

  /**
   * @param transport carries the messages
   * @param ranks world ranks of the group, ascending
   * @param envelope the operation
   */
  constructor(transport: Transport, ranks: readonly number[], envelope: Envelope) {
    this.index = ranks.indexOf(transport.rank);
    this.size = ranks.length;
    this.#transport = transport;
    this.#ranks = ranks;
    this.#envelope = envelope;
  }

  /** The same operation between the members at some positions of this channel, ascending. */
  between(positions: readonly number[]): Channel {
    return new Channel(this.#transport, positions.map((position) => this.#ranks[position]), this.#envelope);
  }

  /** Sends bytes to the rank at `to`; they may change once it resolves. */
  send(to: number, step: number, bytes: Uint8Array): Promise<void> {
    return this.#transport.send(this.#rank(to), { ...this.#envelope, step }, bytes);
  }

  /** Receives exactly `into.length` bytes from the rank at `from`. */
  receive(from: number, step: number, into: Uint8Array): Promise<void> {
    return this.#transport.receive(this.#rank(from), { ...this.#envelope, step }, into);
  }

  /** Receives a message of any size from the rank at `from`. */
  receiveMessage(from: number, step: number): Promise<Message> {
    return this.#transport.receiveMessage(this.#rank(from), { ...this.#envelope, step });
  }

  /** World rank at position `index`, counted modulo the group's size. */
  #rank(index: number): number {
    return this.#ranks[(index % this.size + this.size) % this.size];
  }
}
