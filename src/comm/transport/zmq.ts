/** The transport over ZeroMQ: a full mesh of authenticated TCP connections, one socket per rank. */

import { type Failure, FailureSignal } from "../errors.ts";
import type { Libzmq } from "../libzmq.ts";
import { decodeHeader, type Envelope, type Frame, FrameError, Kind, NO_ENVELOPE } from "../wire.ts";
import { Announcements } from "./announcements.ts";
import type { ZmqOptions } from "./admission.ts";
import { type EndObserver, forgetEnd, observeEnd } from "../process_end.ts";
import { ConnectionTable, isConnected, type Peer, violation } from "./connection_table.ts";
import { Doorkeeper, type House } from "./doorkeeper.ts";
import { FramePort } from "./frame_port.ts";
import type { Handshakes } from "./handshake.ts";
import type { Mailboxes } from "../shm/mailboxes.ts";
import { Mail } from "./mail.ts";
import { type FrameWriter, PeerLink } from "./peer_link.ts";
import { decodeFailure, decodeInfo, decodeText } from "./peer_reports.ts";
import { Progress } from "./progress.ts";
import { RollCall } from "./roll_call.ts";
import type { Message, Transport, TransportObserver } from "./transport.ts";
import { HEARTBEAT_INTERVAL_MS, NO_MESSAGE, RouterSocket, type RoutingKey } from "./zmq_socket.ts";

/** Frames handled before those who wait for them run. */
const FRAMES_PER_DRAIN = 4;
/** Period of the look at the state of the connections, in milliseconds. */
const LOOK_MS = 1;
/** How long a leaving rank waits for the others to have read everything, in milliseconds. */
const GOODBYE_MS = 2000;
const GOODBYE_AFTER_FAILURE_MS = 500;
/** How long the last acknowledgements may take to leave when nobody depends on them any more. */
const SETTLED_LINGER_MS = 100;
/** How long the last frames of a process that ends without closing may take to leave. */
const END_LINGER_MS = 500;
/** How long to wait for a lost host's other connections to break as well: idle ones do so up to a heartbeat apart. */
const HOST_LOSS_MS = HEARTBEAT_INTERVAL_MS + 100;

/** See the file's description; made by the rendezvous. */
export class ZmqTransport implements Transport, House, EndObserver {
  readonly rank: number;
  readonly worldSize: number;
  readonly name = "tcp";
  failure: Failure | undefined;
  readonly #socket: RouterSocket;
  readonly #progress: Progress;
  readonly #observer: TransportObserver;
  readonly #door: Doorkeeper;
  readonly #connections = new ConnectionTable(Deno.hostname());
  readonly #rollCall = new RollCall();
  readonly #port: FramePort;
  readonly #announce: Announcements;
  readonly #mail: Mail;
  #looked = -LOOK_MS;
  #lossTimer: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;
  #farewell: (() => void) | undefined;

  /** Opens the socket; `options` tell who this is and who wants to know what it meets. */
  constructor(zmq: Libzmq, options: ZmqOptions) {
    this.rank = options.rank;
    this.worldSize = options.worldSize;
    this.#observer = options.observer;
    this.#socket = new RouterSocket(zmq, { ipv6: options.ipv6, curve: options.curve });
    this.#port = new FramePort(this.#socket, options.rank);
    this.#door = new Doorkeeper(this.#socket, this.#port, this.#connections, this, options);
    this.#announce = new Announcements(this.#port, this.#connections);
    this.#mail = new Mail(this.#connections, this.#announce);
    this.#progress = new Progress(zmq, this.#socket.fileDescriptors, () => this.#drain());
    observeEnd(this);
  }

  /** The handshakes with ranks that are not peers yet. */
  get handshakes(): Handshakes {
    return this.#door.handshakes;
  }

  /** Listens; returns the endpoint with wild cards resolved. */
  listen(endpoint: string): string {
    return this.#socket.bind(endpoint);
  }

  /** Connects to a rank that listens at `endpoint` and starts the handshake. */
  dial(rank: number, endpoint: string): void {
    this.#door.dial(rank, endpoint);
  }

