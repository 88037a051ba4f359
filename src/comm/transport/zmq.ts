/** The transport over ZeroMQ: a full mesh of authenticated TCP connections, one socket per rank. */

import { type Failure, FailureSignal } from "../errors.ts";
import type { Libzmq } from "../libzmq.ts";
import { decodeHeader, type Envelope, type Frame, FrameError, Kind, NO_ENVELOPE } from "../wire.ts";
import type { Admission, ZmqOptions } from "./admission.ts";
import { ConnectionTable, type Peer, violation } from "./connection_table.ts";
import { FramePort } from "./frame_port.ts";
import { type Body, type HandshakeHost, Handshakes } from "./handshake.ts";
import { type FrameWriter, PeerLink } from "./peer_link.ts";
import { decodeFailure, decodeInfo, encodeFailure } from "./peer_reports.ts";
import { Progress } from "./progress.ts";
import { RollCall } from "./roll_call.ts";
import type { Message, Transport, TransportObserver } from "./transport.ts";
import { FOREIGN, NO_MESSAGE, outgoingKey, RouterSocket, type RoutingKey } from "./zmq_socket.ts";

/** Frames handled before those who wait for them run. */
const FRAMES_PER_DRAIN = 16;
/** How long a leaving rank waits for the others to have read everything, in milliseconds. */
const GOODBYE_MS = 2000;
const GOODBYE_AFTER_FAILURE_MS = 500;
/** How long the last acknowledgements may take to leave when nobody depends on them any more. */
const SETTLED_LINGER_MS = 100;

/** See the file's description; made by the rendezvous. */
export class ZmqTransport implements Transport, HandshakeHost {
  readonly rank: number;
  readonly worldSize: number;
  readonly name = "tcp";
  /** The handshakes with ranks that are not peers yet. */
  readonly handshakes: Handshakes;
  failure: Failure | undefined;
  readonly #socket: RouterSocket;
  readonly #progress: Progress;
  readonly #observer: TransportObserver;
  readonly #admission: Admission;
  readonly #connections = new ConnectionTable();
  readonly #dialled = new Map<RoutingKey, string>();
  readonly #rollCall = new RollCall();
  readonly #port: FramePort;
  #warned = false;
  #closing: Promise<void> | undefined;
  #farewell: (() => void) | undefined;

  /** Opens the socket; `options` tell who this is and who wants to know what it meets. */
  constructor(zmq: Libzmq, options: ZmqOptions) {
    this.rank = options.rank;
    this.worldSize = options.worldSize;
    this.#observer = options.observer;
    this.#admission = options.admission;
    this.#socket = new RouterSocket(zmq, { ipv6: options.ipv6 });
    this.#port = new FramePort(this.#socket, options.rank);
    this.#progress = new Progress(zmq, this.#socket.fileDescriptors, () => this.#drain());
    this.handshakes = new Handshakes(this, options.token);
  }

  /** Listens; returns the endpoint with wild cards resolved. */
  listen(endpoint: string): string {
    return this.#socket.bind(endpoint);
  }

  /** Connects to a rank that listens at `endpoint` and starts the handshake. */
  dial(rank: number, endpoint: string): void {
    this.#dialled.set(outgoingKey(rank), endpoint);
    this.#socket.connect(endpoint, outgoingKey(rank));
    this.handshakes.hello(outgoingKey(rank), rank);
  }

