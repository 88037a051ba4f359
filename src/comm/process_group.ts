/** The face of `comm`: a set of ranks that communicate. */
import {
  arrayOf,
  arraysOf,
  requireArray,
  requireList,
  requireMember,
  requireOp,
  requireTag,
  requireTimeout,
  sumBytes,
} from "./arguments.ts";
import type { ArrayStream } from "./array_stream.ts";
import type { Call } from "./call.ts";
import { bytesOf, type SharedArrayTypes, type TypedArray } from "./dtypes.ts";
import { ALONE, type GroupCore } from "./group_core.ts";
import { decodeObject, encodeObject, objectsOf } from "./object_codec.ts";
import type { OperationObserver, OperationStats } from "./operation_stats.ts";
import { openGroup, shareArray } from "./sharing.ts";
import { averageAccumulator, divideInto, type ReduceOp, reduceOpCode } from "./reduce_ops.ts";

/** Options that every operation takes last. */
export interface CallOptions {
  /** Deadline of this operation in milliseconds; by default the group's. */
  timeout?: number;
  /** Group that does the operation; by default the one it is called on. */
  group?: ProcessGroup;
  /** In (all)Reduce, broadcast and (all)Gather among several ranks: has the values, takes results; x is scratch memory. */
  stream?: ArrayStream;
}

/** Options of operations that combine arrays. */
export interface ReduceOptions extends CallOptions {
  /** How elements are combined; by default `"sum"`. */
  op?: ReduceOp;
}

/**
 * A set of ranks that communicate. Every member calls the same operations in the same order; ranks are always ranks of
 * the world. Arrays are reduced or filled in place and returned. After any failure the groups of this process are
 * unusable: every later call raises at once.
 *
 * Every operation throws `CollectiveTimeoutError`, `RankFailedError` or `CollectiveMismatchError` if the ranks cannot
 * finish it together, and `InvalidArgumentError` for arguments that cannot be used.
 *
 * @example Some of what a group does
 * ```ts
 * import assert from "node:assert/strict";
 * import { connect } from "@deepinv/distributed/comm";
 *
 * await using group = await connect();
 * const { rank, ranks, size } = group;
 * const x = await group.allReduce(Float32Array.of(rank, 1), { op: "avg" }); // in place: x is that array
 * assert.deepEqual([...x], [(size - 1) / 2, 1]);
 * const received = await group.allToAll(ranks.map((to) => Float64Array.of(10 * rank + to)));
 * assert.deepEqual(received.map(([value]) => value), ranks.map((from) => 10 * from + rank));
 * const settings = await group.broadcastObject(rank === 0 ? { lambda: 0.1 } : null, 0);
 * assert.equal(settings?.lambda, 0.1);
 * const firstTwo = await group.newGroup(ranks.slice(0, 2)); // called by all ranks
 * if (firstTwo.groupRank >= 0) await group.barrier({ group: firstTwo, timeout: 10_000 });
 * ```
 */
export class ProcessGroup implements AsyncDisposable {
  readonly #core: GroupCore;
  readonly #parent: ProcessGroup | undefined;
  readonly #onClose: (() => Promise<void>) | undefined;

  /**
   * Made by `createProcessGroup` and {@link newGroup}.
   *
   * @param core runs the operations
   * @param parent the world, for a sub-group
   * @param onClose releases the transport, for the world
   */
  constructor(core: GroupCore, parent?: ProcessGroup, onClose?: () => Promise<void>) {
    this.#core = core;
    this.#parent = parent;
    this.#onClose = onClose;
  }

  /** This process's rank in the world. */
  get rank(): number {
    return this.#core.rank;
  }

  /** World ranks of the members, ascending. */
  get ranks(): readonly number[] {
    return this.#core.ranks;
  }

  /** Number of members. */
  get size(): number {
    return this.#core.ranks.length;
  }

