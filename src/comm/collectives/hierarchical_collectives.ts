import { type ArrayStream, throughArray } from "../array_stream.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import type { Message } from "../transport/transport.ts";
import type { Collectives, Messages } from "./collectives.ts";
import { hierarchicalAllGather } from "./hierarchical_all_gather.ts";
import { hierarchicalAllToAll } from "./hierarchical_all_to_all.ts";
import { hierarchicalGather } from "./hierarchical_gather.ts";
import { hierarchicalReduceScatter } from "./hierarchical_reduce_scatter.ts";
import { hierarchicalScatter } from "./hierarchical_scatter.ts";
import { type Levels, type Roles, rolesOf } from "./levels.ts";
import { handedOver, MessageCollectives } from "./message_collectives.ts";

/**
 * Collectives in two levels: inside each host through shared memory, and between one leader for each host by messages.
 *
 * allReduce: reduce to the leader, allReduce between leaders, broadcast from the leader. reduce, broadcast and barrier
 * alike, where the root leads its own host. So data cross the network once for each host rather than for each rank:
 * 2 n (H-1) / H bytes per host instead of per rank. The other operations are in files of their own.
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
    const { leader, isLeader, messages } = this.#roles();
    await this.#inside?.reduce(data, leader, op);
    if (isLeader) await this.#levels.attend(messages.allReduce(data, op));
    await this.#inside?.broadcast(bytesOf(data), leader);
  }

  override reduce(data: TypedArray, root: number, op: ReduceOp, stream?: ArrayStream): Promise<void> {
    const receives = root === this.#levels.channel.index;
    return throughArray(stream, bytesOf(data), () => this.#reduce(data, root, op), { receives });
  }

  async #reduce(data: TypedArray, root: number, op: ReduceOp): Promise<void> {
    const { leader, isLeader, messages, outsideRoot } = this.#roles(root);
    // Only the root's array may change.
    const sum = isLeader && root !== this.#levels.channel.index ? data.slice() : data;
    await this.#inside?.reduce(sum, leader, op);
    if (isLeader) await this.#levels.attend(messages.reduce(sum, outsideRoot, op));
    await this.#inside?.barrier();
  }

  override broadcast(bytes: Uint8Array, root: number, stream?: ArrayStream): Promise<void> {
    const gives = root === this.#levels.channel.index;
    const use = { gives, receives: !gives };
    return throughArray(stream, bytes, () => this.#broadcast(bytes, root), use);
  }

  async #broadcast(bytes: Uint8Array, root: number): Promise<void> {
    const { leader, isLeader, messages, outsideRoot } = this.#roles(root);
    if (isLeader) await this.#levels.attend(messages.broadcast(bytes, outsideRoot));
    await this.#inside?.broadcast(bytes, leader);
  }

  override async broadcastMessage(bytes: Uint8Array | undefined, root: number): Promise<Uint8Array> {
    const { leader, isLeader, messages, outsideRoot } = this.#roles(root);
    const outside = () => this.#levels.attend(messages.broadcastMessage(bytes, outsideRoot));
    const message = isLeader ? await outside() : undefined;
    return await this.#inside?.broadcastMessage(message, leader) ?? message!;
  }

  override async allGather(bytes: Uint8Array, stream?: ArrayStream): Promise<Messages> {
    await stream?.fill(0, bytes);
    return handedOver(await hierarchicalAllGather(this.#levels, bytes), stream);
  }

  override async gather(
    bytes: Uint8Array,
    root: number,
    stream?: ArrayStream,
  ): Promise<Messages | undefined> {
    await stream?.fill(0, bytes);
    const messages = await hierarchicalGather(this.#levels, bytes, root);
    return messages && handedOver(messages, stream);
  }

  override scatter(parts: readonly Uint8Array[] | undefined, root: number): Promise<Message | undefined> {
    return hierarchicalScatter(this.#levels, parts, root);
  }

  override reduceScatter<T extends TypedArray>(blocks: readonly T[], op: ReduceOp): Promise<T> {
    return hierarchicalReduceScatter(this.#levels, blocks, op);
  }

  override allToAll(parts: readonly Uint8Array[]): Promise<Messages> {
    return hierarchicalAllToAll(this.#levels, parts);
  }

  override async barrier(): Promise<void> {
    const { isLeader, messages } = this.#roles();
    await this.#inside?.barrier();
    if (isLeader) await this.#levels.attend(messages.barrier());
    await this.#inside?.barrier();
  }

  get #inside(): Collectives | undefined {
    return this.#levels.inside?.();
  }

  #roles(root?: number): Roles & { readonly messages: MessageCollectives } {
    const roles = rolesOf(this.#levels, root);
    return { ...roles, messages: new MessageCollectives(roles.outside) };
  }
}
