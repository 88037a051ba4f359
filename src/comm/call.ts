/** A call of a collective or of a point-to-point operation. */

import type { OperationName } from "./wire.ts";

/** One operation as the ranks must agree on it. */
export interface Call {
  readonly operation: OperationName;
  /** Name for the user where it is not `operation`. */
  readonly name?: string;
  /** Element type code, 0 if ranks need not agree. */
  readonly dtype?: number;
  /** Reduction operator code. */
  readonly reduceOp?: number;
  /** World rank of the root. */
  readonly root?: number;
  /** Number of elements, -1 if ranks need not agree. */
  readonly count?: number;
  /** Bytes that this rank puts in, for the counters. */
  readonly bytes?: number;
  /** Tag and peer of a point-to-point message. */
  readonly message?: { readonly tag: number; readonly peer: number; readonly sequence: number };
}

/** The part of the users' options that matters here. */
export interface Deadline {
  /** Deadline in milliseconds; by default the world's. */
  readonly timeout?: number;
}
