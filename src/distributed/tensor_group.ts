import type { SharedArrayTypes, TypedArray } from "../comm/dtypes.ts";
import type { ReduceOp } from "../comm/reduce_ops.ts";
import type { CallOptions, ProcessGroup, ReduceOptions } from "../comm/process_group.ts";
import { numelOf } from "../tensor/array.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { SharedTensor } from "./shared_tensor.ts";
import { exchangeStreamed, STREAMED_BYTES } from "./tensor_stream.ts";

/** What collectives exchange: typed arrays, which they fill in place, and tensors, which they leave alone. */
export type Exchangeable = TypedArray | Tensor;

/** Options of a collective; the group may be of tensors or of typed arrays. */
export interface CollectiveOptions extends Omit<CallOptions, "group" | "stream"> {
  /** The ranks that take part; all of them by default. */
  group?: TensorGroup | ProcessGroup;
}

/** Options of a collective that combines values. */
export interface CombineOptions extends CollectiveOptions, Pick<ReduceOptions, "op"> {}

/**
 * A `ProcessGroup` whose collectives take tensors too: a tensor argument is read to the host, exchanged, and a new tensor
 * on the same device is returned. From 2 MiB on, (all)reduce, broadcast and (all)gather read, exchange and write tensors
 * piece by piece, so that the three overlap. Typed arrays are reduced or filled in place. Errors are those of
 * `ProcessGroup`.
 *
 * @example Even ranks work together, and so do odd ones
 * ```ts
 * import assert from "node:assert/strict";
 * import { DistributedContext, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const [even, odd] = [0, 1].map((r) => ctx.ranks.filter((rank) => rank % 2 === r));
 * const groups = [await ctx.newGroup(even), odd.length > 0 ? await ctx.newGroup(odd) : undefined]; // by all ranks
 * const mine = groups[ctx.rank % 2]!;
 * using x = Tensor.full([2], mine.groupRank + 1); // tensors are left alone, a new one comes back
 * using sum = await mine.allReduce(x, { op: "sum" });
 * assert.equal((await sum.data())[0], mine.size * (mine.size + 1) / 2);
 * const shapes = await mine.allGather(Tensor.zeros([1, ctx.rank + 1])); // shapes may differ
 * assert.deepEqual(shapes.map(({ shape }) => shape[1] - 1), mine.ranks);
 * ```
 */
export class TensorGroup {
  /** Exchanges the values. */
  readonly processes: ProcessGroup;

  /**
   * Wraps a process group.
   *
   * @param processes exchanges the values
   */
  constructor(processes: ProcessGroup) {
    this.processes = processes;
  }

  /** This process's rank in the world. */
  get rank(): number {
    return this.processes.rank;
  }

  /** World ranks of the members, ascending. */
  get ranks(): readonly number[] {
    return this.processes.ranks;
  }

  /** Number of members. */
  get size(): number {
    return this.processes.size;
  }

  /** Position of this process among the members, -1 if it is none. */
  get groupRank(): number {
    return this.processes.groupRank;
  }