  useMailboxes(mailboxes: Mailboxes): void {
    this.#mail.mailboxes = mailboxes;
    this.#progress.sleeper = mailboxes;
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
      this.#announce.tell(this.#connections.ofRank(rank), Kind.Query, question);
    }));
  }

  departed(rank: number): Failure | undefined {
    const peer = this.#connections.ofRank(rank);
    return peer === undefined || peer.state === "here" ? undefined : this.#absence(peer);
  }

  awaited(): number[] {
    const waiting = [...this.#connections.peers].filter(({ link }) => link.isAwaited || link.hasUnsent);
    return waiting.map(({ rank }) => rank).sort((a, b) => a - b);
  }

  fail(failure: Failure, tell = true): void {
    if (this.failure !== undefined) return;
    this.failure = failure;
    for (const peer of this.#connections.peers) peer.link.fail(failure);
    if (tell) this.#announce.failure(failure);
    this.#rollCall.cancel();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#leave();
  }

  lastWords(reason: string): void {
    if (this.failure === undefined) this.#announce.lastWords(reason);
  }

  ended(exitCode: number): void {
    if (this.#closing === undefined) {
      this.lastWords(exitCode === 0 ? "ended without an error" : `ended with exit code ${exitCode}`);
      // Without a goodbye the others see the connection break; with one they see a rank that has done its part.
      if (this.failure !== undefined || exitCode === 0) this.#announce.goodbye(this.failure);
    }
    this.#socket.closeNow(END_LINGER_MS);
  }

  welcome(key: RoutingKey, rank: number, info: string): void {
    const writer: FrameWriter = {
      write: (kind, envelope, fields, payload) =>
        this.#mail.carry(rank, kind, envelope, fields, payload) ||
        isConnected(peer) && this.#port.write(key, kind, envelope, fields, peer.sent++, payload),
      ...this.#mail.wayTo(rank),
      read: (into) => this.#mail.read(into) ?? this.#socket.payload(into),
      fail: (failure) => this.fail(failure),
    };
    const peer: Peer = {
      ...{ rank, key, info: { rank, ...decodeInfo(info) }, link: new PeerLink(rank, writer) },
      ...{ sent: 0, received: 0, state: "here", lastWords: undefined, knowsGoodbye: false },
    };
    this.#connections.add(peer);
  }

  /** The peer, or the rejection of whatever was to be done with it. */
  #usable(rank: number): Peer | Promise<never> {
    if (this.failure !== undefined) return Promise.reject(new FailureSignal(this.failure));
    const peer = this.#connections.ofRank(rank);
    if (peer?.state === "here") return peer;
    this.fail(this.#absence(peer!));
    return Promise.reject(new FailureSignal(this.failure!));
  }

  #receive(rank: number, envelope: Envelope, into?: Uint8Array): Promise<Message> {
    if (this.failure !== undefined) return Promise.reject(new FailureSignal(this.failure));
    const peer = this.#connections.ofRank(rank)!;
    const message = peer.link.receive(envelope, into);
    // What a rank sent before it left still counts.
    if (peer.state !== "here" && peer.link.isAwaited) this.fail(this.#absence(peer));
    return message;
  }

  /** Why a peer that was here cannot be reached. */
  #absence(peer: Peer): Failure {
    return peer.state === "lost" ? this.#connections.loss() : this.#connections.leftEarly(peer);
  }

  #drainMail(): boolean {
    return this.#mail.drain((failure) => this.fail(failure));
  }

  #drain(): boolean {
    const delivered = this.#drainMail();
    const progressed = this.#drainMessages(FRAMES_PER_DRAIN) || delivered;
    if (performance.now() - this.#looked < LOOK_MS) return progressed;
    this.#looked = performance.now();
    const broken = this.#door.broken();
    if (broken.length === 0) return progressed;
    // Whatever a rank said before its connection broke comes first: a goodbye, or whom it saw failing.
    this.#drainMessages(Infinity);
    this.#drainMail();
    this.lose(broken);
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
    if (peer === undefined) return this.#door.handle(key, frame);
    const failure = frame instanceof FrameError
      ? violation(peer, frame.reason)
      : this.#handlePeer(peer, frame);
    if (failure !== undefined) this.fail(failure);
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
        this.#drainMail();
        const bytes = new Uint8Array(frame.payload);
        const failure = this.#socket.payload(bytes) ? decodeFailure(bytes) : undefined;
        if (failure === undefined) return violation(peer, "an unreadable failure report");
        this.fail(failure, false);
        return undefined;
      }
      case Kind.Goodbye:
        this.#drainMail();
        this.#announce.tell(peer, Kind.GoodbyeAck);
        peer.state = "left";
        this.#endFarewell();
        return peer.link.isAwaited || peer.link.hasUnsent ? this.#connections.leftEarly(peer) : undefined;
      case Kind.GoodbyeAck:
        peer.knowsGoodbye = true;
        this.#endFarewell();
        return undefined;
      case Kind.Query: {
        const { group, sequence } = frame;
        const entered = this.#observer.hasEntered(group, sequence);
        this.#announce.tell(peer, Kind.Answer, { ...NO_ENVELOPE, group, sequence, count: entered ? 1 : 0 });
        return undefined;
      }
      case Kind.Answer:
        this.#rollCall.answered(frame.group, frame.sequence, peer.rank, frame.count === 1);
        return undefined;
      case Kind.LastWords: {
        const bytes = new Uint8Array(frame.payload);
        if (!this.#socket.payload(bytes)) return violation(peer, "unreadable last words");
        peer.lastWords = decodeText(bytes);
        return undefined;
      }
      default:
        return violation(peer, `a frame of kind ${frame.kind} after the handshake`);
    }
  }

  lose(descriptors: readonly number[]): void {
    const lost: Peer[] = [];
    for (const descriptor of descriptors) {
      const key = this.#connections.takeDescriptor(descriptor);
      if (key === undefined) continue;
      const peer = this.#connections.ofKey(key);
      this.#door.forget(key, peer !== undefined);
      if (peer === undefined) continue;
      if (peer.state === "here") lost.push(peer);
      peer.state = peer.state === "here" ? "lost" : "gone";
    }
    this.#endFarewell();
    if (lost.length === 0 || this.failure !== undefined) return;
    const fail = (): void => this.fail(this.#connections.loss());
    const isHostCutOff = lost.some((peer) => this.#connections.isOneOfSeveralElsewhere(peer));
    if (!isHostCutOff) fail();
    else this.#lossTimer ??= setTimeout(fail, HOST_LOSS_MS);
  }

  #endFarewell(): void {
    if (this.#connections.isSettled) this.#farewell?.();
  }

  async #leave(): Promise<void> {
    const limit = this.failure === undefined ? GOODBYE_MS : GOODBYE_AFTER_FAILURE_MS;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#farewell = resolve;
    this.#door.shut();
    this.#announce.goodbye(this.failure);
    const timer = setTimeout(resolve, limit);
    this.#endFarewell();
    await this.attend(promise);
    clearTimeout(timer);
    clearTimeout(this.#lossTimer);
    const detail = "the group is closed on this rank";
    this.fail({ kind: "closed", operation: "", sequence: 0, ranks: [this.rank], detail }, false);
    await this.#progress.close();
    await this.#socket.close(this.#connections.isSettled ? SETTLED_LINGER_MS : limit);
    forgetEnd(this);
  }
}