  /** Position of this process among the members, -1 if it is none. */
  get groupRank(): number {
    return this.#core.ranks.indexOf(this.#core.rank);
  }

  /**
   * Combines everybody's `x`, element by element, and leaves the result in everybody's `x`, with the same bits.
   *
   * @param x same type and length on every rank
   */
  async allReduce<T extends TypedArray>(x: T, options: ReduceOptions = {}): Promise<T> {
    const core = this.#for(options);
    const op = requireOp("allReduce", options.op ?? "sum");
    const dtype = requireArray("allReduce", "x", x);
    const sums = op === "avg" ? averageAccumulator(x) : x;
    const { length: count, byteLength: bytes } = x;
    const call: Call = {
      operation: "allReduce",
      dtype: dtype.code,
      reduceOp: reduceOpCode(op),
      count,
      bytes,
    };
    const work = core.run<void>(call, options, undefined, (all) => all.allReduce(sums, op, options.stream));
    if (work !== undefined) await work;
    if (op === "avg" && !options.stream) divideInto(x, sums, core.size, "allReduce");
    return x;
  }

  /** As {@link allReduce}, but only `dst`'s `x` becomes the result; the others' stay as they are. */
  async reduce<T extends TypedArray>(x: T, dst: number, options: ReduceOptions = {}): Promise<T> {
    const core = this.#for(options);
    const op = requireOp("reduce", options.op ?? "sum");
    const dtype = requireArray("reduce", "x", x);
    const root = core.index("reduce", "dst", dst);
    const sums = op === "avg" ? averageAccumulator(x) : x;
    const agreed = { dtype: dtype.code, reduceOp: reduceOpCode(op), root: dst, count: x.length };
    const call: Call = { operation: "reduce", ...agreed, bytes: x.byteLength };
    await core.run<void>(call, options, undefined, (ranks) => ranks.reduce(sums, root, op, options.stream));
    if (op === "avg" && core.rank === dst && !options.stream) divideInto(x, sums, core.size, "reduce");
    return x;
  }

  /** Fills everybody's `x`, of one type and length, with `src`'s. */
  async broadcast<T extends TypedArray>(x: T, src: number, options: CallOptions = {}): Promise<T> {
    const core = this.#for(options);
    const dtype = requireArray("broadcast", "x", x);
    const root = core.index("broadcast", "src", src);
    const { length: count, byteLength: bytes } = x;
    const call: Call = { operation: "broadcast", dtype: dtype.code, root: src, count, bytes };
    await core.run<void>(call, options, undefined, (all) => all.broadcast(bytesOf(x), root, options.stream));
    return x;
  }

  /**
   * Everybody's `x`, in the order of {@link ranks}, on every rank.
   *
   * @param x same type on every rank; lengths may differ
   */
  async allGather<T extends TypedArray>(x: T, options: CallOptions = {}): Promise<T[]> {
    const core = this.#for(options);
    const dtype = requireArray("allGather", "x", x);
    const call: Call = { operation: "allGather", dtype: dtype.code, bytes: x.byteLength };
    const { stream } = options;
    const messages = await core.run(call, options, ALONE, (all) => all.allGather(bytesOf(x), stream));
    return arraysOf(messages, stream ? x.subarray(0, 0) as T : x);
  }

  /** Everybody's `x`, in the order of {@link ranks}, at `dst`; `null` elsewhere. Lengths may differ. */
  async gather<T extends TypedArray>(x: T, dst: number, options: CallOptions = {}): Promise<T[] | null> {
    const core = this.#for(options);
    const dtype = requireArray("gather", "x", x);
    const root = core.index("gather", "dst", dst);
    const call: Call = { operation: "gather", dtype: dtype.code, root: dst, bytes: x.byteLength };
    const { stream } = options;
    const messages = await core.run(call, options, ALONE, (all) => all.gather(bytesOf(x), root, stream));
    return messages === undefined ? null : arraysOf(messages, stream ? x.subarray(0, 0) as T : x);
  }

