import type { ArrayStream } from "../array_stream.ts";
import type { TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import type { Message } from "../transport/transport.ts";

/** What a collective returns: at once, where nobody had to be waited for. */
export type Eventually<T> = T | Promise<T>;

/** One rank's messages by position in the group; `undefined` for the rank's own, which does not travel. */
export type Messages = (Message | undefined)[];

/**
 * The collectives of one group over one way of exchanging bytes. Ranks are positions in the group. `avg` adds; whoever
 * calls divides. With a stream, arrays are scratch memory: values come from it and results go to it.
 */
export interface Collectives {
  /** Leaves the combination of everybody's `data` in everybody's `data`. */
  allReduce(data: TypedArray, op: ReduceOp, stream?: ArrayStream): Eventually<void>;
  /** As {@link allReduce}, but changes only the root's `data`. */
  reduce(data: TypedArray, root: number, op: ReduceOp, stream?: ArrayStream): Eventually<void>;
  /** Fills everybody's `bytes`, of one length, with the root's. */
  broadcast(bytes: Uint8Array, root: number, stream?: ArrayStream): Eventually<void>;
  /** The root's bytes, whose length only the root knows, on every rank. */
  broadcastMessage(bytes: Uint8Array | undefined, root: number): Eventually<Uint8Array>;
  /** Everybody's bytes, of any lengths; with a stream the messages hold none of them. */
  allGather(bytes: Uint8Array, stream?: ArrayStream): Eventually<Messages>;
  /** Everybody's bytes at the root; `undefined` elsewhere. */
  gather(bytes: Uint8Array, root: number, stream?: ArrayStream): Eventually<Messages | undefined>;
  /** This rank's part of what the root gives; `undefined` at the root. */
  scatter(parts: readonly Uint8Array[] | undefined, root: number): Eventually<Message | undefined>;
  /** The combination of everybody's block for this rank; the blocks stay unchanged. */
  reduceScatter<T extends TypedArray>(blocks: readonly T[], op: ReduceOp): Eventually<T>;
  /** Everybody's part for this rank. */
  allToAll(parts: readonly Uint8Array[]): Eventually<Messages>;
  /** Returns when every rank has called it. */
  barrier(): Eventually<void>;
}
