/** The messages of one collective operation, addressed by the position of ranks in their group. */

import { FailureSignal } from "./errors.ts";
import type { Message, Transport } from "./transport/transport.ts";
import { type Envelope, OPERATIONS } from "./wire.ts";

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

  /** Gives up because the rank at `other` has given something else than this one. */
  refuse(other: number, detail: string): never {
    const ranks = [this.#ranks[this.index], this.#rank(other)].sort((a, b) => a - b);
    const { operation, sequence } = this.#envelope;
    const failure = {
      kind: "mismatch",
      operation: OPERATIONS[operation - 1],
      sequence,
      ranks,
      detail,
    } as const;
    this.#transport.fail(failure, true);
    throw new FailureSignal(this.#transport.failure ?? failure);
  }

  /** World rank at position `index`, counted modulo the group's size. */
  #rank(index: number): number {
    return this.#ranks[(index % this.size + this.size) % this.size];
  }
}