  /**
   * This rank's entry of the list that `src` gives.
   *
   * @param list at `src`, one array for each of {@link ranks}, of one type, lengths may differ; `null` elsewhere
   */
  async scatter<T extends TypedArray>(list: T[] | null, src: number, options: CallOptions = {}): Promise<T> {
    const core = this.#for(options);
    const root = core.index("scatter", "src", src);
    const isRoot = core.rank === src;
    const dtype = isRoot ? requireList("scatter", list, core.size).code : 0;
    const call: Call = { operation: "scatter", dtype, root: src, bytes: isRoot ? sumBytes(list!) : 0 };
    const parts = isRoot ? list!.map(bytesOf) : undefined;
    const message = await core.run(call, options, undefined, (ranks) => ranks.scatter(parts, root));
    return message === undefined ? list![core.position].slice() as T : arrayOf(message) as T;
  }

  /**
   * The combination of the entries that all ranks give for this one.
   *
   * @param list one array for each of {@link ranks}; entry i has one type and length on every rank
   */
  async reduceScatter<T extends TypedArray>(list: T[], options: ReduceOptions = {}): Promise<T> {
    const core = this.#for(options);
    const op = requireOp("reduceScatter", options.op ?? "sum");
    const dtype = requireList("reduceScatter", list, core.size);
    const blocks = op === "avg" ? list.map(averageAccumulator) : list;
    const count = list.reduce((sum, { length }) => sum + length, 0);
    const agreed = { dtype: dtype.code, reduceOp: reduceOpCode(op), count };
    const call: Call = { operation: "reduceScatter", ...agreed, bytes: sumBytes(list) };
    const sums = await core.run(call, options, blocks[0], (ranks) => ranks.reduceScatter(blocks, op));
    const result = list[core.position].slice() as T;
    if (op === "avg") divideInto(result, sums, core.size, "reduceScatter");
    else result.set(sums as never);
    return result;
  }

  /**
   * Entry i of the result is what rank i of {@link ranks} gives for this rank.
   *
   * @param list one array for each of {@link ranks}, of one type; lengths may differ
   */
  async allToAll<T extends TypedArray>(list: T[], options: CallOptions = {}): Promise<T[]> {
    const core = this.#for(options);
    const dtype = requireList("allToAll", list, core.size);
    const call: Call = { operation: "allToAll", dtype: dtype.code, bytes: sumBytes(list) };
    const messages = await core.run(call, options, ALONE, (ranks) => ranks.allToAll(list.map(bytesOf)));
    return arraysOf(messages, list[core.position]);
  }

