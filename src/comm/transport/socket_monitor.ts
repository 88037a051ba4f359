/** What libzmq tells about the connections of a socket, through its monitor. */

import type { Libzmq } from "../libzmq.ts";
import { cString, Option, socketError, SocketOptions } from "./socket_options.ts";

const PAIR = 0;
const DONTWAIT = 1;
const ACCEPTED = 0x20;
const DISCONNECTED = 0x200;
const HANDSHAKE_FAILED_PROTOCOL = 0x2000;
const HANDSHAKE_FAILED_AUTH = 0x4000;
const MASK = ACCEPTED | DISCONNECTED | HANDSHAKE_FAILED_PROTOCOL | HANDSHAKE_FAILED_AUTH;
const ENDPOINT = "inproc://deepinv-monitor";
const SCRATCH_BYTES = 256n;

/** What happened to a connection; a refusal does not tell which one. */
export type ConnectionEvent =
  | { readonly kind: "accepted" | "disconnected"; readonly descriptor: number }
  | { readonly kind: "refused" };

/** See the file's description. */
export class SocketMonitor {
  readonly #zmq: Libzmq;
  readonly #watched: Deno.PointerValue;
  readonly #socket: Deno.PointerValue;
  readonly #options: SocketOptions;
  readonly #scratch = new Uint8Array(Number(SCRATCH_BYTES));
  readonly #view = new DataView(this.#scratch.buffer);

  /**
   * Starts to watch `watched`.
   *
   * @throws SocketError if libzmq cannot do so
   */
  constructor(zmq: Libzmq, context: Deno.PointerValue, watched: Deno.PointerValue) {
    this.#zmq = zmq;
    this.#watched = watched;
    if (zmq.zmq_socket_monitor(watched, cString(ENDPOINT), MASK) !== 0) {
      throw socketError(zmq, "watch a socket");
    }
    this.#socket = zmq.zmq_socket(context, PAIR);
    this.#options = new SocketOptions(zmq, this.#socket);
    this.#options.set(Option.linger, 0);
    if (zmq.zmq_connect(this.#socket, cString(ENDPOINT)) !== 0) throw socketError(zmq, "watch a socket");
  }

  /** Becomes readable when there may be events. */
  get fileDescriptor(): number {
    return this.#options.get(Option.fd);
  }

  /** The next event, if there is one. */
  next(): ConnectionEvent | undefined {
    for (;;) {
      const { zmq_recv } = this.#zmq;
      if (zmq_recv(this.#socket, this.#scratch, SCRATCH_BYTES, DONTWAIT) < 0) return undefined;
      const event = this.#view.getUint16(0, true);
      const descriptor = this.#view.getInt32(2, true);
      zmq_recv(this.#socket, this.#scratch, SCRATCH_BYTES, DONTWAIT);
      if (event === ACCEPTED) return { kind: "accepted", descriptor };
      if (event === DISCONNECTED) return { kind: "disconnected", descriptor };
      if (event === HANDSHAKE_FAILED_PROTOCOL || event === HANDSHAKE_FAILED_AUTH) return { kind: "refused" };
    }
  }

  /** Stops watching. */
  close(): void {
    this.#zmq.zmq_socket_monitor(this.#watched, null, 0);
    this.#zmq.zmq_close(this.#socket);
  }
}
