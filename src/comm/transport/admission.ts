/** What the ZeroMQ transport is told when it is made. */

import type { CurveKeys } from "../curve.ts";
import type { TransportObserver } from "./transport.ts";
import type { RoutingKey } from "./zmq_socket.ts";

/** What the rendezvous does with connections that are not yet established. */
export interface Admission {
  /** A connecting rank has proved itself. */
  proved(key: RoutingKey, rank: number, info: string): void;
  /** A connection is established; `info` is what the other rank told. */
  established(rank: number, info: string): void;
  /** A connection broke before it was established; its rank may come again over another one. */
  left(key: RoutingKey): void;
  /** The rank this one connected to has refused it. */
  refused(info: string): void;
}

/** Who a rank is and who wants to know what it meets. */
export interface ZmqOptions {
  /** This process's rank. */
  readonly rank: number;
  /** Number of ranks. */
  readonly worldSize: number;
  /** What connecting ranks must prove to know. */
  readonly secret: string;
  /** Keys of encrypted connections; unset for connections in the clear. */
  readonly curve?: CurveKeys;
  /** Whether addresses may be IPv6. */
  readonly ipv6?: boolean;
  /** Sees the frames of collectives. */
  readonly observer: TransportObserver;
  /** Decides about new connections. */
  readonly admission: Admission;
}
