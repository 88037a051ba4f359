/**
 * Who may connect: the handler of the ZeroMQ Authentication Protocol (RFC 27). libzmq asks it about every connection
 * whose encryption works; it admits one public key and nothing else.
 *
 *     request  version | request id | domain | address | identity | mechanism | public key of the client
 *     reply    version | request id | status code | status text | user id | metadata
 */

import type { Libzmq } from "../libzmq.ts";
import { cString, Option, socketError, SocketOptions } from "./socket_options.ts";

const REP = 4;
const DONTWAIT = 1, SNDMORE = 2;
const ENDPOINT = "inproc://zeromq.zap.01";
const MAX_PART_BYTES = 256;
const REQUEST_PARTS = 7;
const text = (part: Uint8Array): string => new TextDecoder().decode(part);
const bytes = (part: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(part);

/** See the file's description. */
export class ZapHandler {
  readonly #zmq: Libzmq;
  readonly #socket: Deno.PointerValue;
  readonly #options: SocketOptions;
  readonly #admitted: string;

  /**
   * Starts to answer; call before any socket of the context listens.
   *
   * @param admitted the public key, 32 bytes
   * @throws SocketError if libzmq cannot do so
   */
  constructor(zmq: Libzmq, context: Deno.PointerValue, admitted: Uint8Array) {
    this.#zmq = zmq;
    this.#admitted = admitted.toHex();
    this.#socket = zmq.zmq_socket(context, REP);
    this.#options = new SocketOptions(zmq, this.#socket);
    this.#options.set(Option.linger, 0);
    if (zmq.zmq_bind(this.#socket, cString(ENDPOINT)) !== 0) throw socketError(zmq, "authenticate ranks");
  }

  /** Becomes readable when there may be a question. */
  get fileDescriptor(): number {
    return this.#options.get(Option.fd);
  }

  /** Answers what has been asked. */
  drain(): void {
    for (let request = this.#receive(); request.length > 0; request = this.#receive()) {
      const [version, id] = request;
      const admit = request.length === REQUEST_PARTS && text(request[5]) === "CURVE" &&
        request[6].toHex() === this.#admitted;
      const reply = admit ? ["200", "OK", "rank", ""] : ["400", "not of this job", "", ""];
      this.#send([version, id ?? bytes(""), ...reply.map(bytes)]);
    }
  }

  /** Stops answering. */
  close(): void {
    this.#zmq.zmq_close(this.#socket);
  }

  #receive(): Uint8Array<ArrayBuffer>[] {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    do {
      const part = new Uint8Array(MAX_PART_BYTES);
      const length = this.#zmq.zmq_recv(this.#socket, part, BigInt(MAX_PART_BYTES), DONTWAIT);
      if (length < 0) return [];
      parts.push(part.subarray(0, Math.min(length, MAX_PART_BYTES)));
    } while (this.#options.get(Option.rcvmore) !== 0);
    return parts;
  }

  #send(parts: readonly Uint8Array<ArrayBuffer>[]): void {
    parts.forEach((part, index) => {
      const more = index < parts.length - 1 ? SNDMORE : 0;
      this.#zmq.zmq_send(this.#socket, part, BigInt(part.length), DONTWAIT | more);
    });
  }
}