  /** Returns when every rank has called it. */
  async barrier(options: CallOptions = {}): Promise<void> {
    await this.#for(options).run<void>(
      { operation: "barrier" },
      options,
      undefined,
      (ranks) => ranks.barrier(),
    );
  }

  /** Sends `x` to `dst`; once it resolves `x` may change. Messages with one tag arrive in order. */
  async send(x: TypedArray, dst: number, tag = 0, options: CallOptions = {}): Promise<void> {
    const core = this.#for(options);
    const dtype = requireArray("send", "x", x);
    const to = core.peer("send", "dst", dst);
    const sequence = core.messageNumber("sent", dst, requireTag("send", tag));
    const message = { tag, peer: dst, sequence };
    const call: Call = { operation: "send", dtype: dtype.code, bytes: x.byteLength, message };
    await core.exchange(call, options, (channel) => channel.send(to, 0, bytesOf(x)));
  }

  /** The next array that `src` sends to this rank with this tag. */
  async recv(src: number, tag = 0, options: CallOptions = {}): Promise<TypedArray> {
    const core = this.#for(options);
    const from = core.peer("recv", "src", src);
    const sequence = core.messageNumber("received", src, requireTag("recv", tag));
    const call: Call = { operation: "send", name: "recv", message: { tag, peer: src, sequence } };
    return arrayOf(await core.exchange(call, options, (channel) => channel.receiveMessage(from, 0)));
  }

  /**
   * A group of some ranks of the world. Every rank of the world calls it, members or not, in the same order.
   *
   * @param ranks world ranks; their order does not matter
   */
  async newGroup(ranks: readonly number[], options: CallOptions = {}): Promise<ProcessGroup> {
    if (this.#parent !== undefined) return await this.#parent.newGroup(ranks, options);
    return new ProcessGroup(await openGroup(this.#core, ranks, options), this);
  }

  /**
   * An array of zeros that lives in memory shared by the members: {@link allReduce} and {@link reduce} of it, or of equal
   * parts of it on all ranks, copy nothing. If the members are not all on one host, or use TCP, it is an ordinary array.
   * A rank's memory is freed when its array and all views of it are garbage, after the group if need be.
   *
   * @param dtype element type
   * @param length number of elements, the same on every rank
   * @throws InvalidArgumentError if the host has no room for it
   */
  async sharedArray<K extends keyof SharedArrayTypes>(
    dtype: K,
    length: number,
    options: CallOptions = {},
  ): Promise<SharedArrayTypes[K]> {
    return await shareArray(this.#for(options), dtype, length, options) as SharedArrayTypes[K];
  }

  /** `src`'s value on every rank; whatever `structuredClone` takes. */
  async broadcastObject<T>(value: T, src: number, options: CallOptions = {}): Promise<T> {
    const core = this.#for(options);
    const root = core.index("broadcastObject", "src", src);
    if (core.isAlone("broadcastObject")) return value;
    const bytes = core.rank === src ? encodeObject(value) : undefined;
    const call: Call = { operation: "broadcastObject", root: src, bytes: bytes?.length };
    const message = await core.execute(call, options, (ranks) => ranks.broadcastMessage(bytes, root));
    return bytes === undefined ? decodeObject(message) as T : value;
  }

  /** Everybody's value, in the order of {@link ranks}, on every rank. */
  async allGatherObject<T>(value: T, options: CallOptions = {}): Promise<T[]> {
    const core = this.#for(options);
    if (core.isAlone("allGatherObject")) return [value];
    const bytes = encodeObject(value);
    const call: Call = { operation: "allGatherObject", bytes: bytes.length };
    const messages = await core.execute(call, options, (ranks) => ranks.allGather(bytes));
    return objectsOf(messages, value);
  }

  /** Everybody's value, in the order of {@link ranks}, at `dst`; `null` elsewhere. */
  async gatherObject<T>(value: T, dst: number, options: CallOptions = {}): Promise<T[] | null> {
    const core = this.#for(options);
    const root = core.index("gatherObject", "dst", dst);
    if (core.isAlone("gatherObject")) return [value];
    const bytes = encodeObject(value);
    const call: Call = { operation: "gatherObject", root: dst, bytes: bytes.length };
    const messages = await core.execute(call, options, (ranks) => ranks.gather(bytes, root));
    return messages === undefined ? null : objectsOf(messages, value);
  }

  /** Calls, bytes and milliseconds by operation name, over all groups of this process. */
  stats(): Record<string, OperationStats> {
    return this.#core.world.stats.snapshot();
  }

  /** Tells `observer` of every call of this process's groups as it ends. */
  observe(observer: OperationObserver): void {
    this.#core.world.stats.observer = observer;
  }

  /** Leaves: waits at most 2 s for the others to have read everything. On a sub-group it does nothing. */
  async close(): Promise<void> {
    if (this.#onClose === undefined) return;
    this.#core.world.closed = true;
    await this.#onClose();
  }

  /** See {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The core of the group that is meant, after the checks that all operations share. */
  #for(options: CallOptions): GroupCore {
    if (options.timeout !== undefined) requireTimeout("communicate", options.timeout);
    const core = (options.group ?? this).#core;
    requireMember("communicate", "this rank", core.rank, core.ranks);
    return core;
  }
}
