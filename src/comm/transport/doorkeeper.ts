/**
 * Everything about connections whose rank is not known yet: their handshakes, and the strangers among them. Which rank
 * may come in when is the rendezvous' decision.
 */

import { type Frame, FrameError, Kind, NO_ENVELOPE } from "../wire.ts";
import type { Admission, ZmqOptions } from "./admission.ts";
import type { ConnectionTable } from "./connection_table.ts";
import { ConnectionWatch } from "./connection_watch.ts";
import type { FramePort } from "./frame_port.ts";
import { type Body, type HandshakeHost, Handshakes } from "./handshake.ts";
import { FOREIGN, outgoingKey, type RouterSocket, type RoutingKey } from "./zmq_socket.ts";

/** What the doorkeeper tells the transport. */
export interface House {
  /** A connection is established. */
  welcome(key: RoutingKey, rank: number, info: string): void;
  /** Connections of peers broke; by file descriptor. */
  lose(descriptors: readonly number[]): void;
}

/** See the file's description. */
export class Doorkeeper implements HandshakeHost {
  readonly rank: number;
  /** The handshakes in progress. */
  readonly handshakes: Handshakes;
  readonly #socket: RouterSocket;
  readonly #port: FramePort;
  readonly #connections: ConnectionTable;
  readonly #house: House;
  readonly #admission: Admission;
  readonly #watch: ConnectionWatch;
  readonly #dialled = new Map<RoutingKey, string>();
  #open = true;

  /** Guards `socket` for `house`; `port` and `connections` are the house's own. */
  constructor(
    socket: RouterSocket,
    port: FramePort,
    connections: ConnectionTable,
    house: House,
    options: ZmqOptions,
  ) {
    this.rank = options.rank;
    this.#socket = socket;
    this.#port = port;
    this.#connections = connections;
    this.#house = house;
    this.#admission = options.admission;
    this.#watch = new ConnectionWatch(options.rank, socket);
    this.handshakes = new Handshakes(this, options.secret);
  }

  /** Connects to a rank that listens at `endpoint` and starts the handshake. */
  dial(rank: number, endpoint: string): void {
    const key = outgoingKey();
    this.#dialled.set(key, endpoint);
    this.#socket.connect(endpoint, key);
    this.handshakes.hello(key, rank);
  }

  /** Lets nobody in any more. */
  shut(): void {
    this.#open = false;
  }

  /** File descriptors of the connections that have broken since the last call; answers those who want to connect. */
  broken(): number[] {
    this.#socket.admit();
    return this.#watch.broken();
  }

  /** The connection `key`, which was `rank`'s or nobody's, is gone for good or to be made again. */
  forget(key: RoutingKey, isPeer: boolean): void {
    const endpoint = this.#dialled.get(key);
    if (!isPeer) {
      this.handshakes.broken(key);
      this.#admission.left(key);
    } else if (endpoint !== undefined) this.#socket.disconnect(endpoint);
  }

  /** Handles a message of a connection that is no peer's. */
  handle(key: RoutingKey, frame: Frame | FrameError): void {
    if (frame instanceof FrameError) this.stranger(frame.reason);
    else if (key === FOREIGN) this.stranger("a routing id of its own choice");
    else if (frame.kind <= Kind.Ready && this.#open) this.#handleHandshake(key, frame);
    // Last words of an earlier job at the same port are no attack.
    else if (frame.kind > Kind.Ready && frame.kind < Kind.Abort) this.stranger("a frame without a handshake");
  }

  reply(key: RoutingKey, kind: number, body: Body): void {
    const payload = new TextEncoder().encode(JSON.stringify(body));
    this.#port.write(key, kind, NO_ENVELOPE, { total: payload.length }, 0, payload);
  }

  proved(key: RoutingKey, rank: number, info: string): void {
    if (this.#connections.ofRank(rank) !== undefined) this.stranger(`a second rank ${rank}`);
    else this.#admission.proved(key, rank, info);
  }

  established(key: RoutingKey, rank: number, info: string): void {
    if (this.#connections.ofRank(rank) !== undefined) return this.stranger(`a second rank ${rank}`);
    this.#house.welcome(key, rank, info);
    this.#admission.established(rank, info);
  }

  refused(_rank: number, info: string): void {
    this.#admission.refused(info);
  }

  stranger(reason: string): void {
    this.#watch.stranger(reason);
  }

  #handleHandshake(key: RoutingKey, frame: Frame): void {
    const payload = this.#socket.payloadWithDescriptor(frame.payload);
    if (payload === undefined) return this.stranger("an incomplete handshake");
    // Descriptors are reused: one that belonged to another connection broke before this message came.
    const broken = this.#watch.broken();
    const own = broken.filter((descriptor) => this.#connections.keyOf(descriptor) === key);
    this.#house.lose(broken.filter((descriptor) => !own.includes(descriptor)));
    this.#watch.introduced(payload.descriptor);
    this.#connections.noteDescriptor(payload.descriptor, key);
    this.handshakes.handle(key, frame, payload.bytes).catch((error) => this.stranger(String(error)));
    this.#house.lose(own);
  }
}
