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
  /** `left` has said goodbye, `lost` has no connection any more. */
  state: "here" | "left" | "lost";
  /** Whether it has read everything up to this rank's goodbye. */
  knowsGoodbye: boolean;
}

/** See the file's description. */
export class ConnectionTable {
  readonly #byKey = new Map<RoutingKey, Peer>();
  readonly #byRank = new Map<number, Peer>();
  readonly #keyOfDescriptor = new Map<number, RoutingKey>();

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
    return [...this.peers].every((peer) => peer.knowsGoodbye || peer.state !== "here");
  }

  /** The failure of a rank that does not take part any more although others communicate with it. */
  leftEarly(rank: number): Failure {
    const detail = `${this.#name(rank)} left the group while other ranks still communicate`;
    return { kind: "rank", operation: "", sequence: 0, ranks: [rank], detail };
  }

  /** The failure of peers whose connections broke. */
  loss(peers: readonly Peer[]): Failure {
    const ranks = peers.map(({ rank }) => rank).sort((a, b) => a - b);
    const names = ranks.map((rank) => this.#name(rank)).join(", ");
    const detail = `${names} failed: the connection broke`;
    return { kind: "rank", operation: "", sequence: 0, ranks, detail };
  }

  /** A rank with its host and process. */
  #name(rank: number): string {
    const info = this.#byRank.get(rank)?.info;
    return info === undefined ? `rank ${rank}` : `rank ${rank} (host ${info.host}, pid ${info.pid})`;
  }
}

/** The failure of a peer that sends what it must not. */
export function violation(peer: Peer, reason: string): Failure {
  const detail = `rank ${peer.rank} broke the protocol: ${reason}`;
  return { kind: "rank", operation: "", sequence: 0, ranks: [peer.rank], detail };
}
