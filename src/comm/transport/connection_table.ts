/** The peers of a rank, found by connection, by rank and by file descriptor. */

import type { Failure } from "../errors.ts";
import type { PeerLink } from "./peer_link.ts";
import type { RankInfo } from "./transport.ts";
import type { RoutingKey } from "./zmq_socket.ts";

/** A rank with an established connection. */
export interface Peer {
  readonly rank: number;
  readonly key: RoutingKey;
  readonly info: RankInfo;
  readonly link: PeerLink;
  /** Frames sent and received, the serial numbers of the next ones. */
  sent: number;
  received: number;
  /** `left` has said goodbye, `lost` has not and has no connection any more, `gone` has and has none. */
  state: "here" | "left" | "lost" | "gone";
  /** How it said that it ends. */
  lastWords: string | undefined;
  /** Whether it has read everything up to this rank's goodbye. */
  knowsGoodbye: boolean;
}

/** Whether frames can still reach a peer. */
export function isConnected(peer: Peer): boolean {
  return peer.state === "here" || peer.state === "left";
}

/** See the file's description. */
export class ConnectionTable {
  readonly #ownHost: string;
  readonly #byKey = new Map<RoutingKey, Peer>();
  readonly #byRank = new Map<number, Peer>();
  readonly #keyOfDescriptor = new Map<number, RoutingKey>();

  /** @param ownHost name of this rank's host */
  constructor(ownHost: string) {
    this.#ownHost = ownHost;
  }

  /** Adds a peer. */
  add(peer: Peer): void {
    this.#byKey.set(peer.key, peer);
    this.#byRank.set(peer.rank, peer);
  }

  /** All peers. */
  get peers(): Iterable<Peer> {
    return this.#byRank.values();
  }

  /** The peer behind a connection. */
  ofKey(key: RoutingKey): Peer | undefined {
    return this.#byKey.get(key);
  }

  /** The peer with a rank. */
  ofRank(rank: number): Peer | undefined {
    return this.#byRank.get(rank);
  }

  /** Records which file descriptor a connection uses. */
  noteDescriptor(descriptor: number, key: RoutingKey): void {
    this.#keyOfDescriptor.set(descriptor, key);
  }

  /** The connection that uses a file descriptor. */
  keyOf(descriptor: number): RoutingKey | undefined {
    return this.#keyOfDescriptor.get(descriptor);
  }

  /** The connection that used a file descriptor, which is forgotten. */
  takeDescriptor(descriptor: number): RoutingKey | undefined {
    const key = this.#keyOfDescriptor.get(descriptor);
    this.#keyOfDescriptor.delete(descriptor);
    return key;
  }

  /** Whether no rank waits for anything that this one may still have to send. */
  get isSettled(): boolean {
    return [...this.peers].every((peer) =>
      peer.knowsGoodbye || peer.state === "lost" || peer.state === "gone"
    );
  }

  /** Whether a peer is on another host together with ranks that are still here. */
  isOneOfSeveralElsewhere({ info: { host } }: Peer): boolean {
    return host !== this.#ownHost &&
      [...this.peers].some(({ state, info }) => state === "here" && info.host === host);
  }

  /** The failure of a rank that does not take part any more although others communicate with it. */
  leftEarly(peer: Peer): Failure {
    const ending = peer.lastWords ?? "left the group";
    const detail = `${nameOf(peer)} ${ending} while other ranks still communicate`;
    return failureOf([peer], detail, ending);
  }

  /** The failure of all peers whose connections broke. */
  loss(): Failure {
    const lost = [...this.peers].filter(({ state }) => state === "lost").sort((a, b) => a.rank - b.rank);
    const endings = lost.map((peer) => `${nameOf(peer)} failed: ${peer.lastWords ?? CONNECTION_BROKE}`);
    return failureOf(lost, endings.join("; "), CONNECTION_BROKE);
  }
}

const CONNECTION_BROKE = "the connection broke";

function failureOf(peers: readonly Peer[], detail: string, ending: string): Failure {
  const processes = peers.map((peer) => ({ ...peer.info, ending: peer.lastWords ?? ending }));
  return {
    kind: "rank",
    operation: "",
    sequence: 0,
    ranks: peers.map(({ rank }) => rank),
    detail,
    processes,
  };
}

/** A rank with its host and process. */
function nameOf({ info }: Peer): string {
  return `rank ${info.rank} (host ${info.host}, pid ${info.pid})`;
}

/** The failure of a peer that sends what it must not. */
export function violation(peer: Peer, reason: string): Failure {
  const ending = `broke the protocol: ${reason}`;
  return failureOf([peer], `${nameOf(peer)} ${ending}`, ending);
}
