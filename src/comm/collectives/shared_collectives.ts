import { type ArrayStream, type StreamUse, throughArray } from "../array_stream.ts";
import { bytesOf, type TypedArray } from "../dtypes.ts";
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

  allReduce(data: TypedArray, op: ReduceOp, stream?: ArrayStream): Promise<void> | undefined {
    return this.#reduce(data, op, undefined, stream);
  }

  reduce(data: TypedArray, root: number, op: ReduceOp, stream?: ArrayStream): Promise<void> | undefined {
    return this.#reduce(data, op, root, stream);
  }

  async broadcast(bytes: Uint8Array, root: number, stream?: ArrayStream): Promise<void> {
    const broadcast = (pieces?: ArrayStream) => sharedBroadcast(this.#lane, bytes, root, () => bytes, pieces);
    if (this.#isLong(bytes)) await broadcast(stream);
    else await throughArray(stream, bytes, broadcast, this.#from(root));
  }

  broadcastMessage(bytes: Uint8Array | undefined, root: number): Promise<Uint8Array> {
    return sharedBroadcast(this.#lane, bytes, root, (length) => new Uint8Array(length));
  }

  async allGather(bytes: Uint8Array, stream?: ArrayStream): Promise<Messages> {
    return (await this.gather(bytes, undefined, stream))!;
  }

  async gather(bytes: Uint8Array, root?: number, stream?: ArrayStream): Promise<Messages | undefined> {
    if (!this.#isLong(bytes)) await stream?.fill(0, bytes);
    return await sharedGather(this.#lane, bytes, root, stream);
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

  /** Whether bytes go through the stage, in pieces. */
  #isLong(bytes: Uint8Array): boolean {
    return bytes.length > this.#lane.layout.smallBytes;
  }

  /** How a root's stream is used. */
  #from(root: number): StreamUse {
    return { gives: root === this.#lane.index, receives: root !== this.#lane.index };
  }

  #reduce(
    data: TypedArray,
    op: ReduceOp,
    root?: number,
    stream?: ArrayStream,
  ): Promise<void> | undefined {
    if (!isFlat(data.byteLength, this.#lane.size)) return this.#reduceLong(data, op, root, stream);
    const reduce = () => sharedFlatReduce(this.#lane, data, op, root);
    if (stream === undefined) return reduce();
    const receives = root === undefined || root === this.#lane.index;
    return throughArray(stream, bytesOf(data), reduce, { receives });
  }

  async #reduceLong(data: TypedArray, op: ReduceOp, root?: number, stream?: ArrayStream): Promise<void> {
    const place = this.#lane.placeOf(data);
    await this.#lane.enter(undefined, undefined, place);
    if (place !== undefined && this.#lane.sharesPlace(place)) {
      await sharedInPlaceReduce(this.#lane, data, op, place, root);
    } else await sharedStagedReduce(this.#lane, data, op, root, stream);
  }
}
