/**
 * One ROUTER socket per rank: it listens and it connects, so that a single file descriptor and a single queue serve
 * every peer. Messages are three parts: routing id, frame header, payload (absent when empty).
 */

import type { CurveKeyPair, CurveKeys } from "../curve.ts";
import type { Libzmq } from "../libzmq.ts";
import { HEADER_BYTES, MAX_PAYLOAD } from "../wire.ts";
import { type ConnectionEvent, SocketMonitor } from "./socket_monitor.ts";
import { cString, Option, socketError, SocketOptions } from "./socket_options.ts";
import { ZapHandler } from "./zap.ts";

const ROUTER = 6;
const DONTWAIT = 1, SNDMORE = 2;
const MESSAGE_SOURCE_FD = 2;
const ID_BYTES = 5n;
const HEADER_LENGTH = BigInt(HEADER_BYTES);
/** A frame is longer by this when it is encrypted. */
const CURVE_BYTES = 33;
/** A routing id has at most 255 bytes. */
const SCRATCH_BYTES = 256n;
/** Any domain makes libzmq ask who may connect. */
const ZAP_DOMAIN = "deepinv";

/** A peer is asked for a sign of life this often, in milliseconds... */
export const HEARTBEAT_INTERVAL_MS = 400;
/** ...and is lost when it gives none for this long. */
const HEARTBEAT_TIMEOUT_MS = 1800;
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

/** Keys of incoming connections, which libzmq makes itself, are below this. */
const FIRST_OUTGOING = 2 ** 32;

/** A routing id for an outgoing connection: random, because libzmq aborts on one that a stranger has taken before. */
export function outgoingKey(): RoutingKey {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return FIRST_OUTGOING * (1 + random[0] % 255) + random[1];
}

function routingId(key: RoutingKey): Uint8Array<ArrayBuffer> {
  const id = new Uint8Array(5);
  id[0] = Math.floor(key / 2 ** 32);
  new DataView(id.buffer).setUint32(1, key % 2 ** 32);
  return id;
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
  readonly #options: SocketOptions;
  readonly #monitor: SocketMonitor;
  readonly #zap: ZapHandler | undefined;
  readonly #curve: CurveKeys | undefined;
  readonly #message = new Uint8Array(64);
  readonly #headerBytes = new Uint8Array(this.header.buffer);
  readonly #scratch = new Uint8Array(Number(SCRATCH_BYTES));
  readonly #ids = new Map<RoutingKey, Uint8Array<ArrayBuffer>>();
  #more = false;
  #open = true;

  /**
   * Opens a socket; with `curve`, every connection is encrypted and only holders of these keys may make one.
   *
   * @throws SocketError if libzmq cannot open a socket
   */
  constructor(zmq: Libzmq, options: { ipv6?: boolean; curve?: CurveKeys } = {}) {
    this.#zmq = zmq;
    this.#curve = options.curve;
    this.#context = zmq.zmq_ctx_new();
    this.#socket = zmq.zmq_socket(this.#context, ROUTER);
    if (this.#socket === null) throw socketError(zmq, "open a socket");
    const settings = this.#options = new SocketOptions(zmq, this.#socket);
    settings.set(Option.linger, 0);
    settings.set(Option.routerMandatory, 1);
    settings.set(Option.sendHighWaterMark, 0);
    settings.set(Option.receiveHighWaterMark, RECEIVE_HIGH_WATER_MARK);
    settings.set(Option.reconnectInterval, 10);
    settings.set(Option.backlog, 4096);
    settings.set(Option.handshakeInterval, 10_000);
    settings.set(Option.heartbeatInterval, HEARTBEAT_INTERVAL_MS);
    settings.set(Option.heartbeatTtl, HEARTBEAT_TIMEOUT_MS);
    settings.set(Option.heartbeatTimeout, HEARTBEAT_TIMEOUT_MS);
    if (options.ipv6) settings.set(Option.ipv6, 1);
    const limit = new Uint8Array(new BigInt64Array([BigInt(MAX_PAYLOAD + CURVE_BYTES)]).buffer);
    settings.setBytes(Option.maxMessageSize, limit);
    this.#monitor = new SocketMonitor(zmq, this.#context, this.#socket);
    this.#zap = this.#curve && new ZapHandler(zmq, this.#context, this.#curve.admitted);
  }

  /** File descriptors that become readable when there may be something to do. */
  get fileDescriptors(): number[] {
    const own = [this.#options.get(Option.fd), this.#monitor.fileDescriptor];
    return this.#zap === undefined ? own : [...own, this.#zap.fileDescriptor];
  }

  /**
   * Listens.
   *
   * @returns the endpoint, wild cards resolved
   * @throws SocketError if the address is taken or is not this host's
   */
  bind(endpoint: string): string {
    if (this.#curve !== undefined) {
      this.#options.setBytes(Option.zapDomain, cString(ZAP_DOMAIN).subarray(0, -1));
      this.#options.set(Option.curveServer, 1);
      this.#setKeys(this.#curve.server);
    }
    if (this.#zmq.zmq_bind(this.#socket, cString(endpoint)) !== 0) {
      throw socketError(this.#zmq, `listen at ${endpoint}`);
    }
    return this.#options.getText(Option.lastEndpoint);
  }

  /** Connects to a peer's endpoint, for as long as it takes; messages to `key` go there. */
  connect(endpoint: string, key: RoutingKey): void {
    if (this.#curve !== undefined) {
      this.#options.setBytes(Option.curveServerKey, this.#curve.server.publicKey);
      this.#setKeys(this.#curve.client);
    }
    this.#options.setBytes(Option.connectRoutingId, routingId(key));
    if (this.#zmq.zmq_connect(this.#socket, cString(endpoint)) !== 0) {
      throw socketError(this.#zmq, `connect to ${endpoint}`);
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
   * {@link connectionEvents} names it. Slower; for the handshake.
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

  /** Answers those who want to connect. */
  admit(): void {
    if (this.#open) this.#zap?.drain();
  }

  /** What has happened to the connections since the last call, in order. */
  connectionEvents(): ConnectionEvent[] {
    const events: ConnectionEvent[] = [];
    while (this.#open) {
      const event = this.#monitor.next();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  /** Closes; queued messages get `lingerMs` to leave. */
  async close(lingerMs: number): Promise<void> {
    if (this.#release(lingerMs)) await this.#zmq.zmq_ctx_term(this.#context);
  }

  /** As {@link close}, but blocks; for the end of the process, when nothing asynchronous can happen any more. */
  closeNow(lingerMs: number): void {
    if (this.#release(lingerMs)) this.#zmq.zmq_ctx_term_now(this.#context);
  }

  #release(lingerMs: number): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#options.set(Option.linger, lingerMs);
    this.#monitor.close();
    this.#zap?.close();
    this.#zmq.zmq_close(this.#socket);
    return true;
  }

  #setKeys(keys: CurveKeyPair): void {
    this.#options.setBytes(Option.curvePublicKey, keys.publicKey);
    this.#options.setBytes(Option.curveSecretKey, keys.secretKey);
  }

  #hasMore(): boolean {
    return this.#options.get(Option.rcvmore) !== 0;
  }
}
