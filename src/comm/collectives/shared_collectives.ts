import type { TypedArray } from "../dtypes.ts";
import type { ReduceOp } from "../reduce_ops.ts";
import type { Lane } from "../shm/lane.ts";
import type { Message } from "../transport/transport.ts";
import { isFlat } from "./choose.ts";
import type { Collectives, Messages } from "./collectives.ts";
import { sharedAllToAll } from "./shared_all_to_all.ts";
import { sharedBroadcast } from "./shared_broadcast.ts";
import { sharedFlatReduce } from "./shared_flat_reduce.ts";
import { sharedGather } from "./shared_gather.ts";
import { sharedInPlaceReduce } from "./shared_in_place_reduce.ts";
import { sharedReduceScatter } from "./shared_reduce_scatter.ts";
import { sharedScatter } from "./shared_scatter.ts";
import { sharedStagedReduce } from "./shared_staged_reduce.ts";

/** Collectives through shared memory. All of them return only when every rank has called them. */
export class SharedCollectives implements Collectives {
  readonly #lane: Lane;

  /** @param lane the memory that the ranks share */
  constructor(lane: Lane) {
    this.#lane = lane;
  }

  allReduce(data: TypedArray, op: ReduceOp): Promise<void> | undefined {
    return this.#reduce(data, op);
  }

  reduce(data: TypedArray, root: number, op: ReduceOp): Promise<void> | undefined {
    return this.#reduce(data, op, root);
  }

  async broadcast(bytes: Uint8Array, root: number): Promise<void> {
    await sharedBroadcast(this.#lane, bytes, root, () => bytes);
  }

  broadcastMessage(bytes: Uint8Array | undefined, root: number): Promise<Uint8Array> {
    return sharedBroadcast(this.#lane, bytes, root, (length) => new Uint8Array(length));
  }

  async allGather(bytes: Uint8Array): Promise<Messages> {
    return (await sharedGather(this.#lane, bytes))!;
  }

  gather(bytes: Uint8Array, root: number): Promise<Messages | undefined> {
    return sharedGather(this.#lane, bytes, root);
  }

  scatter(parts: readonly Uint8Array[] | undefined, root: number): Promise<Message | undefined> {
    return sharedScatter(this.#lane, parts, root);
  }

  reduceScatter<T extends TypedArray>(blocks: readonly T[], op: ReduceOp): Promise<T> {
    return sharedReduceScatter(this.#lane, blocks, op);
  }

  allToAll(parts: readonly Uint8Array[]): Promise<Messages> {
    return sharedAllToAll(this.#lane, parts);
  }

  barrier(): Promise<void> | undefined {
    return this.#lane.enter();
  }

  #reduce(data: TypedArray, op: ReduceOp, root?: number): Promise<void> | undefined {
    return isFlat(data.byteLength, this.#lane.size)
      ? sharedFlatReduce(this.#lane, data, op, root)
      : this.#reduceLong(data, op, root);
  }

  async #reduceLong(data: TypedArray, op: ReduceOp, root?: number): Promise<void> {
    const place = this.#lane.placeOf(data);
    await this.#lane.enter(undefined, undefined, place);
    if (place !== undefined && this.#lane.sharesPlace(place)) {
      await sharedInPlaceReduce(this.#lane, data, op, place, root);
    } else await sharedStagedReduce(this.#lane, data, op, root);
  }
}
