import { type ArrayStream, throughArray } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import type { Collectives } from "./collectives.ts";
import { MessageCollectives } from "./message_collectives.ts";

/** What one operation of a group on several hosts runs on. */
export interface Levels {
  /** Between all members. */
  readonly channel: Channel;
  /** Positions of the members on each host. */
  readonly hosts: readonly (readonly number[])[];
  /** The next operation over the memory of this host; unset if this rank is alone there. */
  readonly inside: (() => Collectives) | undefined;
  /** The channel between some members. */
  between(positions: readonly number[]): Channel;
}

/**
 * Collectives in two levels: inside each host through shared memory, and between one leader for each host by messages.
 *
 * allReduce: reduce to the leader, allReduce between leaders, broadcast from the leader. reduce, broadcast and barrier
 * alike, where the root leads its own host. So data cross the network once for each host rather than for each rank:
 * 2 n (H-1) / H bytes per host instead of per rank. The other operations have nothing to save but latency and go by
 * messages.
 */
export class HierarchicalCollectives extends MessageCollectives {
  readonly #levels: Levels;

  /** @param levels what the operation runs on */
  constructor(levels: Levels) {
    super(levels.channel);
    this.#levels = levels;
  }

  override allReduce(data: TypedArray, op: ReduceOp, stream?: ArrayStream): Promise<void> {
    return throughArray(stream, bytesOf(data), () => this.#allReduce(data, op));
  }

  async #allReduce(data: TypedArray, op: ReduceOp): Promise<void> {
    const { leader, isLeader, outside } = this.#roles();
    await this.#inside?.reduce(data, leader, op);
    if (isLeader) await outside.allReduce(data, op);
    await this.#inside?.broadcast(bytesOf(data), leader);
  }

  override reduce(data: TypedArray, root: number, op: ReduceOp, stream?: ArrayStream): Promise<void> {
    const receives = root === this.#levels.channel.index;
    return throughArray(stream, bytesOf(data), () => this.#reduce(data, root, op), { receives });
  }

  async #reduce(data: TypedArray, root: number, op: ReduceOp): Promise<void> {
    const { leader, isLeader, outside, outsideRoot } = this.#roles(root);
    // Only the root's array may change.
    const sum = isLeader && root !== this.#levels.channel.index ? data.slice() : data;
    await this.#inside?.reduce(sum, leader, op);
    if (isLeader) await outside.reduce(sum, outsideRoot, op);
    await this.#inside?.barrier();
  }

  override broadcast(bytes: Uint8Array, root: number, stream?: ArrayStream): Promise<void> {
    const gives = root === this.#levels.channel.index;
    const use = { gives, receives: !gives };
    return throughArray(stream, bytes, () => this.#broadcast(bytes, root), use);
  }

  async #broadcast(bytes: Uint8Array, root: number): Promise<void> {
    const { leader, isLeader, outside, outsideRoot } = this.#roles(root);
    if (isLeader) await outside.broadcast(bytes, outsideRoot);
    await this.#inside?.broadcast(bytes, leader);
  }

  override async broadcastMessage(bytes: Uint8Array | undefined, root: number): Promise<Uint8Array> {
    const { leader, isLeader, outside, outsideRoot } = this.#roles(root);
    const message = isLeader ? await outside.broadcastMessage(bytes, outsideRoot) : undefined;
    return await this.#inside?.broadcastMessage(message, leader) ?? message!;
  }

  override async barrier(): Promise<void> {
    const { isLeader, outside } = this.#roles();
    await this.#inside?.barrier();
    if (isLeader) await outside.barrier();
    await this.#inside?.barrier();
  }

  get #inside(): Collectives | undefined {
    return this.#levels.inside?.();
  }

  /** Who leads; `leader` counts inside this host, `outsideRoot` between leaders. */
  #roles(root?: number): { leader: number; isLeader: boolean; outside: Collectives; outsideRoot: number } {
    const { channel, hosts, between } = this.#levels;
    const leaders = hosts.map((host) => root !== undefined && host.includes(root) ? root : host[0]);
    const own = hosts.findIndex((host) => host.includes(channel.index));
    // Channels count positions in the order of ranks.
    const sorted = leaders.toSorted((a, b) => a - b);
    return {
      leader: hosts[own].indexOf(leaders[own]),
      isLeader: leaders[own] === channel.index,
      outside: new MessageCollectives(between(sorted)),
      outsideRoot: root === undefined ? 0 : sorted.indexOf(root),
    };
  }
}
