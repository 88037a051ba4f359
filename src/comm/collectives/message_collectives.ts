import type { ArrayStream } from "../array_stream.ts";
import type { Channel } from "../channel.ts";
import type { TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import type { Message } from "../transport/transport.ts";
import { binomialBroadcast, binomialBroadcastMessage } from "./binomial_broadcast.ts";
import { binomialReduce } from "./binomial_reduce.ts";
import { chooseAllReduce } from "./choose.ts";
import type { Collectives, Messages } from "./collectives.ts";
import { directAllGather } from "./direct_all_gather.ts";
import { directGather } from "./direct_gather.ts";
import { directScatter } from "./direct_scatter.ts";
import { agree, disseminationBarrier } from "./dissemination_barrier.ts";
import { pairwiseAllToAll } from "./pairwise_all_to_all.ts";
import { ringReduceScatter } from "./ring_reduce_scatter.ts";

/** Collectives made of messages. Those with a root return only when every rank has called them. */
export class MessageCollectives implements Collectives {
  readonly #channel: Channel;

  /** @param channel carries the messages of one operation */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  allReduce(data: TypedArray, op: ReduceOp, stream?: ArrayStream): Promise<void> {
    return chooseAllReduce(data.byteLength, this.#channel.size)(this.#channel, data, op, stream);
  }

  reduce(data: TypedArray, root: number, op: ReduceOp, stream?: ArrayStream): Promise<void> {
    return this.#agreed(binomialReduce(this.#channel, data, root, op, stream));
  }

  broadcast(bytes: Uint8Array, root: number, stream?: ArrayStream): Promise<void> {
    return this.#agreed(binomialBroadcast(this.#channel, bytes, root, stream));
  }

  broadcastMessage(bytes: Uint8Array | undefined, root: number): Promise<Uint8Array> {
    return this.#agreed(binomialBroadcastMessage(this.#channel, bytes, root));
  }

  async allGather(bytes: Uint8Array, stream?: ArrayStream): Promise<Messages> {
    await stream?.fill(0, bytes);
    return handedOver(await directAllGather(this.#channel, bytes), stream);
  }

  async gather(bytes: Uint8Array, root: number, stream?: ArrayStream): Promise<Messages | undefined> {
    await stream?.fill(0, bytes);
    const messages = await this.#agreed(directGather(this.#channel, bytes, root));
    return messages && handedOver(messages, stream);
  }

  scatter(parts: readonly Uint8Array[] | undefined, root: number): Promise<Message | undefined> {
    return this.#agreed(directScatter(this.#channel, parts, root));
  }

  reduceScatter<T extends TypedArray>(blocks: readonly T[], op: ReduceOp): Promise<T> {
    return ringReduceScatter(this.#channel, blocks, op);
  }

  allToAll(parts: readonly Uint8Array[]): Promise<Messages> {
    return pairwiseAllToAll(this.#channel, parts);
  }

  barrier(): Promise<void> {
    return disseminationBarrier(this.#channel);
  }

  async #agreed<T>(work: Promise<T>): Promise<T> {
    const [result] = await Promise.all([work, agree(this.#channel)]);
    return result;
  }
}

/** The messages; a stream takes what is in them. */
export function handedOver(messages: Messages, stream: ArrayStream | undefined): Messages {
  if (stream === undefined) return messages;
  return messages.map((message, from) => {
    if (message === undefined) return undefined;
    stream.take(0, message.bytes, from);
    return { dtype: message.dtype, bytes: message.bytes.subarray(0, 0) };
  });
}
