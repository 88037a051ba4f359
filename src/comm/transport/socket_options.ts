/** Reading and setting options of ZeroMQ sockets, and the error for what libzmq refuses. */

import type { Libzmq } from "../libzmq.ts";

/** Option numbers of zmq.h. */
export const Option = {
  rcvmore: 13,
  fd: 14,
  linger: 17,
  reconnectInterval: 18,
  backlog: 19,
  maxMessageSize: 22,
  sendHighWaterMark: 23,
  receiveHighWaterMark: 24,
  lastEndpoint: 32,
  routerMandatory: 33,
  ipv6: 42,
  curveServer: 47,
  curvePublicKey: 48,
  curveSecretKey: 49,
  curveServerKey: 50,
  zapDomain: 55,
  connectRoutingId: 61,
  handshakeInterval: 66,
  heartbeatInterval: 75,
  heartbeatTtl: 76,
  heartbeatTimeout: 77,
} as const;

const encoder = new TextEncoder();

/** A text as a C string. */
export const cString = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text + "\0");

/** Raised when libzmq refuses to open, bind or connect a socket. */
export class SocketError extends Error {
  /** Class name, also across realms. */
  override readonly name = "SocketError";

  /** @param code errno of the refusal */
  constructor(message: string, readonly code: number) {
    super(message);
  }
}

/** The error of the call that libzmq has just refused. */
export function socketError(zmq: Libzmq, action: string): SocketError {
  const code = zmq.zmq_errno();
  const text = zmq.zmq_strerror(code);
  const reason = text === null ? `error ${code}` : Deno.UnsafePointerView.getCString(text);
  return new SocketError(`Cannot ${action}: ${reason}`, code);
}

/** One socket's options. */
export class SocketOptions {
  readonly #zmq: Libzmq;
  readonly #socket: Deno.PointerValue;
  readonly #int = new Int32Array(1);
  readonly #length = new BigUint64Array(1);

  /** Options of `socket`. */
  constructor(zmq: Libzmq, socket: Deno.PointerValue) {
    this.#zmq = zmq;
    this.#socket = socket;
  }

  /** An integer option. */
  get(option: number): number {
    this.#length[0] = 4n;
    this.#zmq.zmq_getsockopt(this.#socket, option, this.#int, this.#length);
    return this.#int[0];
  }

  /** Sets an integer option. @throws SocketError if libzmq refuses it */
  set(option: number, value: number): void {
    this.setBytes(option, new Uint8Array(new Int32Array([value]).buffer));
  }

  /** Sets an option of bytes. @throws SocketError if libzmq refuses it */
  setBytes(option: number, value: Uint8Array<ArrayBuffer>): void {
    if (this.#zmq.zmq_setsockopt(this.#socket, option, value, BigInt(value.length)) !== 0) {
      throw socketError(this.#zmq, `set socket option ${option}`);
    }
  }

  /** A text option. */
  getText(option: number): string {
    const bytes = new Uint8Array(256);
    this.#length[0] = 256n;
    this.#zmq.zmq_getsockopt(this.#socket, option, bytes, this.#length);
    return new TextDecoder().decode(bytes.subarray(0, Number(this.#length[0]) - 1));
  }
}
