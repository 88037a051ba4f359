/**
 * One ROUTER socket per rank: it listens and it connects, so that a single file descriptor and a single queue serve
 * every peer. Messages are three parts: routing id, frame header, payload (absent when empty).
 */

import type { Libzmq } from "../libzmq.ts";
import { HEADER_BYTES, MAX_PAYLOAD } from "../wire.ts";

const ROUTER = 6, PAIR = 0;
const DONTWAIT = 1, SNDMORE = 2;
const Option = {
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
  connectRoutingId: 61,
  handshakeInterval: 66,
  heartbeatInterval: 75,
  heartbeatTtl: 76,
  heartbeatTimeout: 77,
} as const;
const MESSAGE_SOURCE_FD = 2;
const EVENT_DISCONNECTED = 0x200;
const ID_BYTES = 5n;
const HEADER_LENGTH = BigInt(HEADER_BYTES);
/** A routing id has at most 255 bytes. */
const SCRATCH_BYTES = 256n;
const MONITOR_ENDPOINT = "inproc://deepinv-monitor";

/** A peer is asked for a sign of life this often, in milliseconds... */
const HEARTBEAT_INTERVAL_MS = 500;
/** ...and is lost when it gives none for this long. */
const HEARTBEAT_TIMEOUT_MS = 2000;
/** Incoming messages that libzmq may hold for one connection; more than a peer may send without a grant. */
const RECEIVE_HIGH_WATER_MARK = 1 << 18;

/** Routing ids kept as bytes; strangers may come in any number. */
const MAX_IDS = 4096;

/** Key of a connection: its 5-byte routing id as a number; {@link NO_MESSAGE} and {@link FOREIGN} are none. */
export type RoutingKey = number;
/** Nothing to read. */
export const NO_MESSAGE = -1;
/** A message whose routing id was chosen by a stranger. */
export const FOREIGN = -2;

/** The routing id under which this rank knows its outgoing connection to `rank`. */
export function outgoingKey(rank: number): RoutingKey {
  return 2 ** 32 + rank;
}

function routingId(key: RoutingKey): Uint8Array<ArrayBuffer> {
  const id = new Uint8Array(5);
  id[0] = Math.floor(key / 2 ** 32);
  new DataView(id.buffer).setUint32(1, key % 2 ** 32);
  return id;
}

const encoder = new TextEncoder();
const cString = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text + "\0");

/** Raised when libzmq refuses to open, bind or connect a socket. */
export class SocketError extends Error {
  /** Class name, also across realms. */
  override readonly name = "SocketError";

  /** @param code errno of the refusal */
  constructor(message: string, readonly code: number) {
    super(message);
  }
}