  attend<T>(work: Promise<T>): Promise<T> {
    this.#progress.acquire();
    return work.finally(() => this.#progress.release());
  }

  send(rank: number, envelope: Envelope, bytes: Uint8Array): Promise<void> {
    const peer = this.#usable(rank);
    return peer instanceof Promise ? peer : peer.link.send(envelope, bytes);
  }

  async receive(rank: number, envelope: Envelope, into: Uint8Array): Promise<void> {
    await this.#receive(rank, envelope, into);
  }

  receiveMessage(rank: number, envelope: Envelope): Promise<Message> {
    return this.#receive(rank, envelope);
  }

  missing(group: number, sequence: number, ranks: readonly number[]): Promise<number[]> {
    const others = ranks.filter((rank) => rank !== this.rank);
    const question = { ...NO_ENVELOPE, group, sequence };
    return this.attend(this.#rollCall.ask(group, sequence, others, (rank) => {
      this.#writeTo(this.#connections.ofRank(rank), Kind.Query, question);
    }));
  }

  awaited(): number[] {
    const waiting = [...this.#connections.peers].filter(({ link }) => link.isAwaited || link.hasUnsent);
    return waiting.map(({ rank }) => rank).sort((a, b) => a - b);
  }

  fail(failure: Failure, tell = true): void {
    if (this.failure !== undefined) return;
    this.failure = failure;
    for (const peer of this.#connections.peers) peer.link.fail(failure);
    if (tell) this.#report(failure);
    this.#rollCall.cancel();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#leave();
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
    const writer: FrameWriter = {
      write: (kind, envelope, fields, payload) => {
        return peer.state !== "lost" && this.#port.write(key, kind, envelope, fields, peer.sent++, payload);
      },
      read: (into) => this.#socket.payload(into),
      fail: (failure) => this.fail(failure),
    };
    const peer: Peer = {
      ...{ rank, key, info: { rank, ...decodeInfo(info) }, link: new PeerLink(rank, writer) },
      ...{ sent: 0, received: 0, state: "here", knowsGoodbye: false },
    };
    this.#connections.add(peer);
    this.#admission.established(rank, info);
  }

  refused(_rank: number, info: string): void {
    this.#admission.refused(info);
  }

  stranger(reason: string): void {
    if (this.#warned) return;
    this.#warned = true;
    console.warn(`rank ${this.rank}: refused a connection: ${reason}`);
  }

  /** The peer, or the rejection of whatever was to be done with it. */
  #usable(rank: number): Peer | Promise<never> {
    if (this.failure !== undefined) return Promise.reject(new FailureSignal(this.failure));
    const peer = this.#connections.ofRank(rank);
    if (peer !== undefined && peer.state === "here") return peer;
    this.fail(this.#connections.leftEarly(rank));
    return Promise.reject(new FailureSignal(this.failure!));
  }

  #receive(rank: number, envelope: Envelope, into?: Uint8Array): Promise<Message> {
    if (this.failure !== undefined) return Promise.reject(new FailureSignal(this.failure));
    const peer = this.#connections.ofRank(rank)!;
    const message = peer.link.receive(envelope, into);
    // What a rank sent before it left still counts.
    if (peer.state !== "here" && peer.link.isAwaited) this.fail(this.#connections.leftEarly(rank));
    return message;
  }

  #report(failure: Failure): void {
    const report = encodeFailure(failure);
    for (const peer of this.#connections.peers) {
      if (peer.state === "here") this.#writeTo(peer, Kind.Abort, NO_ENVELOPE, report);
    }
  }

  /** Sends a frame of no message to a peer, if it is still connected. */
  #writeTo(
    peer: Peer | undefined,
    kind: number,
    envelope: Envelope = NO_ENVELOPE,
    payload?: Uint8Array,
  ): void {
    if (peer === undefined || peer.state === "lost") return;
    this.#port.write(peer.key, kind, envelope, { total: payload?.length ?? 0 }, peer.sent++, payload);
  }

  #drain(): boolean {
    const progressed = this.#drainMessages(FRAMES_PER_DRAIN);
    const broken = this.#socket.disconnected();
    if (broken.length === 0) return progressed;
    // Whatever a rank said before its connection broke comes first: a goodbye, or whom it saw failing.
    this.#drainMessages(Infinity);
    this.#lose(broken);
    return true;
  }

  #drainMessages(limit: number): boolean {
    for (let handled = 0; handled < limit; handled++) {
      const key = this.#socket.next();
      if (key === NO_MESSAGE) return handled > 0;
      this.#handle(key);
      this.#socket.skip();
    }
    return true;
  }

  #handle(key: RoutingKey): void {
    const frame = decodeHeader(this.#socket.header, this.#socket.headerLength);
    const peer = this.#connections.ofKey(key);
    if (peer === undefined) return this.#handleUnknown(key, frame);
    const failure = frame instanceof FrameError
      ? violation(peer, frame.reason)
      : this.#handlePeer(peer, frame);
    if (failure !== undefined) this.fail(failure);
  }

  #handleUnknown(key: RoutingKey, frame: Frame | FrameError): void {
    if (frame instanceof FrameError) this.stranger(frame.reason);
    else if (key === FOREIGN) this.stranger("a routing id of its own choice");
    else if (frame.kind <= Kind.Ready && this.#closing === undefined) this.#handleHandshake(key, frame);
    // Last words of an earlier job at the same port are no attack.
    else if (frame.kind > Kind.Ready && frame.kind < Kind.Abort) this.stranger("a frame without a handshake");
  }

  #handleHandshake(key: RoutingKey, frame: Frame): void {
    const payload = this.#socket.payloadWithDescriptor(frame.payload);
    if (payload === undefined) return this.stranger("an incomplete handshake");
    // Descriptors are reused: one that belonged to another connection broke before this message came.
    const broken = this.#socket.disconnected();
    const own = broken.filter((descriptor) => this.#connections.keyOf(descriptor) === key);
    this.#lose(broken.filter((descriptor) => !own.includes(descriptor)));
    this.#connections.noteDescriptor(payload.descriptor, key);
    this.handshakes.handle(key, frame, payload.bytes).catch((error) => this.stranger(String(error)));
    this.#lose(own);
  }

  #handlePeer(peer: Peer, frame: Frame): Failure | undefined {
    // The other side may have repeated a part of the handshake that was on its way already.
    if (frame.kind <= Kind.Ready) return undefined;
    if (frame.source !== peer.rank || frame.serial !== (peer.received++ >>> 0)) {
      return violation(peer, "a replayed, lost or borrowed frame");
    }
    switch (frame.kind) {
      case Kind.Data:
      case Kind.Grant:
      case Kind.Credit: {
        if (this.failure !== undefined) return undefined;
        const failure = frame.operation > 1 ? this.#observer.inspect(peer.rank, frame) : undefined;
        return failure ?? peer.link.handle(frame);
      }
      case Kind.Abort: {
        const bytes = new Uint8Array(frame.payload);
        const failure = this.#socket.payload(bytes) ? decodeFailure(bytes) : undefined;
        if (failure === undefined) return violation(peer, "an unreadable failure report");
        this.fail(failure, false);
        return undefined;
      }
      case Kind.Goodbye:
        this.#writeTo(peer, Kind.GoodbyeAck);
        peer.state = "left";
        this.#endFarewell();
        return peer.link.isAwaited || peer.link.hasUnsent
          ? this.#connections.leftEarly(peer.rank)
          : undefined;
      case Kind.GoodbyeAck:
        peer.knowsGoodbye = true;
        this.#endFarewell();
        return undefined;
      case Kind.Query: {
        const { group, sequence } = frame;
        const entered = this.#observer.hasEntered(group, sequence);
        this.#writeTo(peer, Kind.Answer, { ...NO_ENVELOPE, group, sequence, count: entered ? 1 : 0 });
        return undefined;
      }
      case Kind.Answer:
        this.#rollCall.answered(frame.group, frame.sequence, peer.rank, frame.count === 1);
        return undefined;
      default:
        return violation(peer, `a frame of kind ${frame.kind} after the handshake`);
    }
  }

  #lose(descriptors: readonly number[]): void {
    const lost: Peer[] = [];
    for (const descriptor of descriptors) {
      const key = this.#connections.takeDescriptor(descriptor);
      if (key === undefined) continue;
      const peer = this.#connections.ofKey(key);
      if (peer === undefined) {
        this.handshakes.broken(key);
        continue;
      }
      if (peer.state === "here") lost.push(peer);
      peer.state = "lost";
      const endpoint = this.#dialled.get(key);
      if (endpoint !== undefined) this.#socket.disconnect(endpoint);
    }
    this.#endFarewell();
    if (lost.length > 0) this.fail(this.#connections.loss(lost));
  }

  #endFarewell(): void {
    if (this.#connections.isSettled) this.#farewell?.();
  }

  async #leave(): Promise<void> {
    const limit = this.failure === undefined ? GOODBYE_MS : GOODBYE_AFTER_FAILURE_MS;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#farewell = resolve;
    // A rank that leaves because of a failure is not itself one: the others learn the failure first.
    if (this.failure !== undefined) this.#report(this.failure);
    for (const peer of this.#connections.peers) this.#writeTo(peer, Kind.Goodbye);
    const timer = setTimeout(resolve, limit);
    this.#endFarewell();
    await this.attend(promise);
    clearTimeout(timer);
    const detail = "the group is closed on this rank";
    this.fail({ kind: "closed", operation: "", sequence: 0, ranks: [this.rank], detail }, false);
    await this.#progress.close();
    await this.#socket.close(this.#connections.isSettled ? SETTLED_LINGER_MS : limit);
  }
}
