/**
 * Which connections come and go. A connection that comes in is a stranger's until its first handshake frame; one that
 * ends before that, or that fails to authenticate, is worth one warning. The job goes on.
 */

import type { RouterSocket } from "./zmq_socket.ts";

/** See the file's description. */
export class ConnectionWatch {
  readonly #rank: number;
  readonly #socket: RouterSocket;
  /** Descriptors of incoming connections that have said nothing. */
  readonly #silent = new Set<number>();
  #warned = false;

  /**
   * @param rank this rank, for the warning
   * @param socket the socket whose connections are watched
   */
  constructor(rank: number, socket: RouterSocket) {
    this.#rank = rank;
    this.#socket = socket;
  }

  /** File descriptors of the connections that have broken since the last call, in order. */
  broken(): number[] {
    const broken: number[] = [];
    for (const event of this.#socket.connectionEvents()) {
      if (event.kind === "refused") this.stranger("its key is missing or belongs to another job");
      else if (event.kind === "accepted") this.#silent.add(event.descriptor);
      else {
        if (this.#silent.delete(event.descriptor)) this.stranger("it ended without a valid introduction");
        broken.push(event.descriptor);
      }
    }
    return broken;
  }

  /** The connection with this descriptor has introduced itself. */
  introduced(descriptor: number): void {
    this.#silent.delete(descriptor);
  }

  /** Warns, once, that somebody was turned away. */
  stranger(reason: string): void {
    if (this.#warned) return;
    this.#warned = true;
    console.warn(`rank ${this.#rank}: refused a connection: ${reason}`);
  }
}