  /** The combination of everybody's x on every rank, with the same bits everywhere. */
  async allReduce<T extends Exchangeable>(x: T, options: CombineOptions = {}): Promise<T> {
    const lowered = lower(options);
    if (!(x instanceof Tensor)) return await this.processes.allReduce(x, lowered) as T;
    if (!this.#streams(x.numel, lowered)) {
      return await throughHost(x, (values) => this.processes.allReduce(values, lowered)) as T;
    }
    const result = Tensor.empty(x.shape, x);
    const exchange = { options: lowered, targets: [result], divisor: this.#divisor(lowered) };
    await exchangeStreamed(x, exchange, (values, streamed) => this.processes.allReduce(values, streamed));
    return result as Tensor as T;
  }

  /** The combination of everybody's x at `dst`; elsewhere x as it was. */
  async reduce<T extends Exchangeable>(x: T, dst: number, options: CombineOptions = {}): Promise<T> {
    const lowered = lower(options);
    if (!(x instanceof Tensor)) return await this.processes.reduce(x, dst, lowered) as T;
    if (!this.#streams(x.numel, lowered)) {
      return await throughHost(x, (values) => this.processes.reduce(values, dst, lowered)) as T;
    }
    const result = dst === this.rank ? Tensor.empty(x.shape, x) : x.clone();
    const exchange = { options: lowered, targets: [result], divisor: this.#divisor(lowered) };
    await exchangeStreamed(x, exchange, (values, streamed) => this.processes.reduce(values, dst, streamed));
    return result as Tensor as T;
  }

  /** `src`'s x on every rank. */
  async broadcast<T extends Exchangeable>(x: T, src: number, options: CollectiveOptions = {}): Promise<T> {
    const lowered = lower(options);
    if (!(x instanceof Tensor)) return await this.processes.broadcast(x, src, lowered) as T;
    if (!this.#streams(x.numel, lowered)) {
      return await throughHost(x, (values) => this.processes.broadcast(values, src, lowered)) as T;
    }
    const result = src === this.rank ? x.clone() : Tensor.empty(x.shape, x);
    const exchange = { options: lowered, targets: [result] };
    await exchangeStreamed(
      x,
      exchange,
      (values, streamed) => this.processes.broadcast(values, src, streamed),
    );
    return result as Tensor as T;
  }

  /** Everybody's x, by rank, on every rank; shapes may differ. */
  async allGather<T extends Exchangeable>(x: T, options: CollectiveOptions = {}): Promise<T[]> {
    const lowered = lower(options);
    if (!(x instanceof Tensor)) return await this.processes.allGather(x, lowered) as T[];
    using own = x.reshape(x.shape);
    const shapes = await this.processes.allGatherObject(x.shape, lowered);
    if (this.#streams(Math.max(...shapes.map(numelOf)), lowered)) {
      const results = gathered(own, shapes, this.#group(lowered).groupRank);
      const exchange = { options: lowered, targets: results };
      await exchangeStreamed(own, exchange, (values, streamed) => this.processes.allGather(values, streamed));
      return results as Tensor[] as T[];
    }
    const parts = await this.processes.allGather(await own.data(), lowered);
    return parts.map((values, i) => Tensor.from(values, shapes[i], own)) as unknown as T[];
  }

  /** Everybody's x, by rank, at `dst`; `null` elsewhere. Shapes may differ. */
  async gather<T extends Exchangeable>(
    x: T,
    dst: number,
    options: CollectiveOptions = {},
  ): Promise<T[] | null> {
    const lowered = lower(options);
    if (!(x instanceof Tensor)) return await this.processes.gather(x, dst, lowered) as T[] | null;
    using own = x.reshape(x.shape);
    const shapes = await this.processes.gatherObject(x.shape, dst, lowered);
    if (this.#streams(Math.max(...(shapes ?? [x.shape]).map(numelOf)), lowered)) {
      const results = shapes && gathered(own, shapes, this.#group(lowered).groupRank);
      const exchange = { options: lowered, targets: results ?? [] };
      await exchangeStreamed(
        own,
        exchange,
        (values, streamed) => this.processes.gather(values, dst, streamed),
      );
      return results as Tensor[] | null as T[] | null;
    }
    const parts = await this.processes.gather(await own.data(), dst, lowered);
    return (parts?.map((values, i) => Tensor.from(values, shapes![i], own)) ?? null) as unknown as T[] | null;
  }

  /**
   * This rank's entry of the list that `src` gives, one entry for each rank; `null` elsewhere. Tensors arrive on the
   * default device.
   */
  async scatter<T extends Exchangeable>(
    list: T[] | null,
    src: number,
    options: CollectiveOptions = {},
  ): Promise<T> {
    const lowered = lower(options);
    const tensors = asTensors(list);
    const shapes = await this.processes.broadcastObject(
      tensors?.map((tensor) => tensor.shape) ?? null,
      src,
      lowered,
    );
    if (!shapes) return await this.processes.scatter(list as TypedArray[] | null, src, lowered) as T;
    const values = tensors ? await Promise.all(tensors.map((tensor) => tensor.data())) : null;
    const own = await this.processes.scatter(values, src, lowered);
    const members = (lowered.group ?? this.processes).groupRank;
    return Tensor.from(own, shapes[members]) as T;
  }

  /** The combination of the entries that all ranks give for this one; one entry for each rank. */
  async reduceScatter<T extends Exchangeable>(list: T[], options: CombineOptions = {}): Promise<T> {
    const lowered = lower(options);
    const tensors = asTensors(list);
    if (!tensors) return await this.processes.reduceScatter(list as TypedArray[], lowered) as T;
    const values = await Promise.all(tensors.map((tensor) => tensor.data()));
    const own = await this.processes.reduceScatter(values, lowered);
    const mine = tensors[(lowered.group ?? this.processes).groupRank];
    return Tensor.from(own, mine.shape, mine) as unknown as T;
  }

  /** Entry i of the result is what rank i gives for this one; shapes may differ. */
  async allToAll<T extends Exchangeable>(list: T[], options: CollectiveOptions = {}): Promise<T[]> {
    const lowered = lower(options);
    const tensors = asTensors(list);
    if (!tensors) return await this.processes.allToAll(list as TypedArray[], lowered) as T[];
    const shapes = await this.processes.allToAll(
      tensors.map((tensor) => Int32Array.from(tensor.shape)),
      lowered,
    );
    const parts = await this.processes.allToAll(
      await Promise.all(tensors.map((tensor) => tensor.data())),
      lowered,
    );
    return parts.map((values, i) => Tensor.from(values, [...shapes[i]], tensors[i])) as unknown as T[];
  }

  /** Returns when every rank has called it. */
  barrier(options: CollectiveOptions = {}): Promise<void> {
    return this.processes.barrier(lower(options));
  }

  /** Sends x to `dst`; a tensor arrives as the Float32Array of its values. */
  async send(x: Exchangeable, dst: number, tag = 0, options: CollectiveOptions = {}): Promise<void> {
    await this.processes.send(x instanceof Tensor ? await x.data() : x, dst, tag, lower(options));
  }

  /** The next array that `src` sends to this rank with this tag. */
  recv(src: number, tag = 0, options: CollectiveOptions = {}): Promise<TypedArray> {
    return this.processes.recv(src, tag, lower(options));
  }

  /** An array of zeros in memory that the ranks share, as `ProcessGroup.sharedArray`; every rank calls it. */
  sharedArray<K extends keyof SharedArrayTypes>(
    dtype: K,
    length: number,
    options: CollectiveOptions = {},
  ): Promise<SharedArrayTypes[K]> {
    return this.processes.sharedArray(dtype, length, lower(options));
  }

  /**
   * float32 zeros of some shape in memory that the ranks share; every rank calls it with the same shape.
   *
   * @throws {InvalidArgumentError} for extents that are not whole numbers >= 0, or if the host has no room for it
   */
  async sharedTensor(
    shape: readonly number[],
    options: Omit<CollectiveOptions, "group"> = {},
  ): Promise<SharedTensor> {
    if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
      const requirement = "whole numbers >= 0";
      throw new InvalidArgumentError("make a shared tensor", "shape", requirement, formatShape(shape));
    }
    const length = shape.reduce((product, extent) => product * extent, 1);
    const values = await this.sharedArray("float32", length, options);
    return new SharedTensor([...shape], values, (x, settings) => this.allReduce(x, settings));
  }

  /** A group of some ranks of the world; every rank of the world calls it, in the same order. */
  async newGroup(ranks: readonly number[], options: CollectiveOptions = {}): Promise<TensorGroup> {
    return new TensorGroup(await this.processes.newGroup(ranks, lower(options)));
  }

  /** `src`'s value on every rank; whatever `structuredClone` takes. */
  broadcastObject<T>(value: T, src: number, options: CollectiveOptions = {}): Promise<T> {
    return this.processes.broadcastObject(value, src, lower(options));
  }

  /** Everybody's value, by rank, on every rank. */
  allGatherObject<T>(value: T, options: CollectiveOptions = {}): Promise<T[]> {
    return this.processes.allGatherObject(value, lower(options));
  }

  /** Everybody's value, by rank, at `dst`; `null` elsewhere. */
  gatherObject<T>(value: T, dst: number, options: CollectiveOptions = {}): Promise<T[] | null> {
    return this.processes.gatherObject(value, dst, lower(options));
  }

  #group(options: { group?: ProcessGroup }): ProcessGroup {
    return options.group ?? this.processes;
  }

  /** Whether a tensor of so many values goes piece by piece. */
  #streams(numel: number, options: { group?: ProcessGroup }): boolean {
    return 4 * numel >= STREAMED_BYTES && this.#group(options).size > 1;
  }

  #divisor(options: { op?: ReduceOp; group?: ProcessGroup }): number {
    return options.op === "avg" ? this.#group(options).size : 1;
  }
}

/** The same options for the floor below. */
function lower<O extends CollectiveOptions>(
  { group, ...rest }: O,
): Omit<O, "group"> & { group?: ProcessGroup } {
  return group === undefined
    ? rest
    : { ...rest, group: group instanceof TensorGroup ? group.processes : group };
}

function asTensors(list: readonly Exchangeable[] | null): Tensor[] | undefined {
  return list && list.length > 0 && list.every((entry) => entry instanceof Tensor)
    ? list as Tensor[]
    : undefined;
}

/** Tensors for the values of all ranks; this rank's is a copy of x. */
function gathered(x: Tensor, shapes: readonly (readonly number[])[], own: number): Tensor[] {
  return shapes.map((shape, i) => i === own ? x.clone() : Tensor.empty(shape, x));
}

/** Runs a collective that works in place on a copy of a tensor's values. */
async function throughHost(
  x: Tensor,
  collective: (values: Float32Array) => Promise<Float32Array>,
): Promise<Tensor> {
  const { device, shape } = x;
  return Tensor.from(await collective(await x.data()), shape, { device });
}