/** See the file's description. */
export class RouterSocket {
  /** Header of the message that {@link next} announced. */
  readonly header: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(Number(SCRATCH_BYTES)));
  /** Bytes of that header. */
  headerLength = 0;

  readonly #zmq: Libzmq;
  readonly #context: Deno.PointerValue;
  readonly #socket: Deno.PointerValue;
  readonly #monitor: Deno.PointerValue;
  readonly #message = new Uint8Array(64);
  readonly #headerBytes = new Uint8Array(this.header.buffer);
  readonly #scratch = new Uint8Array(Number(SCRATCH_BYTES));
  readonly #int = new Int32Array(1);
  readonly #intLength = new BigUint64Array([4n]);
  readonly #ids = new Map<RoutingKey, Uint8Array<ArrayBuffer>>();
  #more = false;
  #open = true;

  /** @throws SocketError if libzmq cannot open a socket */
  constructor(zmq: Libzmq, options: { ipv6?: boolean } = {}) {
    this.#zmq = zmq;
    this.#context = zmq.zmq_ctx_new();
    this.#socket = zmq.zmq_socket(this.#context, ROUTER);
    if (this.#socket === null) throw this.#error("open a socket");
    this.#set(Option.linger, 0);
    this.#set(Option.routerMandatory, 1);
    this.#set(Option.sendHighWaterMark, 0);
    this.#set(Option.receiveHighWaterMark, RECEIVE_HIGH_WATER_MARK);
    this.#set(Option.reconnectInterval, 10);
    this.#set(Option.backlog, 4096);
    this.#set(Option.handshakeInterval, 10_000);
    this.#set(Option.heartbeatInterval, HEARTBEAT_INTERVAL_MS);
    this.#set(Option.heartbeatTtl, HEARTBEAT_TIMEOUT_MS);
    this.#set(Option.heartbeatTimeout, HEARTBEAT_TIMEOUT_MS);
    if (options.ipv6) this.#set(Option.ipv6, 1);
    this.#setBytes(Option.maxMessageSize, new Uint8Array(new BigInt64Array([BigInt(MAX_PAYLOAD)]).buffer));
    if (zmq.zmq_socket_monitor(this.#socket, cString(MONITOR_ENDPOINT), EVENT_DISCONNECTED) !== 0) {
      throw this.#error("watch a socket");
    }
    this.#monitor = zmq.zmq_socket(this.#context, PAIR);
    this.#set(Option.linger, 0, this.#monitor);
    if (zmq.zmq_connect(this.#monitor, cString(MONITOR_ENDPOINT)) !== 0) throw this.#error("watch a socket");
  }

  /** File descriptors that become readable when there may be something to do. */
  get fileDescriptors(): number[] {
    return [this.#get(Option.fd, this.#socket), this.#get(Option.fd, this.#monitor)];
  }

  /**
   * Listens.
   *
   * @returns the endpoint, wild cards resolved
   * @throws SocketError if the address is taken or is not this host's
   */
  bind(endpoint: string): string {
    if (this.#zmq.zmq_bind(this.#socket, cString(endpoint)) !== 0) throw this.#error(`listen at ${endpoint}`);
    const bytes = new Uint8Array(256);
    const length = new BigUint64Array([256n]);
    this.#zmq.zmq_getsockopt(this.#socket, Option.lastEndpoint, bytes, length);
    return new TextDecoder().decode(bytes.subarray(0, Number(length[0]) - 1));
  }

  /** Connects to a peer's endpoint, for as long as it takes; messages to `key` go there. */
  connect(endpoint: string, key: RoutingKey): void {
    this.#setBytes(Option.connectRoutingId, routingId(key));
    if (this.#zmq.zmq_connect(this.#socket, cString(endpoint)) !== 0) {
      throw this.#error(`connect to ${endpoint}`);
    }
  }

  /** Gives up the outgoing connections to an endpoint. */
  disconnect(endpoint: string): void {
    this.#zmq.zmq_disconnect(this.#socket, cString(endpoint));
  }

  /** Queues a frame; false if there is no such connection. The payload is copied. */
  send(key: RoutingKey, header: Uint8Array<ArrayBuffer>, payload?: Uint8Array): boolean {
    if (!this.#open) return false;
    let id = this.#ids.get(key);
    if (id === undefined) {
      if (this.#ids.size >= MAX_IDS) this.#ids.clear();
      this.#ids.set(key, id = routingId(key));
    }
    const { zmq_send } = this.#zmq;
    if (zmq_send(this.#socket, id, ID_BYTES, DONTWAIT | SNDMORE) < 0) return false;
    const hasPayload = payload !== undefined && payload.length > 0;
    if (zmq_send(this.#socket, header, HEADER_LENGTH, DONTWAIT | (hasPayload ? SNDMORE : 0)) < 0) {
      return false;
    }
    if (!hasPayload) return true;
    return zmq_send(this.#socket, payload as Uint8Array<ArrayBuffer>, BigInt(payload.length), DONTWAIT) >= 0;
  }

  /** Takes the next message off the queue: its connection, with {@link header} filled, or {@link NO_MESSAGE}. */
  next(): RoutingKey {
    if (!this.#open) return NO_MESSAGE;
    if (this.#more) this.skip();
    const length = this.#zmq.zmq_recv(this.#socket, this.#scratch, SCRATCH_BYTES, DONTWAIT);
    if (length < 0) return NO_MESSAGE;
    this.headerLength = 0;
    this.#more = this.#hasMore();
    if (this.#more) {
      this.headerLength = this.#zmq.zmq_recv(this.#socket, this.#headerBytes, SCRATCH_BYTES, DONTWAIT);
      this.#more = this.#hasMore();
    }
    if (length !== 5) return FOREIGN;
    const id = this.#scratch;
    return id[0] * 2 ** 32 + ((id[1] << 24 | id[2] << 16 | id[3] << 8 | id[4]) >>> 0);
  }

  /** Reads the payload of the announced message into `into`; false unless it has exactly that size. */
  payload(into: Uint8Array): boolean {
    if (!this.#more) return into.length === 0;
    const length = this.#zmq.zmq_recv(
      this.#socket,
      into as Uint8Array<ArrayBuffer>,
      BigInt(into.length),
      DONTWAIT,
    );
    this.#more = this.#hasMore();
    return length === into.length && !this.#more;
  }

  /** Drops the rest of the announced message. */
  skip(): void {
    while (this.#more) {
      this.#zmq.zmq_recv(this.#socket, this.#scratch, 0n, DONTWAIT);
      this.#more = this.#hasMore();
    }
  }

  /**
   * Like {@link next} followed by a read of the payload, but also tells the connection's file descriptor, by which
   * {@link disconnected} names it. Slower; for the handshake.
   */
  payloadWithDescriptor(length: number): { bytes: Uint8Array<ArrayBuffer>; descriptor: number } | undefined {
    if (!this.#more) return undefined;
    const zmq = this.#zmq;
    zmq.zmq_msg_init(this.#message);
    const size = zmq.zmq_msg_recv(this.#message, this.#socket, DONTWAIT);
    this.#more = this.#hasMore();
    const bytes = new Uint8Array(length);
    if (size === length && length > 0) {
      const data = zmq.zmq_msg_data(this.#message);
      if (data !== null) Deno.UnsafePointerView.copyInto(data, bytes);
    }
    const descriptor = zmq.zmq_msg_get(this.#message, MESSAGE_SOURCE_FD);
    zmq.zmq_msg_close(this.#message);
    return size === length && !this.#more ? { bytes, descriptor } : undefined;
  }

  /** File descriptors of the connections that broke since the last call, in order. */
  disconnected(): number[] {
    const descriptors: number[] = [];
    while (this.#open) {
      if (this.#zmq.zmq_recv(this.#monitor, this.#scratch, SCRATCH_BYTES, DONTWAIT) < 0) break;
      const event = new DataView(this.#scratch.buffer);
      if (event.getUint16(0, true) === EVENT_DISCONNECTED) descriptors.push(event.getInt32(2, true));
      this.#zmq.zmq_recv(this.#monitor, this.#scratch, SCRATCH_BYTES, DONTWAIT);
    }
    return descriptors;
  }

  /** Closes; queued messages get `lingerMs` to leave. */
  async close(lingerMs: number): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#set(Option.linger, lingerMs);
    this.#zmq.zmq_socket_monitor(this.#socket, null, 0);
    this.#zmq.zmq_close(this.#monitor);
    this.#zmq.zmq_close(this.#socket);
    await this.#zmq.zmq_ctx_term(this.#context);
  }

  #hasMore(): boolean {
    return this.#get(Option.rcvmore, this.#socket) !== 0;
  }

  #get(option: number, socket: Deno.PointerValue): number {
    this.#intLength[0] = 4n;
    this.#zmq.zmq_getsockopt(socket, option, this.#int, this.#intLength);
    return this.#int[0];
  }

  #set(option: number, value: number, socket: Deno.PointerValue = this.#socket): void {
    this.#setBytes(option, new Uint8Array(new Int32Array([value]).buffer), socket);
  }

  #setBytes(option: number, value: Uint8Array<ArrayBuffer>, socket: Deno.PointerValue = this.#socket): void {
    if (this.#zmq.zmq_setsockopt(socket, option, value, BigInt(value.length)) !== 0) {
      throw this.#error(`set socket option ${option}`);
    }
  }

  #error(action: string): SocketError {
    const code = this.#zmq.zmq_errno();
    const text = this.#zmq.zmq_strerror(code);
    const reason = text === null ? `error ${code}` : Deno.UnsafePointerView.getCString(text);
    return new SocketError(`Cannot ${action}: ${reason}`, code);
  }
}
